"""Stacks of the model registry on the running embedded AWS, through CloudFormation itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

from tests.embedded_aws.services.sagemaker.calls import ARN, IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = {"StackName": "registry"}
GROUP, CARD = {"ModelPackageGroupName": "stacked"}, {"ModelCardName": "stacked"}
QUICK = {"Delay": 0.1, "MaxAttempts": 200}
POLICY = {"Version": "2012-10-17", "Statement": []}


def template(*, status: str, description: str = "", policy: Any = POLICY, risk: str = "Low", **package: Any) -> str:
    """Return a group, a version in it and a card."""
    overview = {"ModelName": "stacked", "InferenceEnvironment": {"ContainerImage": [IMAGE]}}
    additional = {"CustomDetails": {"MadeBy": "a template"}}
    resources = {
        "ModelPackageGroup": {
            **GROUP,
            "Tags": [{"Key": "team", "Value": "a"}],
            **({"ModelPackageGroupPolicy": policy} if policy else {}),
        },
        "ModelPackage": {
            "ModelPackageGroupName": {"Ref": "ModelPackageGroup"},
            "InferenceSpecification": {"Containers": [{"Image": IMAGE}]},
            "ModelApprovalStatus": status,
            **({"ApprovalDescription": description} if description else {}),
            **package,
        },
        "ModelCard": {
            **CARD,
            "ModelCardStatus": "Draft",
            "Content": {
                "ModelOverview": overview,
                "IntendedUses": {"RiskRating": risk},
                "AdditionalInformation": additional,
            },
        },
    }
    return json.dumps(
        {
            "Resources": {
                name: {"Type": f"AWS::SageMaker::{name}", "Properties": properties}
                for name, properties in resources.items()
            },
            "Outputs": {
                **{name: {"Value": {"Ref": name}} for name in resources},
                "Version": {"Value": {"Fn::GetAtt": ["ModelCard", "ModelCardVersion"]}},
                "Status": {"Value": {"Fn::GetAtt": ["ModelPackage", "ModelPackageStatus"]}},
            },
        }
    )


def outputs(cloudformation: Any) -> dict[str, str]:
    """Return the stack's outputs."""
    stack = cloudformation.describe_stacks(**NAME)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def reasons(cloudformation: Any) -> list[str]:
    """Return what the stack's events say that went wrong."""
    events = cloudformation.describe_stack_events(**NAME)["StackEvents"]
    return [each["ResourceStatusReason"] for each in events if each.get("ResourceStatusReason")]


def create(cloudformation: Any, body: str) -> None:
    """Create the stack and wait for it."""
    cloudformation.create_stack(**NAME, TemplateBody=body)
    try:
        cloudformation.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
    except WaiterError:
        pytest.fail("; ".join(reasons(cloudformation)))


@pytest.fixture
def services(client: Callable[[str], Any]) -> Iterator[tuple[Any, Any]]:
    """CloudFormation and SageMaker; the stack is gone afterwards, with all that was in it."""
    cloudformation, sagemaker = client("cloudformation"), client("sagemaker")
    yield cloudformation, sagemaker
    cloudformation.delete_stack(**NAME)
    cloudformation.get_waiter("stack_delete_complete").wait(**NAME, WaiterConfig=QUICK)
    assert sagemaker.list_model_package_groups(NameContains="stacked")["ModelPackageGroupSummaryList"] == []
    assert sagemaker.list_model_cards(NameContains="stacked")["ModelCardSummaries"] == []


def test_a_registry_as_a_stack(services: tuple[Any, Any]) -> None:
    """Group, version and card are made, changed in place, and gone with the stack; a new image is a new version."""
    cloudformation, sagemaker = services
    first = template(status="PendingManualApproval", CustomerMetadataProperties={"a": "1", "b": "2"})
    create(cloudformation, first)
    version = f"{ARN}:model-package/stacked/1"
    assert outputs(cloudformation) == {
        "ModelPackageGroup": f"{ARN}:model-package-group/stacked",
        "ModelPackage": version,
        "ModelCard": "stacked",
        "Version": "1",
        "Status": "Completed",
    }
    assert json.loads(sagemaker.get_model_package_group_policy(**GROUP)["ResourcePolicy"]) == POLICY
    assert json.loads(sagemaker.describe_model_card(**CARD)["Content"]) == {
        "model_overview": {"model_name": "stacked", "inference_environment": {"container_image": [IMAGE]}},
        "intended_uses": {"risk_rating": "Low"},
        "additional_information": {"custom_details": {"MadeBy": "a template"}},
    }
    second = template(
        status="Approved", description="good", policy=None, risk="High", CustomerMetadataProperties={"b": "3"}
    )
    cloudformation.update_stack(**NAME, TemplateBody=second)
    cloudformation.get_waiter("stack_update_complete").wait(**NAME, WaiterConfig=QUICK)
    package = sagemaker.describe_model_package(ModelPackageName=version)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Approved", "good")
    assert package["CustomerMetadataProperties"] == {"b": "3"}
    assert outputs(cloudformation)["Version"] == "2"
    with pytest.raises(sagemaker.exceptions.ClientError, match="Cannot find resource policy"):
        sagemaker.get_model_package_group_policy(**GROUP)
    third = template(status="Approved", policy=None, risk="High", Domain="MACHINE_LEARNING")
    cloudformation.update_stack(**NAME, TemplateBody=third)
    cloudformation.get_waiter("stack_update_complete").wait(**NAME, WaiterConfig=QUICK)
    assert outputs(cloudformation)["ModelPackage"] == f"{ARN}:model-package/stacked/2"
    listed = sagemaker.list_model_packages(**GROUP)["ModelPackageSummaryList"]
    assert [each["ModelPackageVersion"] for each in listed] == [2]


def test_a_version_that_cannot_be_changed(services: tuple[Any, Any]) -> None:
    """What SageMaker has no update for fails the stack's, which goes back."""
    cloudformation, sagemaker = services
    create(cloudformation, template(status="Approved"))
    changed = template(status="Rejected", SkipModelValidation="All")
    cloudformation.update_stack(**NAME, TemplateBody=changed)
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_update_complete").wait(**NAME, WaiterConfig=QUICK)
    version = f"{ARN}:model-package/stacked/1"
    assert sagemaker.describe_model_package(ModelPackageName=version)["ModelApprovalStatus"] == "Approved"
    assert any(f"SkipModelValidation of {version} can't be changed" in each for each in reasons(cloudformation))
