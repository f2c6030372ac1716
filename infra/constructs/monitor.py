"""The lab's monitor: what the endpoint was asked is compared, on a schedule, with what its model was tested with.

model_code/monitor.py runs in AWS's TensorFlow training container, which has SciPy. A monitoring job has no input for
code: the container's entrypoint, which a schedule may give (botocore, MonitoringAppSpecification), fetches it. New
customers don't get Model Monitor since July 30, 2026: a note on each of its pages in SageMaker's guide.
Not compared with AWS: the names of the jobs of a schedule without a job definition, by which their log streams begin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.constructs import processing, statements
from infra.constructs.alarms import Alarm
from infra.constructs.arns import arn
from infra.constructs.execution_role import ExecutionRole, run_jobs, run_jobs_wildcards
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.images import ContainerImage
from infra.constructs.source_directory import ARCHIVE
from infra.settings import has_local_storage
from teardown import names

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from infra.constructs.statements import Statement
    from infra.settings import Settings

CAPTURED, LABELS, REPORTS = "capture/", "monitor/labels/", "monitor/reports/"
_MODELS = "training/"
_CODE = f"notebooks/{ARCHIVE}"
JOBS = "*monitoring-*"
"""What the names of a schedule's jobs have in them."""
_EXPRESSIONS = {"hourly": "cron(0 * ? * * *)", "daily": "cron(0 0 ? * * *)"}
_SECONDS = {"hourly": 3600, "daily": 86_400}
_VOLUME_GB = 20
_Schedule = sagemaker.CfnMonitoringSchedule
# Bucket and key are its arguments. SageMaker takes 256 characters a word, and no line ends (botocore).
_START = (
    "import boto3,io,os,sys,tarfile,tempfile;b,k=sys.argv[1:];d=tempfile.mkdtemp();"
    "tarfile.open(fileobj=io.BytesIO(boto3.client('s3').get_object(Bucket=b,Key=k)['Body'].read())).extractall(d);"
    "os.execlp('python3','python3',d+'/monitor.py')"
)
_PLACES = {
    CAPTURED: "SageMaker makes the names of what it captures.",
    _MODELS: "SageMaker makes the names of the artifacts.",
    LABELS: "Whoever delivers labels names the files.",
    REPORTS: "SageMaker makes the names of the reports' folders.",
}


class Monitor(Construct):
    """A monitoring schedule, the role of its jobs, and an alarm to the lab's topic if a run has found drift."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        bucket: s3.IBucket,
        key: kms.IKey,
        endpoint_name: str,
    ) -> None:
        super().__init__(scope, construct_id)
        lab = settings.name
        image = ContainerImage.training(self)
        role = ExecutionRole(
            self,
            "Role",
            description=f"What the monitor of the lab {lab} may do",
            policy=[
                *_permissions(settings, bucket),
                *run_jobs(lab=lab, key_arn=key.key_arn, image=image, group=processing.LOGS),
            ],
        )
        acknowledge(
            role,
            {
                **{wildcard(f"…/{place}*"): why for place, why in _PLACES.items()},
                wildcard(f"…{processing.LOGS}:log-stream:{JOBS}"): "SageMaker names the jobs of a schedule.",
                wildcard(f"…:processing-job/{JOBS}"): "The same; they get the lab's tag, and no other lab's.",
                **{
                    wildcard(f"…:{kind}/*"): "CloudFormation names them; only those with the lab's tag are described."
                    for kind in ("endpoint-config", "model")
                },
                **run_jobs_wildcards(lab=lab, group=processing.LOGS),
            },
        )
        self.schedule = _Schedule(
            self,
            "Schedule",
            monitoring_schedule_name=names.drift_schedule(lab),
            monitoring_schedule_config=_Schedule.MonitoringScheduleConfigProperty(
                monitoring_job_definition=_job(
                    settings, bucket=bucket, key=key, role_arn=role.role_arn, image=image, endpoint_name=endpoint_name
                ),
                monitoring_type="DataQuality",
                schedule_config=_Schedule.ScheduleConfigProperty(schedule_expression=_EXPRESSIONS[settings.monitor]),
            ),
        )
        self.schedule.node.add_dependency(role)
        Alarm(
            self,
            "Alarm",
            lab=lab,
            name=names.drift_alarm(lab),
            metric=(names.METRICS, "violations"),
            dimensions={"Endpoint": endpoint_name, "MonitoringSchedule": names.drift_schedule(lab)},
            statistic="Maximum",
            threshold=1,
            seconds=_SECONDS[settings.monitor],
            description=f"What the endpoint of the lab {lab} is asked is no longer like what its model was tested "
            "with: `./lab drift` shows which photos have moved, and how. Train with such photos, or find out why they "
            "come.",
        )


def _permissions(settings: Settings, bucket: s3.IBucket) -> list[Statement]:
    """Return what the monitor may do beside what every job may: read, find the model, write reports and metrics."""
    lab, own = settings.name, bucket.bucket_arn
    of_lab = {"StringEquals": {f"aws:ResourceTag/{names.LAB_TAG}": lab}}
    return [
        statements.list_bucket(own, prefixes=list(_PLACES)),
        statements.on_objects(own, actions=["s3:GetObject"], prefixes=list(_PLACES)),
        statements.allow(["s3:GetObject"], [f"{own}/{_CODE}"]),
        statements.on_objects(own, actions=["s3:AbortMultipartUpload", "s3:PutObject"], prefixes=[REPORTS]),
        statements.allow(
            ["sagemaker:DescribeEndpoint"], [arn("sagemaker", f"endpoint/{names.endpoint(lab, settings.hosting)}")]
        ),
        statements.allow(
            ["sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"],
            [arn("sagemaker", "endpoint-config/*"), arn("sagemaker", "model/*")],
            of_lab,
        ),
        statements.allow(
            ["cloudwatch:PutMetricData"], ["*"], {"StringEquals": {"cloudwatch:namespace": names.METRICS}}
        ),
        # SageMaker names its jobs: by this tag they are told to be the lab's.
        statements.allow(
            ["sagemaker:AddTags"],
            [arn("sagemaker", f"processing-job/{JOBS}")],
            {"StringEquals": {f"aws:RequestTag/{names.LAB_TAG}": lab}},
        ),
        *statements.write_logs({processing.LOGS: JOBS}),
    ]


def _job(
    settings: Settings, *, bucket: s3.IBucket, key: kms.IKey, role_arn: str, image: ContainerImage, endpoint_name: str
) -> _Schedule.MonitoringJobDefinitionProperty:
    place = f"s3://{bucket.bucket_name}/"
    local = has_local_storage(settings.training_instance_type)
    return _Schedule.MonitoringJobDefinitionProperty(
        environment={
            "AWS_DEFAULT_REGION": Stack.of(bucket).region,
            "labels": f"{place}{LABELS}",
            "metrics_namespace": names.METRICS,
            "reports": f"{place}{REPORTS}",
            "tag": f"{names.LAB_TAG}={settings.name}",
        },
        monitoring_app_specification=_Schedule.MonitoringAppSpecificationProperty(
            container_arguments=[bucket.bucket_name, _CODE],
            container_entrypoint=["python3", "-c", _START],
            image_uri=image.uri,
        ),
        monitoring_inputs=[
            _Schedule.MonitoringInputProperty(
                endpoint_input=_Schedule.EndpointInputProperty(
                    endpoint_name=endpoint_name, local_path="/opt/ml/processing/input/endpoint"
                )
            )
        ],
        monitoring_output_config=_Schedule.MonitoringOutputConfigProperty(
            kms_key_id=key.key_arn,
            monitoring_outputs=[
                _Schedule.MonitoringOutputProperty(
                    s3_output=_Schedule.S3OutputProperty(
                        local_path=processing.OUTPUT, s3_upload_mode="EndOfJob", s3_uri=f"{place}{REPORTS}".rstrip("/")
                    )
                )
            ],
        ),
        monitoring_resources=_Schedule.MonitoringResourcesProperty(
            cluster_config=_Schedule.ClusterConfigProperty(
                instance_count=1,
                instance_type=settings.training_instance_type,
                volume_kms_key_id=None if local else key.key_arn,
                volume_size_in_gb=_VOLUME_GB,
            )
        ),
        network_config=_Schedule.NetworkConfigProperty(
            enable_inter_container_traffic_encryption=True,
            enable_network_isolation=False,  # the program asks S3, SageMaker and CloudWatch itself
        ),
        role_arn=role_arn,
        stopping_condition=_Schedule.StoppingConditionProperty(max_runtime_in_seconds=settings.max_run),
    )
