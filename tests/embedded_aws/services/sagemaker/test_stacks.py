"""Stacks of SageMaker resources on the running embedded AWS, through CloudFormation itself."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

from tests.embedded_aws.services.sagemaker.calls import ARN, IMAGE, ROLE, variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = {"StackName": "control-plane"}
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "*"}]}
QUICK = {"Delay": 0.1, "MaxAttempts": 200}


def template(image: str = IMAGE, volume: int = 5, **model: Any) -> str:
    """Return a model with its endpoint configuration, a notebook instance with its lifecycle configuration."""
    resources = {
        "Model": {"PrimaryContainer": {"Image": image}, "ExecutionRoleArn": ROLE, **model},
        "EndpointConfig": {"ProductionVariants": [{**variant(), "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]}}]},
        "NotebookInstanceLifecycleConfig": {"OnStart": [{"Content": "dHJ1ZQ=="}]},
        "NotebookInstance": {
            "NotebookInstanceName": "control-plane",
            "InstanceType": "ml.t3.medium",
            "RoleArn": ROLE,
            "VolumeSizeInGB": volume,
            "LifecycleConfigName": {
                "Fn::GetAtt": ["NotebookInstanceLifecycleConfig", "NotebookInstanceLifecycleConfigName"]
            },
        },
    }
    return json.dumps(
        {
            "Resources": {
                resource_type: {"Type": f"AWS::SageMaker::{resource_type}", "Properties": properties}
                for resource_type, properties in resources.items()
            },
            "Outputs": {resource_type: {"Value": {"Ref": resource_type}} for resource_type in resources},
        }
    )


def outputs(cloudformation: Any) -> dict[str, str]:
    """Return what Ref gives for each resource."""
    stack = cloudformation.describe_stacks(**NAME)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def arns(sagemaker: Any) -> set[str]:
    """Return all resources of the types that the template has; other tests' among them."""
    answers = (
        sagemaker.list_models(MaxResults=100)["Models"],
        sagemaker.list_endpoint_configs(MaxResults=100)["EndpointConfigs"],
        sagemaker.list_notebook_instances(MaxResults=100)["NotebookInstances"],
        sagemaker.list_notebook_instance_lifecycle_configs(MaxResults=100)["NotebookInstanceLifecycleConfigs"],
    )
    return {value for answer in answers for item in answer for name, value in item.items() if name.endswith("Arn")}


@pytest.fixture
def services(client: Callable[[str], Any]) -> Iterator[tuple[Any, Any]]:
    """CloudFormation and SageMaker, with a role; the stack is gone afterwards, with all that was in it."""
    cloudformation, sagemaker, iam = client("cloudformation"), client("sagemaker"), client("iam")
    iam.create_role(RoleName=ROLE.rpartition("/")[2], AssumeRolePolicyDocument=json.dumps(TRUST))
    before = arns(sagemaker)
    yield cloudformation, sagemaker
    cloudformation.delete_stack(**NAME)
    cloudformation.get_waiter("stack_delete_complete").wait(**NAME, WaiterConfig=QUICK)
    assert arns(sagemaker) == before
    iam.delete_role(RoleName=ROLE.rpartition("/")[2])
    for each in (cloudformation, sagemaker, iam):
        each.close()


def test_a_stack_replaces_and_updates_what_aws_does(services: tuple[Any, Any]) -> None:
    """A changed image makes a new model and configuration and deletes the old; a changed volume is updated in place."""
    cloudformation, sagemaker = services
    others = arns(sagemaker)
    cloudformation.create_stack(**NAME, TemplateBody=template(), Tags=[{"Key": "bricklab:lab", "Value": "one"}])
    cloudformation.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
    before = outputs(cloudformation)
    tags = sagemaker.list_tags(ResourceArn=before["NotebookInstance"])["Tags"]
    assert {"Key": "bricklab:lab", "Value": "one"} in tags
    assert {"Key": "aws:cloudformation:logical-id", "Value": "NotebookInstance"} in tags
    cloudformation.update_stack(**NAME, TemplateBody=template(f"{IMAGE}-sagemaker", volume=20))
    cloudformation.get_waiter("stack_update_complete").wait(**NAME, WaiterConfig=QUICK)
    after = outputs(cloudformation)
    kept = {resource_type for resource_type in before if before[resource_type] == after[resource_type]}
    assert kept == {"NotebookInstance", "NotebookInstanceLifecycleConfig"}
    assert arns(sagemaker) - others == set(after.values())
    seat = sagemaker.describe_notebook_instance(NotebookInstanceName="control-plane")
    assert (seat["NotebookInstanceStatus"], seat["VolumeSizeInGB"]) == ("InService", 20)
    assert seat["NotebookInstanceArn"] == f"{ARN}:notebook-instance/control-plane"


def test_a_stack_fails_with_the_words_of_sagemaker(services: tuple[Any, Any]) -> None:
    """What SageMaker refuses is the reason that the stack's events show."""
    cloudformation, _ = services
    cloudformation.create_stack(**NAME, TemplateBody=template(ModelName="under_score"))
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in cloudformation.describe_stack_events(**NAME)["StackEvents"]
        if event["LogicalResourceId"] == "Model" and event["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert len(reasons) == 1
    assert "Value 'under_score' at 'modelName' failed to satisfy constraint" in reasons[0]


def test_a_named_resource_is_not_replaced_under_its_name(services: tuple[Any, Any]) -> None:
    """CloudFormation asks for another name, as AWS does, and leaves the resource as it was."""
    cloudformation, sagemaker = services
    cloudformation.create_stack(**NAME, TemplateBody=template(ModelName="own"))
    cloudformation.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
    cloudformation.update_stack(**NAME, TemplateBody=template(f"{IMAGE}-sagemaker", ModelName="own"))
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_update_complete").wait(**NAME, WaiterConfig=QUICK)
    events = cloudformation.describe_stack_events(**NAME)["StackEvents"]
    assert any("custom-named resource requires replacing" in e.get("ResourceStatusReason", "") for e in events)
    assert sagemaker.describe_model(ModelName="own")["PrimaryContainer"]["Image"] == IMAGE


def test_a_stack_is_deleted_whose_resources_somebody_deleted(services: tuple[Any, Any]) -> None:
    """DeleteStack ends well when all that it would delete is gone."""
    cloudformation, sagemaker = services
    before = arns(sagemaker)
    cloudformation.create_stack(**NAME, TemplateBody=template())
    cloudformation.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
    refs = outputs(cloudformation)
    seat = {"NotebookInstanceName": "control-plane"}
    sagemaker.stop_notebook_instance(**seat)
    sagemaker.get_waiter("notebook_instance_stopped").wait(**seat, WaiterConfig=QUICK)
    sagemaker.delete_notebook_instance(**seat)
    sagemaker.get_waiter("notebook_instance_deleted").wait(**seat, WaiterConfig=QUICK)
    names = {resource_type: ref.rpartition("/")[2] for resource_type, ref in refs.items()}
    config = next(
        one["NotebookInstanceLifecycleConfigName"]
        for one in sagemaker.list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"]
        if one["NotebookInstanceLifecycleConfigArn"] == refs["NotebookInstanceLifecycleConfig"]
    )
    sagemaker.delete_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=config)
    sagemaker.delete_endpoint_config(EndpointConfigName=names["EndpointConfig"])
    sagemaker.delete_model(ModelName=names["Model"])
    assert arns(sagemaker) == before
    cloudformation.delete_stack(**NAME)
    cloudformation.get_waiter("stack_delete_complete").wait(**NAME, WaiterConfig=QUICK)


def test_drift_shows_what_was_deleted_and_changed_behind_the_stacks_back(services: tuple[Any, Any]) -> None:
    """A configuration that somebody deleted is DELETED, a model that got a tag MODIFIED, the rest IN_SYNC."""
    cloudformation, sagemaker = services
    cloudformation.create_stack(**NAME, TemplateBody=template(Tags=[{"Key": "team", "Value": "a"}]))
    cloudformation.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
    made = outputs(cloudformation)
    sagemaker.delete_endpoint_config(EndpointConfigName=made["EndpointConfig"].rpartition("/")[2])
    sagemaker.add_tags(ResourceArn=made["Model"], Tags=[{"Key": "behind", "Value": "its back"}])
    detection = cloudformation.detect_stack_drift(**NAME)["StackDriftDetectionId"]
    deadline = time.monotonic() + 20
    while (found := cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection))[
        "DetectionStatus"
    ] == "DETECTION_IN_PROGRESS":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found["StackDriftStatus"] == "DRIFTED"
    drifts = cloudformation.describe_stack_resource_drifts(**NAME)["StackResourceDrifts"]
    assert {drift["LogicalResourceId"]: drift["StackResourceDriftStatus"] for drift in drifts} == {
        "EndpointConfig": "DELETED",
        "Model": "MODIFIED",
        "NotebookInstance": "IN_SYNC",
        "NotebookInstanceLifecycleConfig": "IN_SYNC",
    }
