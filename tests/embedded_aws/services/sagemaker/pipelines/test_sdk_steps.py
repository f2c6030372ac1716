"""Steps of the SageMaker SDK 3's other classes, unmodified: functions (@step), tuning, transform, Lambda, callbacks.

What there is only on AWS is refused by its name.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from cli import paths
from embedded_aws.runtime import images
from tests import functions
from tests.embedded_aws.account import TRAINING_IMAGE, Account, answering

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embedded_aws.gateway import Gateway

ENVIRONMENTS = paths.ROOT / "tests" / "environments"
PROGRAM = """
import json, sys, threading
import boto3
from botocore.exceptions import ClientError
from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.shapes import StoppingCondition
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.parameters import ParameterInteger
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.mlops.workflow.check_job_config import CheckJobConfig
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.function_step import step
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.quality_check_step import DataQualityCheckConfig, QualityCheckStep
from sagemaker.mlops.workflow.steps import TransformStep, TuningStep
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

role, image, model, rows, function, queue = sys.argv[1:]
session = PipelineSession()
where = dict(role=role, image_uri=image, instance_type="ml.m5.large")
said = {}

base = ParameterInteger(name="Base", default_value=2)


@step(name="Add", **where)
def add(first, second):
    return {"sum": first + second}


@step(name="Double", **where)
def double(number):
    print("doubling", number)
    return 2 * number


doubled = double(add(base, 3)["sum"])
compare = ConditionStep(
    name="Compare",
    conditions=[ConditionEquals(left=doubled, right=10)],
    if_steps=[],
    else_steps=[FailStep(name="Wrong", error_message="2 * (2 + 3) is no 10")],
)

trainer = ModelTrainer(
    training_image=image,
    source_code=SourceCode(source_dir="code", entry_script="train.py"),
    role=role,
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=300),
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    trainer, "score", {"rate": ContinuousParameter(0.1, 0.9)}, [{"Name": "score", "Regex": "score=([0-9.]+)"}],
    max_jobs=2, max_parallel_jobs=2,
)
tune = TuningStep(name="Tune", step_args=tuner.tune())
best = tune.get_top_model_s3_uri(top_k=0, s3_bucket=session.default_bucket())

transformer = Transformer(
    model, 1, "ml.m5.large", assemble_with="Line", accept="text/csv", sagemaker_session=session
)
transform = TransformStep(
    name="Transform", step_args=transformer.transform(rows, content_type="text/csv", split_type="Line")
)

count = LambdaStep(
    name="Count",
    lambda_func=Lambda(function_arn=function, session=session),
    inputs={"artifact": best, "output": transform.properties.TransformOutput.S3OutputPath},
    outputs=[LambdaOutput("length", LambdaOutputTypeEnum.Integer)],
)
approve = CallbackStep(
    name="Approve",
    sqs_queue_url=queue,
    inputs={"length": count.properties.Outputs["length"]},
    outputs=[CallbackOutput("decision", CallbackOutputTypeEnum.String)],
)


def answer():
    sqs, sagemaker = boto3.client("sqs"), boto3.client("sagemaker")
    while not (found := sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages")):
        pass
    said["message"] = json.loads(found[0]["Body"])
    sagemaker.send_pipeline_execution_step_success(
        CallbackToken=said["message"]["token"], OutputParameters=[{"Name": "decision", "Value": "yes"}]
    )


pipeline = Pipeline(
    name="SdkSteps", parameters=[base], steps=[doubled, compare, tune, transform, count, approve],
    sagemaker_session=session,
)
pipeline.upsert(role_arn=role)
said["version"] = pipeline.latest_pipeline_version_id
execution = pipeline.start()
threading.Thread(target=answer, daemon=True).start()
try:
    execution.wait(delay=1, max_attempts=300)
except Exception as error:
    said["waited"] = str(error)
said["steps"] = {each["StepName"]: each for each in execution.list_steps()}
if all(each["StepStatus"] == "Succeeded" for each in said["steps"].values()):
    said["double"] = execution.result(step_name="Double")

quality = QualityCheckStep(
    name="Quality",
    quality_check_config=DataQualityCheckConfig(
        baseline_dataset=rows, dataset_format={"csv": {"header": False}}, output_s3_uri=rows
    ),
    check_job_config=CheckJobConfig(role=role, sagemaker_session=session),
)
try:
    Pipeline(name="SdkChecks", steps=[quality], sagemaker_session=session).create(role_arn=role)
except ClientError as error:
    said["refused"] = error.response["Error"]
with open("said.json", "w") as file:
    json.dump(said, file, default=str)
"""
TRAIN = """
import json, os, pathlib
rate = json.loads(os.environ["SM_HPS"])["rate"]
pathlib.Path(os.environ["SM_MODEL_DIR"], "rate").write_text(str(rate))
print(f"score={rate}")
"""
FUNCTION = """
def handler(event, context):
    assert event["output"].startswith("s3://"), event
    return {"length": len(event["artifact"])}
"""


@pytest.fixture(scope="module")
def said(
    account: Account,
    embedded: Gateway,
    client: Callable[[str], Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """What the user saw, in a process of their own."""
    folder: Path = tmp_path_factory.mktemp("sdk-steps")
    (folder / "code").mkdir()
    (folder / "code" / "train.py").write_text(TRAIN)
    function = functions.make(client("lambda"), "sdk-step", role=account.role, source=FUNCTION)
    queue = client("sqs").create_queue(QueueName="sdk-steps")["QueueUrl"]
    may = {"Effect": "Allow", "Action": ["lambda:InvokeFunction", "sqs:SendMessage"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    role = account.tutorial()
    account.iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="steps", PolicyDocument=document)
    model = account.model(answering(2.0))
    rows = account.put("sdk-steps/rows/one.csv", b"1,2,3\n")
    python = images.install("sagemaker-3-py312", images_dir=ENVIRONMENTS, cache_dir=paths.cache()).python
    done = subprocess.run(
        [str(python), "-W", "ignore", "-c", PROGRAM, role, TRAINING_IMAGE, model, rows, function, queue],
        env={**os.environ, **embedded.environment(), "HOME": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return dict(json.loads((folder / "said.json").read_text()))


def test_functions_run_as_steps(account: Account, said: dict[str, Any]) -> None:
    """What one returns reaches the next and a condition; each is a training job that runs the SDK's own program."""
    steps = said["steps"]
    assert {name: each["StepStatus"] for name, each in steps.items()} == dict.fromkeys(
        ("Add", "Double", "Compare", "Tune", "Transform", "Count", "Approve"), "Succeeded"
    ), {name: each.get("FailureReason") for name, each in steps.items()}
    assert said["double"] == 10
    execution = steps["Double"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2].split("-")[1]
    assert "doubling 5" in account.printed("/aws/sagemaker/TrainingJobs", f"pipelines-{execution}-Double")


def test_other_steps_bring_on_what_they_have_made(said: dict[str, Any]) -> None:
    """The best of the tuning's models reaches a Lambda function, and its answer the message of a callback."""
    assert said["version"] == 1
    told = {name: each["Metadata"] for name, each in said["steps"].items()}
    assert told["Tune"]["TuningJob"]["Arn"]
    assert told["Transform"]["TransformJob"]["Arn"]
    [length] = told["Count"]["Lambda"]["OutputParameters"]
    assert said["message"]["arguments"] == {"length": int(length["Value"])}
    assert told["Approve"]["Callback"]["OutputParameters"] == [{"Name": "decision", "Value": "yes"}]


def test_a_check_is_refused_by_its_name(said: dict[str, Any]) -> None:
    """Before anything is made."""
    assert said["refused"] == {
        "Code": "ValidationException",
        "Message": "The embedded AWS does not offer the step type QualityCheck (step Quality); do this on AWS.",
    }
