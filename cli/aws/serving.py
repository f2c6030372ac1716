"""Whether the lab's endpoint serves what was deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.ui.errors import LabError

if TYPE_CHECKING:
    from cli.aws.session import Session


def check(session: Session, lab: str) -> None:
    """Raise LabError if the endpoint serves another config than its stack made.

    An update can be rolled back while the endpoint says InService (hashicorp/terraform-provider-aws#48997), and
    somebody may have changed it by hand: CloudFormation sees neither.
    """
    sagemaker = session.client("sagemaker")
    asked = _deployed(session, lab)
    serving = sagemaker.describe_endpoint(EndpointName=lab)["EndpointConfigName"]
    if serving != asked:
        raise LabError(
            f"The endpoint {lab} serves the config {serving}, and not the one that was deployed, {asked}: its last "
            "update was rolled back, or somebody changed it. `aws sagemaker update-endpoint "
            f"--endpoint-name {lab} --endpoint-config-name {asked}` puts it right."
        )


def _deployed(session: Session, lab: str) -> str:
    """The name of the config that the stack made; its ARN has it in lower case."""
    pages = session.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=f"{lab}-endpoint")
    made = {r["ResourceType"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}
    arn = made["AWS::SageMaker::EndpointConfig"]
    pages = (
        session.client("sagemaker").get_paginator("list_endpoint_configs").paginate(NameContains=arn.rpartition("-")[2])
    )
    named = {
        each["EndpointConfigArn"]: each["EndpointConfigName"] for page in pages for each in page["EndpointConfigs"]
    }
    return str(named.get(arn, arn.rpartition("/")[2]))
