"""What trains the lab's model anew when there is something new in the bucket, or when somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Stack
from constructs import Construct

from infra.constructs import model_training, processing, retraining_states, served_containers, statements
from infra.constructs.arns import arn
from infra.constructs.catalog import TABLE
from infra.constructs.execution_role import ExecutionRole, run_jobs, run_jobs_wildcards
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.images import ContainerImage
from infra.constructs.sagemaker_job import instances
from infra.constructs.served_containers import CONTENT_TYPES, RESPONSE_TYPES
from infra.constructs.state_machine import StateMachine, expression
from infra.constructs.statements import allow
from infra.constructs.training_job import TrainingInputs, TrainingRole, network_request
from teardown import names
from teardown.names import LAB_TAG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from infra.constructs.notices import Notices
    from infra.constructs.source_directory import SourceDirectory
    from infra.constructs.statements import Statement
    from infra.settings import Settings

DATA, COMPARISONS = "retraining/data/", "retraining/comparisons/"
_VOLUME_GB = 30
_JOBS = 3
_START_SECONDS, _WAIT_SECONDS = 900, 3600  # for each job's instance, and for an endpoint that is being updated
# Rules that Step Functions makes for tasks that wait; the CDK's own policies name them so.
_WAITING = tuple(f"StepFunctionsGetEventsForSageMaker{kind}JobsRule" for kind in ("Processing", "Training"))


class Retraining(Construct):
    """A state machine, with the roles of its jobs, that EventBridge starts when what the lab learns from changes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        bucket: s3.IBucket,
        key: kms.IKey,
        notices: Notices,
        inputs: TrainingInputs,
    ) -> None:
        super().__init__(scope, construct_id)
        lab, source = settings.name, inputs.source
        self._settings, self._bucket, self._key, self._source = settings, bucket, key, source
        self._image = ContainerImage.training(self)
        own = TrainingInputs(image=self._image, source=source, data=inputs.data)
        trains = TrainingRole(
            self, "TrainingRole", lab=lab, bucket=bucket, key=key, image=self._image, source=source, data=DATA
        )
        prepares = ProcessingRole(
            self,
            "ProcessingRole",
            lab=lab,
            bucket=bucket,
            key=key,
            image=self._image,
            source=source,
            read=["photos/" if settings.photos else "data/", "training/", DATA],
            write=[DATA, COMPARISONS, *([f"prepared/{TABLE}/"] if settings.photos else [])],
        )
        training = {
            **model_training.training_request(
                settings, bucket=bucket, key=key, role=trains, count=settings.training_instance_count
            ),
            **network_request(
                self,
                settings=settings,
                bucket=bucket,
                inputs=own,
                data=retraining_states.snapshot_prefix(_name(bucket)),
            ),
            "CheckpointConfig": {
                "S3Uri": expression(f"'{model_training.output_of(bucket)}/' & $run & '-training/checkpoints'")
            },
        }
        machine = names.retraining(lab)
        made = StateMachine(
            self,
            "Machine",
            name=machine,
            start=retraining_states.START,
            states=retraining_states.states(
                settings,
                bucket=_name(bucket),
                topic=notices.topic.topic_arn,
                machine=arn("states", f"stateMachine:{machine}"),
                requests={
                    "snapshot": self._snapshot(prepares),
                    "training": training,
                    "comparison": self._comparison(prepares),
                },
                version=self._version(),
            ),
            seconds=_JOBS * (settings.max_run + _START_SECONDS) + _WAIT_SECONDS,
            may=[*_may_retrain(settings, bucket=bucket, key=key, roles=[trains, prepares]), *notices.publish()],
            key=key,
            log_retention_days=settings.log_retention_days,
        )
        made.start_at(
            "Changed",
            description=f"The lab {lab} learns from what lies there",
            pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created", "Object Deleted"] if settings.photos else ["Object Created"],
                "detail": {
                    "bucket": {"name": [bucket.bucket_name]},
                    "object": {"key": [{"prefix": "photos/" if settings.photos else "data/"}]},
                },
            },
        )
        acknowledge(
            made.role,
            {
                wildcard(f"…/{names.retraining_prefix(lab)}*"): "Jobs have names of their run.",
                wildcard("…/retraining/*"): "What a run's jobs have found lies under the run's name.",
                wildcard(f"…:execution:{machine}:*"): "Whose turn it is: any run's.",
                wildcard(f"…:model-package/{names.model_package_group(lab)}/*"): "The registry numbers the versions.",
                "IAM-Unnamed[states:DescribeExecution: express]": "The lab's state machines are standard ones.",
            },
        )

    def _snapshot(self, role: iam.IRole) -> dict[str, Any]:
        place = f"s3://{_name(self._bucket)}/"
        flags = {"--model": processing.input_folder("model")}
        read = {"model": expression("$serving")}
        if self._settings.photos:
            flags |= {"--photos": f"{place}photos/", "--table": f"{place}prepared/{TABLE}/"}
        else:
            flags |= {"--data": processing.input_folder("data")}
            read |= {"data": f"{place}data/"}
        output = processing.written("data", retraining_states.snapshot_prefix(_name(self._bucket)))
        return self._request("snapshot.py", role, flags=flags, read=read, output=output)

    def _comparison(self, role: iam.IRole) -> dict[str, Any]:
        place = _name(self._bucket)
        read = {
            "data": retraining_states.snapshot_prefix(place),
            "candidate": expression("$candidate"),
            "serving": expression("$serving"),
        }
        flags = {f"--{name}": processing.input_folder(name) for name in read}
        output = processing.written("comparison", retraining_states.comparison_prefix(place))
        return self._request("compare.py", role, flags=flags, read=read, output=output)

    def _request(
        self, program: str, role: iam.IRole, *, flags: dict[str, str], read: dict[str, str], output: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the request of a processing job. Of photos the program reads S3 itself, and installs what it needs."""
        settings = self._settings
        alone = "--photos" not in flags
        given = {**flags, "--output": processing.OUTPUT, "--message": processing.MESSAGE}
        return {
            "AppSpecification": {
                "ImageUri": self._image.uri,
                "ContainerEntrypoint": processing.entrypoint(program),
                "ContainerArguments": processing.arguments(given),
            },
            "Environment": {"AWS_DEFAULT_REGION": Stack.of(self).region},
            "NetworkConfig": {"EnableInterContainerTrafficEncryption": True, "EnableNetworkIsolation": alone},
            "ProcessingInputs": [
                processing.read(name, uri) for name, uri in {"code": self._source.s3_object_url, **read}.items()
            ],
            "ProcessingOutputConfig": {"KmsKeyId": self._key.key_arn, "Outputs": [output]},
            "ProcessingResources": {
                "ClusterConfig": instances(settings.training_instance_type, gigabytes=_VOLUME_GB, key=self._key)
            },
            "RoleArn": role.role_arn,
            "StoppingCondition": {"MaxRuntimeInSeconds": settings.max_run},
            "Tags": [{"Key": LAB_TAG, "Value": settings.name}],
        }

    def _version(self) -> dict[str, Any]:
        """Return what CreateModelPackage is told of every candidate."""
        settings = self._settings
        [container] = served_containers.of_the_lab(
            self, settings, artifact=expression("$candidate"), feature_artifact=""
        )
        comparison = f"'s3://{_name(self._bucket)}/{COMPARISONS}' & $run & '/comparison.json'"
        return {
            "ModelPackageGroupName": names.model_package_group(settings.name),
            "InferenceSpecification": {
                "Containers": [{"Image": container.image.uri, "ModelDataUrl": container.artifact}],
                "SupportedContentTypes": [*CONTENT_TYPES],
                "SupportedResponseMIMETypes": [*RESPONSE_TYPES],
            },
            "ModelMetrics": {
                "ModelQuality": {
                    "Statistics": {"ContentType": "application/json", "S3Uri": expression(comparison)},
                }
            },
            "CustomerMetadataProperties": {
                "Algorithm": settings.algorithm,
                "Code": self._source.digest,
                "RegisteredBy": names.REGISTERED_BY,
            },
        }


class ProcessingRole(ExecutionRole):
    """Reads the code and what lies at `read` of the bucket, writes what lies at `write`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        lab: str,
        bucket: s3.IBucket,
        key: kms.IKey,
        image: ContainerImage,
        source: SourceDirectory,
        read: Sequence[str],
        write: Sequence[str],
    ) -> None:
        own = bucket.bucket_arn
        code = {"StringLike": {"s3:prefix": source.s3_object_key}}
        writing = ["s3:AbortMultipartUpload", "s3:PutObject"]
        super().__init__(
            scope,
            construct_id,
            description=f"What the jobs may do that take the data of the lab {lab} down and compare its models",
            policy=[
                statements.list_bucket(own, prefixes=sorted({*read, *write})),
                allow(["s3:ListBucket"], [source.bucket.bucket_arn], code),
                allow(["s3:GetObject"], [source.bucket.arn_for_objects(source.s3_object_key)]),
                statements.on_objects(own, actions=["s3:GetObject"], prefixes=read),
                statements.on_objects(own, actions=writing, prefixes=write),
                *run_jobs(lab=lab, key_arn=key.key_arn, image=image, group=processing.LOGS),
            ],
        )
        acknowledge(
            self,
            {
                **{
                    wildcard(f"…/{place}*"): "Whoever brings data, and SageMaker, name what lies there."
                    for place in {*read, *write}
                },
                **run_jobs_wildcards(lab=lab, group=processing.LOGS),
            },
        )


def _name(bucket: s3.IBucket) -> str:
    return bucket.bucket_name


def _may_retrain(
    settings: Settings, *, bucket: s3.IBucket, key: kms.IKey, roles: Sequence[iam.IRole]
) -> list[Statement]:
    lab = settings.name
    jobs = {
        kind: arn("sagemaker", f"{kind.lower()}-job/{names.retraining_prefix(lab)}*")
        for kind in ("Processing", "Training")
    }
    group = names.model_package_group(lab)
    versions = arn("sagemaker", f"model-package/{group}/*")
    own = [arn("ssm", f"parameter{names.retraining_parameter(lab, of)}") for of in ("run", "again", "data")]
    machine = names.retraining(lab)
    approve = ["sagemaker:UpdateModelPackage"] if settings.approval == "automatic" else []
    return [
        *(
            allow(
                [f"sagemaker:{verb}{kind}Job" for verb in ("Create", "Describe", "Stop")] + ["sagemaker:AddTags"], [job]
            )
            for kind, job in jobs.items()
        ),
        *(statements.pass_role(role.role_arn, to="sagemaker.amazonaws.com") for role in roles),
        allow(
            ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
            [arn("events", f"rule/{name}") for name in _WAITING],
        ),
        allow(["sagemaker:DescribeEndpoint"], [arn("sagemaker", f"endpoint/{names.endpoint(lab, settings.hosting)}")]),
        allow(
            ["sagemaker:CreateModelPackage", *approve],
            [versions],
        ),
        allow(["ssm:DeleteParameter", "ssm:GetParameter", "ssm:PutParameter"], own),
        allow(["ssm:GetParameter"], [arn("ssm", f"parameter{names.model_artifact_parameter(lab)}")]),
        statements.on_objects(bucket.bucket_arn, actions=["s3:GetObject"], prefixes=["retraining/"]),
        allow(["kms:Decrypt"], [key.key_arn]),
        allow(["states:DescribeExecution"], [arn("states", f"execution:{machine}:*")]),
        allow(["states:StartExecution"], [arn("states", f"stateMachine:{machine}")]),
    ]
