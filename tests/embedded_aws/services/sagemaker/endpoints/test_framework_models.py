"""What a script of XGBoost's container has trained is served by its toolkit's defaults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.account import (
    SCIKIT_LEARN_IMAGE,
    XGBOOST_IMAGE,
    pull,
)

if TYPE_CHECKING:
    from tests.embedded_aws.account import Account

pytestmark = pytest.mark.usefixtures("ended")

# Trains, and serves: the SageMaker SDK hands its entry point to both.
BOOSTED = b"""
import os
import numpy
import xgboost

def model_fn(model_dir):
    booster = xgboost.Booster()
    booster.load_model(os.path.join(model_dir, "model.json"))
    return booster

if __name__ == "__main__":
    rows = numpy.arange(20).reshape(10, 2)
    trained = xgboost.train({"max_depth": 2}, xgboost.DMatrix(rows, rows[:, 0] > 9), num_boost_round=5)
    trained.save_model(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"))
"""


def hosted(account: Account, job: dict[str, Any], image: str, **environment: str) -> str:
    """Host what a job has trained; the endpoint's name."""
    name = job["TrainingJobName"]
    assert job["TrainingJobStatus"] == "Completed", job
    container = {
        "Image": image,
        "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"],
        "Environment": environment,
    }
    account.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=account.role)
    return account.endpoint(account.config(name))


def ask(account: Account, endpoint: str, body: bytes, content_type: str, accept: str) -> bytes:
    """What an endpoint answers."""
    answer = account.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType=content_type, Accept=accept)
    return bytes(answer["Body"].read())


def test_xgboost_in_script_mode(account: Account) -> None:
    """The default input_fn makes a DMatrix of CSV and libsvm; what else comes is an error of the server."""
    pull(XGBOOST_IMAGE)
    source = account.source({"train.py": BOOSTED})
    job = account.train(HyperParameters=source, algorithm={"TrainingImage": XGBOOST_IMAGE})
    uri = json.loads(source["sagemaker_submit_directory"])
    endpoint = hosted(account, job, XGBOOST_IMAGE, SAGEMAKER_PROGRAM="train.py", SAGEMAKER_SUBMIT_DIRECTORY=uri)
    low, high = json.loads(ask(account, endpoint, b"2,3\n18,19", "text/csv", "application/json"))
    assert low < 0.5 < high
    csv = ask(account, endpoint, b"0:2 1:3\n0:18 1:19\n", "text/libsvm", "text/csv")
    assert [*map(float, csv.split())] == pytest.approx([low, high], abs=1e-6)
    with pytest.raises(account.runtime.exceptions.ModelError) as error:
        ask(account, endpoint, b"[[2, 3]]", "application/json", "text/csv")
    assert error.value.response["OriginalStatusCode"] == 500


@pytest.mark.parametrize(
    ("image", "module"),
    [(SCIKIT_LEARN_IMAGE, "sklearn"), (XGBOOST_IMAGE, "xgboost")],
)
def test_a_processing_job_in_each_image(account: Account, image: str, module: str) -> None:
    """Its `python3` has the framework, as the SDK's processors expect it."""
    pull(image)
    code = f"import {module}\nprint('{module} is', {module}.__version__)".encode()
    job = account.process(code, program={"ImageUri": image})
    lines = account.printed("/aws/sagemaker/ProcessingJobs", job["ProcessingJobName"])
    assert job["ProcessingJobStatus"] == "Completed", lines
    assert any(line.startswith(f"{module} is") for line in lines)
