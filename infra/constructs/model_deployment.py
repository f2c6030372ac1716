"""What has the endpoint serve a version that is approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from infra.constructs import model_deployment_states
from infra.constructs.arns import arn
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.state_machine import StateMachine
from infra.constructs.statements import allow
from teardown import names

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from infra.constructs.notices import Notices
    from infra.constructs.statements import Statement
    from infra.settings import Settings

_SECONDS = 3 * 3600  # a stack's update waits an hour for its look at the endpoint, and longer for a long rollout
_BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"  # which every stack of the CDK's default synthesiser reads


class ModelDeployment(Construct):
    """A state machine that EventBridge starts when somebody, or a retraining, approves a version of the lab's model.

    `stack_endpoint` is the endpoint's logical id in its stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        key: kms.IKey,
        notices: Notices,
        stack_endpoint: str,
    ) -> None:
        super().__init__(scope, construct_id)
        lab = settings.name
        group, stack = names.model_package_group(lab), names.endpoint_stack(lab)
        machine = StateMachine(
            self,
            "Machine",
            name=names.model_deployment(lab),
            start=model_deployment_states.START,
            states=model_deployment_states.states(
                settings, topic=notices.topic.topic_arn, stack_endpoint=stack_endpoint
            ),
            seconds=_SECONDS + settings.rollout.limit,
            may=[*_may_deploy(settings), *notices.publish()],
            key=key,
            log_retention_days=settings.log_retention_days,
        )
        machine.start_at(
            "Approved",
            description=f"A version of the lab {lab}'s model is approved",
            pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {
                    "ModelPackageGroupName": [group],
                    "ModelApprovalStatus": ["Approved"],
                    "UpdatedModelPackageFields": ["ModelApprovalStatus"],
                },
            },
        )
        acknowledge(
            machine.role,
            {
                wildcard(f"…:model-package/{group}/*"): "Every version of the lab's model, by its number.",
                wildcard(f"…:stack/{stack}/*"): "CloudFormation makes the last part of a stack's ARN.",
            },
        )


def _may_deploy(settings: Settings) -> list[Statement]:
    lab = settings.name
    versions = arn("sagemaker", f"model-package/{names.model_package_group(lab)}/*")
    parameter = arn("ssm", f"parameter{names.model_artifact_parameter(lab)}")
    calls = ("ContinueUpdateRollback", "DescribeStacks", "UpdateStack")
    return [
        allow(
            [f"cloudformation:{call}" for call in calls],
            [arn("cloudformation", f"stack/{names.endpoint_stack(lab)}/*")],
        ),
        allow(["ssm:GetParameter", "ssm:PutParameter"], [parameter]),
        # CloudFormation reads the stack's parameters as whoever updates it.
        allow(["ssm:GetParameters"], [parameter, arn("ssm", f"parameter{_BOOTSTRAP}")]),
        allow(["sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"], [versions]),
        allow(["sagemaker:DescribeEndpoint"], [arn("sagemaker", f"endpoint/{names.endpoint(lab, settings.hosting)}")]),
    ]
