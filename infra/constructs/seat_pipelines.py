"""What a student may do with pipelines and the model registry: make, run, approve and delete, under the seat's names.

A pipeline's role is the seat's own: its steps make what the student may make, so each names its jobs with the seat's
prefix (the SDK's `use_custom_job_prefix`; SageMaker's guide, "IAM Access Management"). What steps make, SageMaker tags
with the execution (the SDK's lineage reads that). That its own tags need AddTags is known of others
(data-dot-all/dataall#1208). No other tags are allowed: by the lab's a teardown decides. Which resource each action has:
the service authorization reference, in which no key tells on what instances a ValidationSpecification tests a package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from infra.constructs import statements
from infra.constructs.arns import arn
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.statements import allow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs import Construct

    from infra.constructs.statements import Statement

_RECORDS = ("ModelPackage", "ModelPackageGroup", "Pipeline")
_EXECUTIONS = (
    "DescribePipelineDefinitionForExecution",
    "DescribePipelineExecution",
    "ListPipelineExecutionSteps",
    "ListPipelineExecutions",
    "ListPipelineParametersForExecution",
    "ListPipelineVersions",
    "RetryPipelineExecution",
    "StartPipelineExecution",
    "StopPipelineExecution",
    "UpdatePipelineVersion",
)


class SeatPipelines(iam.CfnManagedPolicy):
    """A policy of its own: the inline ones of the seat's role hold all that IAM takes."""

    def __init__(self, scope: Construct, construct_id: str, *, own_names: str, role_name: str) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Pipelines and the model registry, under the seat's names",
            policy_document=statements.as_json(_run_and_register(own_names)),
            roles=[role_name],
        )
        acknowledge(
            self,
            {
                wildcard(f"…*/{own_names}"): "Students' own work, named with their prefix; the actions name the kinds.",
                wildcard("*"): "Lists have no resource to name; they show names.",
            },
        )


def _run_and_register(own_names: str) -> Iterator[Statement]:
    own = [arn("sagemaker", f"*/{own_names}")]
    records = [f"{verb}{noun}" for noun in _RECORDS for verb in ("Create", "Delete", "Describe")]
    actions = [*records, *_EXECUTIONS, "UpdateModelPackage", "UpdatePipeline"]
    yield allow([f"sagemaker:{action}" for action in actions], own)
    system_tags = {"ForAllValues:StringLike": {"aws:TagKeys": "sagemaker:*"}, "Null": {"aws:TagKeys": "false"}}
    yield allow(["sagemaker:AddTags"], own, system_tags)
    yield allow([f"sagemaker:List{noun}s" for noun in _RECORDS], ["*"])
