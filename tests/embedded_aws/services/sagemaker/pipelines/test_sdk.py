"""A pipeline that users of the SageMaker SDK 3 write, unmodified: upserted, started, waited for, and asked about."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.account import INFERENCE_IMAGE, TRAINING_IMAGE, Account

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.gateway import Gateway

PROGRAM = """
import json, pathlib, sys
from sagemaker.core import processing, shapes
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.parallelism_config import ParallelismConfiguration
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import StepExceptionTypeEnum, StepRetryPolicy
from sagemaker.mlops.workflow.selective_execution_config import SelectiveExecutionConfig
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

role, training, inference, folder = sys.argv[1:]
session = PipelineSession()
bucket = session.default_bucket()
score = ParameterFloat(name="Score", default_value=0.75)
threshold = ParameterFloat(name="Threshold", default_value=0.5)
count = ParameterInteger(name="Count", default_value=1)
instance = ParameterString(name="Instance", default_value="ml.m5.large")

processor = processing.ScriptProcessor(
    image_uri=training, command=["python3"], role=role, instance_count=count, instance_type=instance,
    sagemaker_session=session,
)
report = PropertyFile(name="Report", output_name="report", path="report.json")
destination = Join(on="/", values=["s3:/", bucket, "sdk-pipeline", ExecutionVariables.PIPELINE_EXECUTION_ID])
output = shapes.ProcessingOutput(
    output_name="report",
    s3_output=shapes.ProcessingS3Output(
        s3_uri=destination, local_path="/opt/ml/processing/report", s3_upload_mode="EndOfJob"
    ),
)
prepare = ProcessingStep(
    name="Prepare",
    step_args=processor.run(
        code=f"{folder}/prepare.py", outputs=[output], arguments=["--score", score.to_string()]
    ),
    property_files=[report],
    cache_config=CacheConfig(enable_caching=True, expire_after="PT1H"),
)
trainer = ModelTrainer(
    training_image=training,
    source_code=SourceCode(source_dir=folder, entry_script="train.py"),
    role=role,
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    sagemaker_session=session,
)
uri = prepare.properties.ProcessingOutputConfig.Outputs["report"].S3Output.S3Uri
train = TrainingStep(
    name="Train",
    step_args=trainer.train(input_data_config=[InputData(channel_name="report", data_source=uri)]),
    retry_policies=[StepRetryPolicy(exception_types=[StepExceptionTypeEnum.THROTTLING], max_attempts=3)],
)
builder = ModelBuilder(
    s3_model_data_url=train.properties.ModelArtifacts.S3ModelArtifacts,
    image_uri=inference,
    role_arn=role,
    sagemaker_session=session,
)
register = ModelStep(
    name="Register",
    step_args=builder.register(
        model_package_group_name="sdk-pipeline",
        content_types=["text/csv"],
        response_types=["application/json"],
        inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"],
    ),
)
fail = FailStep(name="TooLow", error_message=Join(on=" ", values=["below", threshold]))
value = JsonGet(step_name=prepare.name, property_file=report, json_path="score")
decide = ConditionStep(
    name="Decide",
    conditions=[ConditionGreaterThanOrEqualTo(left=value, right=threshold)],
    if_steps=[register],
    else_steps=[fail],
)
pipeline = Pipeline(
    name="SdkPipeline", parameters=[score, threshold, count, instance], steps=[prepare, train, decide],
    sagemaker_session=session,
)
said = {}
said["created"] = pipeline.upsert(role_arn=role, tags=[{"Key": "team", "Value": "a"}])["PipelineArn"]
said["updated"] = pipeline.upsert(role_arn=role, description="again")["PipelineArn"]
execution = pipeline.start(
    execution_display_name="first", parallelism_config=ParallelismConfiguration(max_parallel_execution_steps=2)
)
execution.wait(delay=1, max_attempts=120)
said["status"] = execution.describe()["PipelineExecutionStatus"]
said["steps"] = [[each["StepName"], each["StepStatus"]] for each in execution.list_steps()]
said["version"] = next(
    each["Metadata"]["RegisterModel"]["Arn"] for each in execution.list_steps() if "RegisterModel" in each["Metadata"]
)
refused = pipeline.start(parameters={"Threshold": 0.9})
try:
    refused.wait(delay=1, max_attempts=120)
except Exception as error:
    said["waiter"] = type(error).__name__
said["refused"] = {each["StepName"]: each for each in refused.list_steps()}
said["parameters"] = refused.list_parameters()["PipelineParameters"]
selected = pipeline.start(
    selective_execution_config=SelectiveExecutionConfig(
        source_pipeline_execution_arn=execution.arn, selected_steps=["Train"]
    )
)
selected.wait(delay=1, max_attempts=120)
said["selected"] = [each["StepName"] for each in selected.list_steps()]
said["executions"] = [
    each["PipelineExecutionStatus"] for each in pipeline.list_executions()["PipelineExecutionSummaries"]
]
pipeline.delete()
pathlib.Path(folder, "said.json").write_text(json.dumps(said, default=str))
"""
PREPARE = """
import json, pathlib, sys
score = float(sys.argv[sys.argv.index("--score") + 1])
pathlib.Path("/opt/ml/processing/report/report.json").write_text(json.dumps({"score": score}))
"""
TRAIN = """
import pathlib
report = pathlib.Path("/opt/ml/input/data/report/report.json").read_text()
pathlib.Path("/opt/ml/model/report.json").write_text(report)
"""


@pytest.fixture(scope="module")
def said(account: Account, embedded: Gateway, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the user saw, in a process of their own."""
    folder: Path = tmp_path_factory.mktemp("sdk-pipeline")
    (folder / "prepare.py").write_text(PREPARE)
    (folder / "train.py").write_text(TRAIN)
    subprocess.run(
        [sys.executable, "-c", PROGRAM, account.tutorial(), TRAINING_IMAGE, INFERENCE_IMAGE, str(folder)],
        env={**os.environ, **embedded.environment(), **account.acting_as_its_role()},
        check=True,
    )
    return dict(json.loads((folder / "said.json").read_text()))


def test_its_pipeline_runs(said: dict[str, Any]) -> None:
    """It is created, then updated; its steps run, the branch that is taken registers the model."""
    assert said["created"] == said["updated"]
    assert said["status"] == "Succeeded"
    assert {name for name, _ in said["steps"]} >= {"Prepare", "Train", "Decide"}
    assert {status for _, status in said["steps"]} == {"Succeeded"}
    assert said["version"].endswith("model-package/sdk-pipeline/1")


def test_its_other_branch_fails(said: dict[str, Any]) -> None:
    """The waiter says so, and the step why; what was prepared before serves again."""
    assert said["waiter"] == "WaiterError"
    assert said["refused"]["TooLow"]["FailureReason"] == "below 0.9"
    assert said["refused"]["Prepare"]["CacheHitResult"]["SourcePipelineExecutionArn"]
    assert said["parameters"] == [{"Name": "Threshold", "Value": "0.9"}]
    assert sorted(said["selected"]) == ["Prepare", "Train"]
    assert said["executions"] == ["Succeeded", "Failed", "Succeeded"]
