"""Requests are validated with AWS's sentences."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.emulator.control import calls

ONE = "1 validation error detected: "


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"NotebookInstanceName": "no_underscores"},
            (
                "Value 'no_underscores' at 'notebookInstanceName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9])*"
            ),
        ),
        (
            {"NotebookInstanceName": "a" * 64},
            (
                f"Value '{'a' * 64}' at 'notebookInstanceName' failed to satisfy constraint: "
                "Member must have length less than or equal to 63"
            ),
        ),
        ({}, "Value null at 'notebookInstanceName' failed to satisfy constraint: Member must not be null"),
    ],
)
def test_a_name_that_aws_refuses(unchecked: Any, request_: dict[str, Any], message: str) -> None:
    """Pattern, length and presence of a name are checked, each with its own sentence."""
    assert calls.refusal(unchecked.describe_notebook_instance, **request_) == ("ValidationException", ONE + message)


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


def test_a_number_outside_its_range(unchecked: Any) -> None:
    """Numbers have values, not lengths."""
    refused = calls.refusal(lambda: calls.notebook(unchecked, VolumeSizeInGB=4))
    expected = (
        "Value '4' at 'volumeSizeInGB' failed to satisfy constraint: Member must have value greater than or equal to 5"
    )
    assert refused == ("ValidationException", ONE + expected)


def test_an_empty_list(unchecked: Any) -> None:
    """A list's length is checked."""
    refused = calls.refusal(unchecked.create_endpoint_config, EndpointConfigName="config", ProductionVariants=[])
    assert refused[1] == (
        f"{ONE}Value '[]' at 'productionVariants' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )


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


def test_a_value_of_the_wrong_type(unchecked: Any) -> None:
    """A number where a string must be is a SerializationException."""
    code, message = calls.refusal(unchecked.describe_model, ModelName=7)
    assert (code, message) == ("SerializationException", "'modelName' must be a JSON string, not 7")


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
