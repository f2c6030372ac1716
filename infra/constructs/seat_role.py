"""What a student may do: use the lab, run jobs and host small things under names of the seat's own, and nothing else.

The policy is written as IAM's JSON, for `policy_json`'s reason.
Which condition keys each Create operation has: the service authorization reference of SageMaker. The trials of a tuning
job are training jobs that SageMaker makes and names after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_iam as iam

from infra.constructs import catalog_access
from infra.constructs.arns import arn
from infra.constructs.execution_role import ExecutionRole
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.images import ContainerImage
from infra.constructs.policy_json import allow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from constructs import Construct

    from infra.constructs.policy_json import Statement
    from infra.settings import Settings

_JOBS = ("HyperParameterTuningJob", "ProcessingJob", "TrainingJob")
_TRANSFORM = "TransformJob"  # AWS has no operation that deletes one
_HOSTED = ("Endpoint", "EndpointConfig", "Model")
_ANY = "*"  # kind: the actions say of which kinds, and the ARNs of each would not all fit into a role's policy
_JOB_LOGS = "/aws/sagemaker/*Jobs"  # TrainingJobs, ProcessingJobs, TransformJobs
_NOTEBOOKS = "/aws/sagemaker/NotebookInstances"
_ENDPOINTS = "/aws/sagemaker/Endpoints"
_SHARED = ("data/", "notebooks/")
_LONGEST_POOL_SECONDS = 3600  # SageMaker's guide, "SageMaker AI Managed Warm Pools"


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
        lab, notebook, names = settings.name, f"{settings.name}-{seat}", f"{settings.name}-{seat}-*"
        statements = [
            *_use_the_bucket(bucket_arn, own=f"seats/{seat}/"),
            *_use_the_key(key_arn),
            *_train_and_host(names, settings.seat_instance_types, longest_pool=_longest_pool(settings)),
            allow(["InvokeEndpoint"], [_named("endpoint", lab), _named("endpoint", names)]),
            allow(["DescribeNotebookInstance", "StopNotebookInstance"], [_named("notebook-instance", notebook)]),
            *_write_and_read_logs(names, notebook=notebook),
            *_pull(ContainerImage.training(scope), ContainerImage.inference(scope)),
            _publish_metrics(),
            *catalog_access.statements(lab, seat, bucket_arn=bucket_arn),
        ]
        super().__init__(
            scope,
            construct_id,
            description=f"What the seat {seat} of the lab {lab} may do",
            policy=_document(statements),
        )
        role_arn = self.role_arn
        pass_role = allow(
            ["PassRole"], [role_arn], service="iam", StringEquals={"iam:PassedToService": "sagemaker.amazonaws.com"}
        )
        # A policy of its own: within the role's it would need the role's ARN before there is a role.
        iam.CfnPolicy(
            scope,
            "PassRole",
            policy_name="pass-role",
            policy_document={"Version": "2012-10-17", "Statement": [pass_role]},
            roles=[self.role_name],
        )
        _acknowledge(self, seat=seat, notebook=notebook, names=names)
        acknowledge(self, catalog_access.wildcards(lab, seat))


def _document(statements: Iterable[Statement]) -> iam.PolicyDocument:
    return iam.PolicyDocument.from_json({"Version": "2012-10-17", "Statement": list(statements)})


def _named(kind: str, name: str) -> str:
    """The ARN of what is called so in SageMaker."""
    return arn("sagemaker", f"{kind}/{name}")


def _use_the_bucket(bucket: str, *, own: str) -> Iterator[Statement]:
    """Read what all share; read and write below the seat's own prefix."""
    prefixes = [*_SHARED, own]
    listed = {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}
    yield allow(["ListBucket"], [bucket], service="s3", StringLike=listed)
    yield allow(["GetObject"], [f"{bucket}/{prefix}*" for prefix in prefixes], service="s3")
    yield allow(["AbortMultipartUpload", "DeleteObject", "PutObject"], [f"{bucket}/{own}*"], service="s3")


def _use_the_key(key: str) -> Iterator[Statement]:
    """The same as `statements.read_and_write_encrypted` and `attach_encrypted_volumes` say."""
    yield allow(["Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey"], [key], service="kms")
    yield allow(["CreateGrant"], [key], service="kms", Bool={"kms:GrantIsForAWSResource": "true"})


def _longest_pool(settings: Settings) -> int:
    """For how many seconds a student's warm pool may wait: as an idle notebook does, at most an hour."""
    return min(settings.idle_minutes * 60 or _LONGEST_POOL_SECONDS, _LONGEST_POOL_SECONDS)


def _train_and_host(names: str, instance_types: Sequence[str], *, longest_pool: int) -> Iterator[Statement]:
    """Jobs, models and endpoints of the seat's own, on the lab's instance types.

    `ForAllValues` alone would also hold for a request that names no instance type, such as a serverless variant, so
    the key has to be there (IAM's user guide, "Multivalued context keys").
    """
    own, pool = [_named(_ANY, names)], {"sagemaker:KeepAlivePeriod": str(longest_pool)}
    types: dict[str, Any] = {
        "ForAllValues_StringEquals": {"sagemaker:InstanceTypes": list(instance_types)},
        "Null": {"sagemaker:InstanceTypes": "false"},
    }
    # Of what is created, only a training job has the key: a tuning job's trials leave no pool, whatever was asked for
    # (aws-controllers-k8s/sagemaker-controller, pull request 176).
    yield allow(["CreateTrainingJob"], own, **types, NumericLessThanEqualsIfExists=pool)
    others = [noun for noun in ("EndpointConfig", *_JOBS, _TRANSFORM) if noun != "TrainingJob"]
    yield allow([f"Create{noun}" for noun in others], own, **types)
    # A warm pool's period only: no profiling on instances of its own.
    yield allow(["UpdateTrainingJob"], own, NumericLessThanEquals=pool, Null={"sagemaker:InstanceTypes": "true"})
    ours = [
        *(f"{verb}{noun}" for noun in (*_JOBS, *_HOSTED) for verb in ("Delete", "Describe")),
        *(f"Stop{noun}" for noun in (*_JOBS, _TRANSFORM)),
        f"Describe{_TRANSFORM}",
        "ListTrainingJobsForHyperParameterTuningJob",
        "CreateModel",
        # An endpoint is made from a configuration, and IAM looks at both.
        "CreateEndpoint",
        "UpdateEndpoint",
    ]
    yield allow(ours, own)
    # Names can be listed all or none: it is how the notebook finds what its student left running.
    yield allow([f"List{noun}s" for noun in (*_HOSTED, *_JOBS, _TRANSFORM)], ["*"])


def _write_and_read_logs(names: str, *, notebook: str) -> Iterator[Statement]:
    """Write the logs of its notebook, jobs and endpoints, and read those of its jobs: the SDK shows them."""
    groups = [arn("logs", f"log-group:{group}") for group in (_JOB_LOGS, _NOTEBOOKS)]
    jobs, notebooks = groups
    yield allow(
        ["CreateLogGroup", "DescribeLogStreams"],
        [*groups, *(f"{group}:*" for group in groups)],
        service="logs",
    )
    streams = [f"{jobs}:log-stream:{names}", f"{notebooks}:log-stream:{notebook}/*"]
    yield allow(["CreateLogStream", "PutLogEvents"], streams, service="logs")
    yield allow(["GetLogEvents"], streams[:1], service="logs")
    yield allow(
        ["CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents"],
        [arn("logs", f"log-group:{_ENDPOINTS}/{names}")],
        service="logs",
    )


def _pull(*images: ContainerImage) -> Iterator[Statement]:
    actions = ["BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"]
    yield allow(actions, [image.repository_arn for image in images], service="ecr")
    yield allow(["GetAuthorizationToken"], ["*"], service="ecr")


def _publish_metrics() -> Statement:
    namespaces = {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}
    return allow(["PutMetricData"], ["*"], service="cloudwatch", StringLike=namespaces)


def _acknowledge(role: SeatRole, *, seat: str, notebook: str, names: str) -> None:
    acknowledge(
        role,
        {
            wildcard("…/data/*"): "Every file of the data set.",
            wildcard("…/notebooks/*"): "Every notebook of the lab.",
            wildcard(f"…/seats/{seat}/*"): "Students name their own objects.",
            wildcard(f"…{_ANY}/{names}"): "Students' own work, named with their prefix; the actions name the kinds.",
            wildcard(f"…endpoint/{names}"): "The endpoints that a student made.",
            wildcard(f"…{_JOB_LOGS}:*"): "SageMaker shares the log groups of each kind among an account's jobs.",
            wildcard(f"…{_JOB_LOGS}"): "The log groups of SageMaker's kinds of jobs.",
            wildcard(f"…{_JOB_LOGS}:log-stream:{names}"): "The streams of this seat's jobs.",
            wildcard(f"…{_NOTEBOOKS}:*"): "SageMaker shares the log group among notebooks.",
            wildcard(f"…{_NOTEBOOKS}:log-stream:{notebook}/*"): "The streams of this instance.",
            wildcard(f"…{_ENDPOINTS}/{names}"): "SageMaker names an endpoint's log group after the endpoint.",
            wildcard(
                "*"
            ): "GetAuthorizationToken, PutMetricData and lists have no resource to name; the second is held "
            "to SageMaker's namespaces, and a list shows names.",
        },
    )
