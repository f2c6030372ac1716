"""An image that can't be pulled is refused when a job or a model is created, in AWS's words where it is AWS's rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.account import TRAINING_IMAGE
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.calls import refusal

if TYPE_CHECKING:
    from tests.embedded_aws.account import Account

GPU = TRAINING_IMAGE.replace("cpu", "gpu")
NEAREST = f"{GPU} is not an image of the embedded AWS. The nearest that it has is {TRAINING_IMAGE}."
ELSEWHERE = TRAINING_IMAGE.replace("us-east-1", "eu-west-1")
OTHERS = TRAINING_IMAGE.replace("763104351884", "683313688378")  # AWS's account of scikit-learn and XGBoost


def training(account: Account, image: str) -> tuple[str, str]:
    """What CreateTrainingJob says of an image."""
    algorithm = {"TrainingImage": image, "TrainingInputMode": "File"}
    return refusal(calls.training_job, client=account.sagemaker, RoleArn=account.role, AlgorithmSpecification=algorithm)


def processing(account: Account, image: str) -> tuple[str, str]:
    """What CreateProcessingJob says of an image."""
    program = {"ImageUri": image, "ContainerEntrypoint": ["true"]}
    return refusal(calls.processing_job, client=account.sagemaker, RoleArn=account.role, AppSpecification=program)


def model(account: Account, image: str) -> tuple[str, str]:
    """What CreateModel says of an image."""
    request: dict[str, Any] = {"PrimaryContainer": {"Image": image}, "ExecutionRoleArn": account.role}
    return refusal(account.sagemaker.create_model, ModelName="refused", **request)


@pytest.mark.parametrize("create", [training, processing, model])
def test_what_can_not_be_had_is_refused_with_the_nearest(account: Account, create: Any) -> None:
    """An image for GPUs: by its URI, and the URI of the one for CPUs."""
    assert create(account, GPU) == ("ValidationException", NEAREST)


@pytest.mark.parametrize("create", [training, processing, model])
def test_an_account_without_it_gives_no_access(account: Account, create: Any) -> None:
    """AWS's own account, but of other containers: AWS's sentence, and where it is."""
    code, message = create(account, OTHERS)
    assert code == "ValidationException"
    assert message.startswith("Access denied for repository: tensorflow-training in registry ID: 683313688378. Please")
    assert message.endswith(f"is not AWS's image: there it is {TRAINING_IMAGE}.")


@pytest.mark.parametrize(
    ("create", "said"),
    [
        (training, "Invalid DNS suffix 'amazonaws.com' for region 'eu-west-1' in training image."),
        (training, "Please provide the valid <region>.<dns-suffix>: 'us-east-1.amazonaws.com'"),
        (
            processing,
            f"Invalid region eu-west-1 in image URI {ELSEWHERE}. Please provide an image URI in region us-east",
        ),
        (model, f'Region of "{ELSEWHERE}" does not match expected region of us-east-1. Cross region ECR image pulls'),
    ],
)
def test_nothing_is_pulled_across_regions(account: Account, create: Any, said: str) -> None:
    """In AWS's words, which each operation has its own of."""
    code, message = create(account, ELSEWHERE)
    assert code == "ValidationException"
    assert said in message
