"""The roles that SageMaker assumes while it trains, serves or runs a notebook for the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from infra.constructs import statements
from infra.constructs.arns import account
from infra.constructs.findings import wildcard
from infra.constructs.images import pull
from teardown.names import any_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constructs import Construct

    from infra.constructs.images import ContainerImage
    from infra.constructs.statements import Statement


class ExecutionRole(iam.Role):
    """A role that SageMaker assumes, for resources of this account only, with nothing but this policy."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        policy: Iterable[Statement],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": account()}}
            ),
            description=description,
            inline_policies={"lab": statements.document(policy)},
        )


def run_jobs(*, lab: str, key_arn: str, image: ContainerImage, group: str) -> list[Statement]:
    """Return what a lab's jobs need whatever they do: key, volumes, image, a log in this group, metrics."""
    return [
        statements.read_and_write_encrypted(key_arn),
        statements.attach_encrypted_volumes(key_arn),
        *pull(image),
        *statements.write_logs({group: any_of(lab)}),
        statements.publish_metrics(),
    ]


def run_jobs_wildcards(*, lab: str, group: str) -> dict[str, str]:
    """Return the findings about `run_jobs`, each with its reason."""
    return {
        wildcard(f"…{group}:*"): "SageMaker shares the log group among an account's jobs.",
        wildcard(f"…{group}:log-stream:{any_of(lab)}"): "The streams of this lab's jobs.",
        wildcard("*"): "GetAuthorizationToken and PutMetricData have no resource to name; the latter is held "
        "to SageMaker's namespaces.",
    }
