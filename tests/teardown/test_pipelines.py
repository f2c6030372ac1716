"""A seat's pipelines are gone with what they run, on the running embedded AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teardown.receipt import Receipt
from teardown.sagemaker import SageMakerSweep
from teardown.scope import Scope
from tests.embedded_aws.account import BUCKET, TRAINING_IMAGE, Account
from tests.embedded_aws.services.sagemaker import calls
from tests.teardown.test_resource_types import finish

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_pipeline_goes_with_its_executions(account: Account, client: Callable[[str], Any]) -> None:
    """One runs and is stopped with its job; another seat's pipeline, whose execution has failed, stays with it."""
    sagemaker, job = account.sagemaker, "trapped-ada-train"
    step = calls.endless(
        arguments={
            "TrainingJobName": job,
            "RoleArn": account.role,
            "AlgorithmSpecification": {
                "TrainingImage": TRAINING_IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["sleep", "600"],
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/trapped"},
        }
    )
    calls.pipeline(sagemaker, "trapped-ada", steps=[step], RoleArn=account.role)
    calls.pipeline(sagemaker, "trapped-bob", RoleArn=account.role)
    for name in ("trapped-ada", "trapped-bob"):
        sagemaker.start_pipeline_execution(PipelineName=name)
    receipt = Receipt()
    finish(SageMakerSweep(client, Scope(lab="trapped", seat="ada"), receipt, only_stackless=False).step)
    assert receipt.clean
    left = sagemaker.list_pipelines(PipelineNamePrefix="trapped")["PipelineSummaries"]
    assert [each["PipelineName"] for each in left] == ["trapped-bob"]
    assert sagemaker.list_pipeline_executions(PipelineName="trapped-bob")["PipelineExecutionSummaries"]
    assert not sagemaker.list_training_jobs(NameContains=job, StatusEquals="InProgress")["TrainingJobSummaries"]
    sagemaker.delete_pipeline(PipelineName="trapped-bob")
