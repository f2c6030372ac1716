"""A monitoring schedule starts processing jobs that get what an endpoint has captured, and tells how each has ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.account import BUCKET, CLUSTER, TRAINING_IMAGE, Account, answering, until

if TYPE_CHECKING:
    from collections.abc import Callable

LOCAL = "/opt/ml/processing/input/endpoint"
OUTPUT = "/opt/ml/processing/output"
# In one line and 256 characters, as SageMaker takes an entrypoint's word.
PROGRAM = (
    "import os,json,pathlib as p;e=dict(os.environ);s=p.Path(e['dataset_source']);"
    "f=[str(x.relative_to(s)) for x in s.rglob('*.jsonl')];"
    "p.Path(e['output_path'],'told').write_text(json.dumps([e,f]));p.Path(e['MESSAGE']).write_text(e['SAID'])"
)
_LASTING = ("Completed", "CompletedWithViolations", "Failed", "Stopped")


@pytest.fixture(scope="module")
def endpoint(account: Account) -> str:
    """An endpoint that captures, and has answered one request."""
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    name = account.endpoint(account.config(account.model(answering()), DataCaptureConfig=capture))
    account.invoke(name, [[1, 2]], InferenceId="first")
    until(lambda: account.keys(f"capture/{name}/"))
    return name


@pytest.fixture(scope="module")
def watch(account: Account, endpoint: str) -> Callable[..., str]:
    """Makes a schedule of that endpoint that runs now; its name."""

    def make(name: str, said: str = "", **timing: str) -> str:
        job: dict[str, Any] = {
            "MonitoringInputs": [{"EndpointInput": {"EndpointName": endpoint, "LocalPath": LOCAL}}],
            "MonitoringOutputConfig": {
                "MonitoringOutputs": [{"S3Output": {"S3Uri": f"s3://{BUCKET}/reports", "LocalPath": OUTPUT}}]
            },
            "MonitoringResources": {"ClusterConfig": CLUSTER},
            "MonitoringAppSpecification": {
                "ImageUri": TRAINING_IMAGE,
                "ContainerEntrypoint": ["python3", "-c", PROGRAM],
            },
            "Environment": {"MESSAGE": "/opt/ml/output/message", "SAID": said or "Completed: all is well."},
            "RoleArn": account.role,
        }
        schedule = {"ScheduleExpression": "NOW", "DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "PT1H"}
        account.sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=name,
            MonitoringScheduleConfig={"ScheduleConfig": {**schedule, **timing}, "MonitoringJobDefinition": job},
        )
        return name

    return make


def execution(account: Account, schedule: str) -> dict[str, Any]:
    """Wait for the end of a schedule's execution; what ListMonitoringExecutions tells of it."""

    def ended() -> dict[str, Any] | None:
        listed = account.sagemaker.list_monitoring_executions(MonitoringScheduleName=schedule)
        found = [
            each for each in listed["MonitoringExecutionSummaries"] if each["MonitoringExecutionStatus"] in _LASTING
        ]
        return found[0] if found else None

    return dict(until(ended, 120))


def test_the_container_gets_what_was_captured_and_is_told_what_it_is(
    account: Account, endpoint: str, watch: Callable[..., str]
) -> None:
    """The variables of AWS's contract, the captured files below endpoint, variant and hour; its output goes to S3."""
    schedule = watch("contract")
    found = execution(account, schedule)
    assert (found["MonitoringExecutionStatus"], found.get("FailureReason")) == ("Completed", None)
    job = account.sagemaker.describe_processing_job(ProcessingJobName=found["ProcessingJobArn"].rpartition("/")[2])
    described = account.sagemaker.describe_monitoring_schedule(MonitoringScheduleName=schedule)
    assert job["MonitoringScheduleArn"] == described["MonitoringScheduleArn"]
    assert described["LastMonitoringExecutionSummary"]["ProcessingJobArn"] == found["ProcessingJobArn"]
    place = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    assert place == f"s3://{BUCKET}/reports/{endpoint}/{schedule}/{found['ScheduledTime']:%Y/%m/%d/%H}"
    told, files = json.loads(account.get(f"{place}/told"))
    assert {name: told[name] for name in ("publish_cloudwatch_metrics", "sagemaker_endpoint_name")} == {
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_endpoint_name": endpoint,
    }
    assert told["sagemaker_monitoring_schedule_name"] == schedule
    assert json.loads(told["dataset_format"]) == {
        "sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}
    }
    assert told["start_time"] < told["end_time"]
    captured = account.keys(f"capture/{endpoint}/")
    assert sorted(files) == sorted(key.removeprefix("capture/") for key in captured)


def test_a_message_of_violations_is_the_execution_s_status(account: Account, watch: Callable[..., str]) -> None:
    """Which AWS's own sample of a container writes so; the job itself has completed."""
    found = execution(account, watch("violated", "CompletedWithViolations: the bricks are dark."))
    assert found["MonitoringExecutionStatus"] == "CompletedWithViolations"
    job = account.sagemaker.describe_processing_job(ProcessingJobName=found["ProcessingJobArn"].rpartition("/")[2])
    assert job["ProcessingJobStatus"] == "Completed"


def test_a_window_without_requests_fails_without_a_job(account: Account, watch: Callable[..., str]) -> None:
    """In AWS's words."""
    schedule = watch("nobody", DataAnalysisStartTime="-PT9H", DataAnalysisEndTime="-PT8H")
    found = execution(account, schedule)
    assert (found["MonitoringExecutionStatus"], found["FailureReason"]) == ("Failed", "Job inputs had no data")
    assert "ProcessingJobArn" not in found
    account.sagemaker.delete_monitoring_schedule(MonitoringScheduleName=schedule)
    assert execution(account, schedule)["FailureReason"] == "Job inputs had no data"  # its history stays
