"""Requests are validated with AWS's sentences."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.embedded_aws.services.sagemaker import calls

ONE = "1 validation error detected: "


def test_a_value_outside_an_enum(unchecked: Any) -> None:
    """The sentence names the member by its path, counted from one, and lists what is allowed."""
    calls.model(unchecked)
    variants = [calls.variant(), calls.variant(VariantName="second", InstanceType="ml.huge")]
    code, message = calls.refusal(
        unchecked.create_endpoint_config, EndpointConfigName="config", ProductionVariants=variants
    )
    assert code == "ValidationException"
    assert message.startswith(
        f"{ONE}Value 'ml.huge' at 'productionVariants.2.member.instanceType' failed to satisfy constraint: "
        "Member must satisfy enum value set: ["
    )
    assert "ml.m5.large" in message


def test_a_map_with_a_value_that_is_too_long(unchecked: Any) -> None:
    """A map's values are judged together, as AWS does for hyperparameters."""
    _, message = calls.refusal(lambda: calls.training_job(unchecked, HyperParameters={"epochs": "1" * 2501}))
    assert "at 'hyperParameters' failed to satisfy constraint: Map value must satisfy constraint: [" in message
    assert "Member must have length less than or equal to 2500" in message


def test_all_problems_come_in_one_message(unchecked: Any) -> None:
    """Every constraint that does not hold is named, with their count."""
    code, message = calls.refusal(
        unchecked.create_training_job,
        TrainingJobName="-job-",
        RoleArn="role",
        OutputDataConfig={},
        AlgorithmSpecification={"TrainingInputMode": "Bucket"},
    )
    assert code == "ValidationException"
    assert message.startswith("5 validation errors detected: ")
    places = re.findall(r"Value (?:'[^']*'|null) at '([^']*)'", message)
    assert sorted(places) == [
        "algorithmSpecification.trainingInputMode",
        "outputDataConfig.s3OutputPath",
        "roleArn",
        "roleArn",
        "trainingJobName",
    ]


def test_unknown_members_are_ignored(service: Any) -> None:
    """A member that the model does not have, or that is null, is as if it were not given."""
    document = {"NotebookInstanceLifecycleConfigName": "onstart", "Shoe": 42, "OnCreate": None}
    service.call("CreateNotebookInstanceLifecycleConfig", document, account="000000000000", region="us-east-1")
    described = service.call(
        "DescribeNotebookInstanceLifecycleConfig", document, account="000000000000", region="us-east-1"
    )
    assert not {"Shoe", "OnCreate"} & described.keys()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ExecutionRoleArn": calls.ROLE}, "A model has either PrimaryContainer or Containers: give one of them."),
        (
            {"PrimaryContainer": {"Image": calls.IMAGE}},
            "The embedded AWS has models with a role only: give ExecutionRoleArn.",
        ),
    ],
)
def test_a_model_that_could_not_be_served(sagemaker: Any, more: dict[str, Any], message: str) -> None:
    """A model needs containers and a role."""
    assert calls.refusal(sagemaker.create_model, ModelName="bricks", **more) == ("ValidationException", message)
    assert sagemaker.list_models()["Models"] == []
