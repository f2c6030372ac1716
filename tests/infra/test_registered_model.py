"""The trained model as a version of the model registry, in the templates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.infra.templates import Template


def of_kind(template: Template, kind: str) -> dict[str, Any]:
    """The one resource of a type."""
    [resource] = [item for item in template["Resources"].values() if item["Type"] == kind]
    return dict(resource)


def test_a_trained_model_is_a_version(templates: dict[str, Template]) -> None:
    """With the image that the endpoint serves it with, its job's artifact, and what it was made of."""
    training = templates["bricklab-training"]
    version = of_kind(training, "AWS::SageMaker::ModelPackage")
    properties = version["Properties"]
    [container] = properties["InferenceSpecification"]["Containers"]
    served = of_kind(templates["bricklab-endpoint"], "AWS::SageMaker::Model")["Properties"]["PrimaryContainer"]
    assert container["Image"] == served["Image"]
    parameter = of_kind(training, "AWS::SSM::Parameter")["Properties"]["Value"]
    assert container["ModelDataUrl"] == parameter == training["Outputs"]["ModelArtifact"]["Value"]
    known = properties["CustomerMetadataProperties"]
    assert known["TrainingJobName"] == training["Outputs"]["TrainingJobName"]["Value"]
    assert known["TestAccuracy"] == training["Outputs"]["TestAccuracy"]["Value"]
    assert known["Code"] == of_kind(training, "Custom::TrainingJob")["Properties"]["Identity"]["Code"]
    assert re.fullmatch("[0-9a-f]{64}", known["Data"])
    assert known["Model"] == {"Fn::GetAtt": [known["TrainingJobName"]["Fn::GetAtt"][0], "Model"]}
    assert properties["ModelApprovalStatus"] == "Approved"


def test_versions_add_up_and_go_with_the_group(templates: dict[str, Template]) -> None:
    """What a new artifact replaces is kept; with the storage its handler deletes the versions, then goes the group."""
    version = of_kind(templates["bricklab-training"], "AWS::SageMaker::ModelPackage")
    assert version["UpdateReplacePolicy"] == "Retain"
    assert version.get("DeletionPolicy", "Delete") == "Delete"
    assert "Tags" not in version["Properties"]  # which CreateModelPackage refuses beside a group
    storage = templates["bricklab-storage"]
    group = of_kind(storage, "AWS::SageMaker::ModelPackageGroup")["Properties"]["ModelPackageGroupName"]
    [contents] = [
        each
        for each in storage["Resources"].values()
        if each["Type"] == "Custom::BucketContents" and "Prefix" not in each["Properties"]
    ]
    assert version["Properties"]["ModelPackageGroupName"] == group == "bricklab"
    assert contents["Properties"]["ModelPackageGroup"] == group
    [made] = [name for name, each in storage["Resources"].items() if each["Type"].endswith("ModelPackageGroup")]
    assert made in contents["DependsOn"]
