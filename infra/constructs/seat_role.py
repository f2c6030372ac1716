"""What a student may do: use the lab, run jobs and host small things under names of the seat's own, and nothing else.

Which condition keys each Create operation has: the service authorization reference of SageMaker. The trials of a tuning
job are training jobs that SageMaker makes and names after it. A job's role pulls its image, one of AWS's own algorithms
too: SageMaker's guide, "How to use SageMaker execution roles", holds ECR's actions to TrainingImage and Image. Of Glue
and Athena: the service authorization reference of both, and Athena's user guide, "Example workgroup policies" and
"Configure access to databases and tables in the AWS Glue Data Catalog".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_iam as iam

from infra.constructs import algorithm_images, statements
from infra.constructs.arns import arn
from infra.constructs.execution_role import ExecutionRole
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.hosting import ASYNC_FAILURE, ASYNC_INPUT, ASYNC_OUTPUT
from infra.constructs.images import ContainerImage, pull
from infra.constructs.seat_labels import SeatLabels
from infra.constructs.seat_monitoring import SeatMonitoring
from infra.constructs.seat_pipelines import SeatPipelines
from infra.constructs.statements import allow
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constructs import Construct

    from infra.constructs.statements import Statement
    from infra.settings import Settings

_JOBS = ("HyperParameterTuningJob", "ProcessingJob", "TrainingJob")
_TRANSFORM = "TransformJob"  # AWS has no operation that deletes one
_HOSTED = ("Endpoint", "EndpointConfig", "Model")
_ANY = "*"  # kind: the actions say of which kinds, and the ARNs of each would not all fit into a role's policy
_JOB_LOGS = "/aws/sagemaker/*Jobs"  # TrainingJobs, ProcessingJobs, TransformJobs
_NOTEBOOKS = "/aws/sagemaker/NotebookInstances"
_SHARED = ("data/", "notebooks/")
_LONGEST_POOL_SECONDS = 3600  # SageMaker's guide, "SageMaker AI Managed Warm Pools"
_SERVERLESS_CONCURRENCY = 5
_SERVERLESS_MEGABYTES = 3072  # the most that an account may have before it asks for more
_ASK_ATHENA = (
    "BatchGetQueryExecution",
    "GetQueryExecution",
    "GetQueryResults",
    "GetWorkGroup",
    "ListQueryExecutions",
    "StartQueryExecution",
    "StopQueryExecution",
)
_READ_CATALOG = ("GetDatabase", "GetPartitions", "GetTable", "GetTables")


class SeatRole(ExecutionRole):
    """The role of a seat's notebook instance, and of the jobs and models that its student makes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        seat: str,
        bucket_arn: str,
        key_arn: str,
    ) -> None:
        lab = settings.name
        notebook, own = names.notebook(lab, seat), names.any_of(lab, seat)
        super().__init__(
            scope,
            construct_id,
            description=f"What the seat {seat} of the lab {lab} may do",
            policy=[
                *_use_the_bucket(bucket_arn, own=f"seats/{seat}/"),
                statements.read_and_write_encrypted(key_arn),
                statements.attach_encrypted_volumes(key_arn),
                *_train_and_host(own, settings.seat_instance_types, longest_pool=_longest_pool(settings)),
                *_invoke(settings, own=own, bucket=bucket_arn),
                allow(
                    ["sagemaker:DescribeNotebookInstance", "sagemaker:StopNotebookInstance"],
                    [_named("notebook-instance", notebook)],
                ),
                *_watch_updates(own),
                *_write_and_read_logs(own, notebook=notebook),
                *pull(
                    ContainerImage.training(scope),
                    ContainerImage.inference(scope),
                    *algorithm_images.of_the_notebook(scope),
                ),
                statements.publish_metrics(),
                *_query(lab, seat, bucket_arn=bucket_arn),
            ],
        )
        # A policy of its own: within the role's it would need the role's ARN before there is a role.
        iam.CfnPolicy(
            scope,
            "PassRole",
            policy_name="pass-role",
            policy_document=statements.as_json([statements.pass_role(self.role_arn, to="sagemaker.amazonaws.com")]),
            roles=[self.role_name],
        )
        SeatPipelines(scope, "Pipelines", own_names=own, role_name=self.role_name)
        if settings.monitor != "off":
            SeatMonitoring(
                scope,
                "Monitoring",
                own_names=own,
                role_name=self.role_name,
                instance_types=settings.seat_instance_types,
            )
        SeatLabels(scope, "Labels", bucket_arn=bucket_arn, seat=seat, role_name=self.role_name)
        _acknowledge(self, lab=lab, seat=seat)
        if settings.hosting == "async":
            acknowledge(
                self,
                {
                    wildcard(f"…/{each}*"): "Requests to the lab's asynchronous endpoint, and its answers."
                    for each in (ASYNC_INPUT, ASYNC_OUTPUT, ASYNC_FAILURE)
                },
            )


def _named(kind: str, name: str) -> str:
    """Return the ARN of what is called so in SageMaker."""
    return arn("sagemaker", f"{kind}/{name}")


def _use_the_bucket(bucket: str, *, own: str) -> Iterator[Statement]:
    """Read what all share; read and write below the seat's own prefix."""
    prefixes = [*_SHARED, own]
    yield statements.list_bucket(bucket, prefixes=prefixes)
    yield statements.on_objects(bucket, actions=["s3:GetObject"], prefixes=prefixes)
    writing = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"]
    yield statements.on_objects(bucket, actions=writing, prefixes=[own])


def _invoke(settings: Settings, *, own: str, bucket: str) -> Iterator[Statement]:
    """Ask the lab's endpoint and function, and the student's own; an asynchronous endpoint through the bucket."""
    endpoints = [_named("endpoint", names.endpoint(settings.name, settings.hosting)), _named("endpoint", own)]
    yield allow(["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointAsync"], endpoints)
    if "lambda" in settings.serve_also:
        # Both, since October 2025 (Lambda's guide, "Control access to Lambda function URLs").
        function = [arn("lambda", f"function:{names.model_function(settings.name)}")]
        yield allow(["lambda:InvokeFunctionUrl"], function)
        yield allow(["lambda:InvokeFunction"], function, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}})
    if settings.hosting != "async":
        return
    yield statements.on_objects(bucket, actions=["s3:GetObject"], prefixes=[ASYNC_OUTPUT, ASYNC_FAILURE])
    yield statements.on_objects(bucket, actions=["s3:PutObject"], prefixes=[ASYNC_INPUT])


def _longest_pool(settings: Settings) -> int:
    """Return for how many seconds a student's warm pool may wait: as an idle notebook does, at most an hour."""
    return min(settings.idle_minutes * 60 or _LONGEST_POOL_SECONDS, _LONGEST_POOL_SECONDS)


def _train_and_host(own_names: str, instance_types: Sequence[str], *, longest_pool: int) -> Iterator[Statement]:
    """Make jobs, models and endpoints of the seat's own, on the lab's instance types.

    `ForAllValues` alone would also hold for a request that names no instance type, such as a serverless variant, so
    the key has to be there (IAM's user guide, "Multivalued context keys").
    """
    own, pool = [_named(_ANY, own_names)], {"sagemaker:KeepAlivePeriod": str(longest_pool)}
    types: dict[str, Any] = {
        "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": list(instance_types)},
        "Null": {"sagemaker:InstanceTypes": "false"},
    }
    # Of what is created, only a training job has the key: a tuning job's trials leave no pool, whatever was asked for
    # (aws-controllers-k8s/sagemaker-controller, pull request 176).
    yield allow(["sagemaker:CreateTrainingJob"], own, {**types, "NumericLessThanEqualsIfExists": pool})
    others = [noun for noun in ("EndpointConfig", *_JOBS, _TRANSFORM) if noun != "TrainingJob"]
    yield allow([f"sagemaker:Create{noun}" for noun in others], own, types)
    # A serverless variant has no instance type: its own keys bound it.
    serverless = {
        "NumericLessThanEquals": {
            "sagemaker:ServerlessMaxConcurrency": str(_SERVERLESS_CONCURRENCY),
            "sagemaker:ServerlessMemorySize": str(_SERVERLESS_MEGABYTES),
        },
        "Null": {"sagemaker:InstanceTypes": "true"},
    }
    yield allow(["sagemaker:CreateEndpointConfig"], own, serverless)
    # A warm pool's period only: no profiling on instances of its own.
    only_pool = {"NumericLessThanEquals": pool, "Null": {"sagemaker:InstanceTypes": "true"}}
    yield allow(["sagemaker:UpdateTrainingJob"], own, only_pool)
    ours = [
        *(f"{verb}{noun}" for noun in (*_JOBS, *_HOSTED) for verb in ("Delete", "Describe")),
        *(f"Stop{noun}" for noun in (*_JOBS, _TRANSFORM)),
        f"Describe{_TRANSFORM}",
        "ListTrainingJobsForHyperParameterTuningJob",
        "CreateModel",
        # An endpoint is made from a configuration, and IAM looks at both.
        "CreateEndpoint",
        "UpdateEndpoint",
        "UpdateEndpointWeightsAndCapacities",
    ]
    yield allow([f"sagemaker:{action}" for action in ours], own)
    # Names can be listed all or none: it is how the notebook finds what its student left running.
    yield allow([f"sagemaker:List{noun}s" for noun in (*_HOSTED, *_JOBS, _TRANSFORM)], ["*"])


def _watch_updates(own_names: str) -> Iterator[Statement]:
    """Make alarms that roll an endpoint's update back, which its execution role reads; see how the lab's scales.

    To register scalable targets is left out: IAM can't hold that to one's own endpoints (its service authorization
    reference has no key for the resource). Alarms are read whatever their names, as for the lab's own updates
    (`constructs/rollout.py`).
    """
    yield allow(["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"], [arn("cloudwatch", f"alarm:{own_names}")])
    kinds = ("ScalableTargets", "ScalingActivities", "ScalingPolicies")
    scaling = [f"application-autoscaling:Describe{kind}" for kind in kinds]
    yield allow(["cloudwatch:DescribeAlarms", *scaling], ["*"])


def _write_and_read_logs(own_names: str, *, notebook: str) -> Iterator[Statement]:
    """Write the logs of its notebook, jobs and endpoints, and read those of its jobs: the SDK shows them."""
    yield from statements.write_logs({_JOB_LOGS: own_names, _NOTEBOOKS: f"{notebook}/*"})
    yield allow(["logs:GetLogEvents"], [arn("logs", f"log-group:{_JOB_LOGS}:log-stream:{own_names}")])
    yield statements.write_endpoint_logs([arn("logs", f"log-group:{names.endpoint_log_group(own_names)}")])


def _query(lab: str, seat: str, *, bucket_arn: str) -> Iterator[Statement]:
    """Ask Athena about the seat's own photos; what queries read and write in the bucket, `_use_the_bucket` allows."""
    database = names.database(lab, seat)
    workgroup = arn("athena", f"workgroup/{names.workgroup(lab, seat)}")
    yield allow([f"athena:{action}" for action in _ASK_ATHENA], [workgroup])
    # Glue asks about the catalog and the database around what is read.
    read = [arn("glue", each) for each in ("catalog", f"database/{database}", f"table/{database}/*")]
    yield allow([f"glue:{action}" for action in _READ_CATALOG], read)
    # Whatever a query is of (Athena's guide, "Configure access to databases and tables in the AWS Glue Data Catalog").
    yield allow(["glue:GetDatabase"], [arn("glue", "database/default")])
    yield allow(["s3:GetBucketLocation"], [bucket_arn])


def _acknowledge(role: SeatRole, *, lab: str, seat: str) -> None:
    notebook, own = names.notebook(lab, seat), names.any_of(lab, seat)
    acknowledge(
        role,
        {
            wildcard("…/data/*"): "Every file of the data set.",
            wildcard("…/notebooks/*"): "Every notebook of the lab.",
            wildcard(f"…/seats/{seat}/*"): "Students name their own objects.",
            wildcard(f"…{_ANY}/{own}"): "Students' own work, named with their prefix; the actions name the kinds.",
            wildcard(f"…endpoint/{own}"): "The endpoints that a student made.",
            wildcard(f"…alarm:{own}"): "The alarms of a student's updates.",
            wildcard(f"…{_JOB_LOGS}:*"): "SageMaker shares the log groups of each kind among an account's jobs.",
            wildcard(f"…{_JOB_LOGS}"): "The log groups of SageMaker's kinds of jobs.",
            wildcard(f"…{_JOB_LOGS}:log-stream:{own}"): "The streams of this seat's jobs.",
            wildcard(f"…{_NOTEBOOKS}:*"): "SageMaker shares the log group among notebooks.",
            wildcard(f"…{_NOTEBOOKS}:log-stream:{notebook}/*"): "The streams of this instance.",
            wildcard(
                f"…{names.endpoint_log_group(own)}"
            ): "SageMaker names an endpoint's log group after the endpoint.",
            wildcard(
                "*"
            ): "GetAuthorizationToken, PutMetricData and lists have no resource to name; the second is held "
            "to SageMaker's namespaces, and a list shows names.",
            wildcard(f"…:table/{names.database(lab, seat)}/*"): "Every table of the seat's own database.",
        },
    )
