"""A job of SageMaker as a resource of a stack: CloudFormation has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import CustomResource, Duration, Stack
from constructs import Construct

from infra.constructs import statements
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.provider import HandlerProvider
from infra.settings import HOUR, JOB_SECONDS, ROLE_SECONDS, STOP_SECONDS, has_local_storage
from teardown.names import any_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms

    from infra.constructs.statements import Statement


class SageMakerJob(Construct):
    """Runs when its identity is new, and only then. `stem` is the kind in SageMaker's API, such as "TrainingJob".

    `request` is CreateTrainingJob's, or another kind's, without the name; `needs` is what the handler has to be allowed
    besides running jobs with this role.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stem: str,
        lab: str,
        role: iam.IRole,
        key: kms.IKey,
        identity: Mapping[str, Any],
        request: Mapping[str, Any],
        log_retention_days: int,
        needs: Sequence[Statement] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        provider = HandlerProvider(
            self,
            "Handler",
            handler="job",
            key=key,
            log_retention_days=log_retention_days,
            statements=[*_may_run_jobs(self, stem=stem, lab=lab, role=role), *needs],
            timeout=Duration.minutes(5),
            seconds=ROLE_SECONDS + JOB_SECONDS + STOP_SECONDS,
        )
        self.resource = CustomResource(
            self,
            "Resource",
            properties={
                "Lab": lab,
                "DeadlineSeconds": str(JOB_SECONDS),
                "StopSeconds": str(STOP_SECONDS),
                "Identity": dict(identity),
                "Request": dict(request),
            },
            resource_type=f"Custom::{stem}",
            service_timeout=Duration.seconds(HOUR),
            service_token=provider.service_token,
        )
        acknowledge(
            provider,
            {
                wildcard(f"…/{any_of(lab)}"): "A job's name holds a hash of what it does.",
                wildcard("*"): "Listing jobs has no resource to name.",
            },
        )


def instances(instance_type: str, *, gigabytes: int, key: kms.IKey, count: int = 1) -> dict[str, Any]:
    """Return instances with a volume each, encrypted where SageMaker takes a key for it."""
    resources = {"InstanceCount": count, "InstanceType": instance_type, "VolumeSizeInGB": gigabytes}
    if not has_local_storage(instance_type):
        resources["VolumeKmsKeyId"] = key.key_arn
    return resources


def _may_run_jobs(scope: Construct, *, stem: str, lab: str, role: iam.IRole) -> list[Statement]:
    kind = stem.replace("Job", "-job").lower()
    jobs = Stack.of(scope).format_arn(service="sagemaker", resource=kind, resource_name=any_of(lab))
    calls = ("AddTags", f"Create{stem}", f"Delete{stem}", f"Describe{stem}", "ListTags", f"Stop{stem}")
    return [
        statements.allow([f"sagemaker:{call}" for call in calls], [jobs]),
        # Listing has no resource to name; it is how a Delete finds a job whose name CloudFormation never learnt.
        statements.allow([f"sagemaker:List{stem}s"], ["*"]),
        statements.pass_role(role.role_arn, to="sagemaker.amazonaws.com"),
    ]
