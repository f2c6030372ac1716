"""What a student may do: use the lab, train and host small things under names of the seat's own, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from infra.constructs import statements
from infra.constructs.execution_role import ExecutionRole, publish_metrics, write_logs
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.images import ContainerImage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from infra.settings import Settings

_JOBS = "/aws/sagemaker/TrainingJobs"
_NOTEBOOKS = "/aws/sagemaker/NotebookInstances"
_ENDPOINTS = "/aws/sagemaker/Endpoints"


class SeatRole(ExecutionRole):
    """The role of a seat's notebook instance, and of the jobs and models that its student makes.

    `prefix` is what every name of theirs in SageMaker begins with.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        seat: str,
        bucket: s3.IBucket,
        key: kms.IKey,
    ) -> None:
        self.prefix = f"{settings.name}-{seat}-"
        own = _Own(scope, lab=settings.name, seat=seat)
        super().__init__(
            scope,
            construct_id,
            description=f"What the seat {seat} of the lab {settings.name} may do",
            statements=[
                *_use_the_lab(own, bucket=bucket),
                *_use_its_prefix(seat, bucket=bucket),
                statements.read_and_write_encrypted(key),
                statements.attach_encrypted_volumes(key),
                *_train_and_host(own, settings.seat_instance_types),
                *_watch_its_work(own),
                *ContainerImage.training(scope).pull(),
                *ContainerImage.inference(scope).pull(),
                publish_metrics(),
            ],
        )
        iam.Policy(
            scope,
            "PassRole",
            # A policy of its own: within the role's it would need the role's ARN before there is a role.
            statements=[
                iam.PolicyStatement(
                    actions=["iam:PassRole"],
                    resources=[self.role_arn],
                    conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
                )
            ],
            roles=[self],
        )
        _acknowledge(self, own)


class _Own:
    """The ARNs of what is a seat's own."""

    def __init__(self, scope: Construct, *, lab: str, seat: str) -> None:
        self.scope, self.lab, self.seat = scope, lab, seat
        self.notebook = f"{lab}-{seat}"
        self.names = f"{lab}-{seat}-*"

    def arns(self, *kinds: str) -> list[str]:
        """Everything of these kinds of resources in SageMaker whose name begins with the seat's prefix."""
        return [self.arn(kind, self.names) for kind in kinds]

    def arn(self, kind: str, name: str) -> str:
        """One resource in SageMaker."""
        return Stack.of(self.scope).format_arn(service="sagemaker", resource=kind, resource_name=name)


def _use_the_lab(own: _Own, *, bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    shared = ["data/", "notebooks/"]
    return [
        statements.list_bucket(bucket, prefixes=shared),
        statements.on_objects(bucket, actions=["s3:GetObject"], prefixes=shared),
        iam.PolicyStatement(
            actions=["sagemaker:InvokeEndpoint"], resources=[own.arn("endpoint", own.lab), *own.arns("endpoint")]
        ),
    ]


def _use_its_prefix(seat: str, *, bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    prefixes = [f"seats/{seat}/"]
    actions = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    return [
        statements.list_bucket(bucket, prefixes=prefixes),
        statements.on_objects(bucket, actions=actions, prefixes=prefixes),
    ]


def _train_and_host(own: _Own, instance_types: Sequence[str]) -> list[iam.PolicyStatement]:
    """Training jobs, models and endpoints of the seat's own, on the lab's instance types.

    `ForAllValues` alone would also hold for a request that names no instance type, such as a serverless variant, so
    the key has to be there (IAM's user guide, "Multivalued context keys").
    """
    return [
        iam.PolicyStatement(
            actions=["sagemaker:CreateEndpointConfig", "sagemaker:CreateTrainingJob"],
            resources=own.arns("endpoint-config", "training-job"),
            conditions={
                "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": list(instance_types)},
                "Null": {"sagemaker:InstanceTypes": "false"},
            },
        ),
        _may("Delete Describe Stop", "TrainingJob", own.arns("training-job")),
        _may("Create Delete Describe", "Model", own.arns("model")),
        _may("Delete Describe", "EndpointConfig", own.arns("endpoint-config")),
        # An endpoint is made from a configuration, and IAM looks at both.
        _may("Create Delete Describe Update", "Endpoint", own.arns("endpoint", "endpoint-config")),
        iam.PolicyStatement(
            actions=["sagemaker:AddTags", "sagemaker:ListTags"],
            resources=own.arns("endpoint", "endpoint-config", "model", "training-job"),
        ),
        # Names can be listed all or none: it is how the notebook finds what its student left running.
        iam.PolicyStatement(
            actions=[f"sagemaker:List{kind}" for kind in ("EndpointConfigs", "Endpoints", "Models", "TrainingJobs")],
            resources=["*"],
        ),
        _may("Describe Stop", "NotebookInstance", [own.arn("notebook-instance", own.notebook)]),
    ]


def _may(verbs: str, kind: str, resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[f"sagemaker:{verb}{kind}" for verb in verbs.split()], resources=resources)


def _watch_its_work(own: _Own) -> list[iam.PolicyStatement]:
    """Write the logs of its notebook, jobs and endpoints, and read those of its jobs: the SDK shows them."""
    logs = Stack.of(own.scope).format_arn(service="logs", resource="log-group", resource_name="").rstrip("/")
    endpoints = f"{logs}:{_ENDPOINTS}/{own.names}"
    return [
        *write_logs(own.scope, group=_NOTEBOOKS, streams=f"{own.notebook}/*"),
        *write_logs(own.scope, group=_JOBS, streams=own.names),
        iam.PolicyStatement(actions=["logs:GetLogEvents"], resources=[f"{logs}:{_JOBS}:log-stream:{own.names}"]),
        iam.PolicyStatement(
            actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[endpoints],
        ),
    ]


def _acknowledge(role: SeatRole, own: _Own) -> None:
    kinds = ("endpoint", "endpoint-config", "model", "training-job")
    acknowledge(
        role,
        {
            wildcard("…/data/*"): "Every file of the data set.",
            wildcard("…/notebooks/*"): "Every notebook of the lab.",
            wildcard(f"…/seats/{own.seat}/*"): "Students name their own objects.",
            **{
                wildcard(f"…{kind}/{own.names}"): "Students name their own work, with their seat's prefix."
                for kind in kinds
            },
            wildcard(f"…{_JOBS}:*"): "SageMaker shares the log group among an account's jobs.",
            wildcard(f"…{_JOBS}:log-stream:{own.names}"): "The streams of this seat's jobs.",
            wildcard(f"…{_NOTEBOOKS}:*"): "SageMaker shares the log group among notebooks.",
            wildcard(f"…{_NOTEBOOKS}:log-stream:{own.notebook}/*"): "The streams of this instance.",
            wildcard(f"…{_ENDPOINTS}/{own.names}"): "SageMaker names an endpoint's log group after the endpoint.",
            wildcard(
                "*"
            ): "GetAuthorizationToken, PutMetricData and lists have no resource to name; the second is held "
            "to SageMaker's namespaces, and a list shows names.",
        },
    )
