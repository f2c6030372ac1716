"""The handler of jobs with a processing job: what is adopted, what is done anew, what is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber

from infra.handlers.job.handler import JobResource
from infra.handlers.job.processing import ProcessingJobs
from infra.handlers.job.request import identity, resource_mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

    from tests.infra.conftest import Clock

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/bricklab-storage/5f0c1f10"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:processing-job/"
BIRTH = datetime.fromtimestamp(0, UTC)
TAGS = [{"Key": "bricklab:lab", "Value": "bricklab"}]
REQUEST = {
    "AppSpecification": {"ImageUri": "image"},
    "ProcessingResources": {
        "ClusterConfig": {"InstanceCount": "1", "InstanceType": "ml.m5.large", "VolumeSizeInGB": "30"}
    },
    "RoleArn": "arn:aws:iam::111122223333:role/stand-in",
    "Tags": TAGS,
}


class Driver:
    """A handler with a stubbed SageMaker, and CloudFormation's events for it."""

    def __init__(self, session: boto3.Session, clock: Clock) -> None:
        self.clock = clock
        self.sagemaker = session.client("sagemaker")
        self.stub = Stubber(self.sagemaker)
        self.properties = {"Lab": "bricklab", "Identity": {"Photos": "these"}, "Request": REQUEST}
        self.mark = resource_mark({"StackId": STACK, "LogicalResourceId": "Photos"})
        self.prefix = f"bricklab-{self.mark}"
        self.job = f"{self.prefix}-{identity(self.properties)}"
        jobs = ProcessingJobs(self.sagemaker, session.client("s3"), now=clock.now, sleep=clock.sleep)
        self.handler = JobResource(jobs)

    def event(self, kind: str, **more: Any) -> dict[str, Any]:
        """An event as CDK's framework passes it on."""
        return {
            "RequestType": kind,
            "StackId": STACK,
            "LogicalResourceId": "Photos",
            "ResourceType": "Custom::ProcessingJob",
            "ResourceProperties": self.properties,
            "PhysicalResourceId": self.prefix,
            **more,
        }

    def is_complete(self) -> dict[str, Any]:
        """What the handler answers when it is asked again."""
        return dict(self.handler.is_complete(self.event("Update", ProcessingJobName=self.job)))

    def listed(self, **jobs: int | None) -> None:
        """Expect a listing; answer these identities' jobs, with the minute they completed in, or None if at work."""
        summaries = [
            {
                "ProcessingJobName": name if name == self.job else f"{self.prefix}-{name}",
                "ProcessingJobArn": ARN,
                "CreationTime": BIRTH,
                **({"ProcessingJobStatus": "InProgress"} if minute is None else _completed(minute)),
            }
            for name, minute in jobs.items()
        ]
        self.stub.add_response("list_processing_jobs", {"ProcessingJobSummaries": summaries}, {"NameContains": ANY})

    def described(self, status: str, **more: Any) -> None:
        """Expect a description; answer a job of this status."""
        description = {
            "ProcessingJobName": self.job,
            "ProcessingJobArn": ARN + self.job,
            "CreationTime": BIRTH,
            **REQUEST,
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
            },
            "ProcessingJobStatus": status,
            **more,
        }
        del description["Tags"]
        self.stub.add_response("describe_processing_job", description, {"ProcessingJobName": self.job})

    def tagged(self) -> None:
        """Expect a look at the tags."""
        self.stub.add_response("list_tags", {"Tags": TAGS}, {"ResourceArn": ARN + self.job})

    def missing(self, name: str) -> None:
        """Expect a description; answer as SageMaker does of a processing job that there is not."""
        self.stub.add_client_error(
            "describe_processing_job",
            "ValidationException",
            f"Could not find requested job with name: {name}",
            expected_params={"ProcessingJobName": name},
        )

    def created(self, name: str) -> None:
        """Expect the job to be made, with numbers where SageMaker has them."""
        cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
        expected = {
            **REQUEST,
            "ProcessingResources": {"ClusterConfig": cluster},
            "ProcessingJobName": name,
        }
        self.stub.add_response("create_processing_job", {"ProcessingJobArn": ARN + name}, expected)


OTHER = "0" * 16


def _completed(minute: int) -> dict[str, Any]:
    return {"ProcessingJobStatus": "Completed", **_end(minute)}


def _end(minute: int) -> dict[str, Any]:
    return {"ProcessingEndTime": datetime(2026, 11, 24, 12, minute, tzinfo=UTC)}


@pytest.fixture
def driver(session: boto3.Session, clock: Clock) -> Iterator[Driver]:
    """A driver whose every expected call has been made when the test ends."""
    driver = Driver(session, clock)
    with driver.stub:
        yield driver
        driver.stub.assert_no_pending_responses()


def test_create_starts_a_job(driver: Driver) -> None:
    """A first deployment starts the job, and says its name under the member that SageMaker has for it."""
    driver.listed()
    driver.missing(driver.job)
    answer = driver.handler.on_event(driver.event("Create"))
    assert answer == {"PhysicalResourceId": driver.prefix, "ProcessingJobName": driver.job, "Since": 0}
    driver.missing(driver.job)
    driver.created(driver.job)
    driver.described("Completed", **_end(9))
    driver.listed(**{driver.job: 9})
    assert driver.handler.is_complete(driver.event("Create", **answer))["IsComplete"] is True


def test_the_last_job_to_complete_is_adopted(driver: Driver) -> None:
    """What lies at its outputs is its own: a rollback, or another role, runs nothing."""
    driver.listed(**{driver.job: 9, OTHER: 5})
    driver.described("Completed", **_end(9))
    driver.tagged()
    driver.listed(**{driver.job: 9, OTHER: 5})
    assert driver.handler.on_event(driver.event("Update"))["ProcessingJobName"] == driver.job


def test_a_job_whose_outputs_were_written_over_runs_anew(driver: Driver) -> None:
    """Photos that come back after others had their turn are prepared once more."""
    driver.listed(**{driver.job: 5, OTHER: 9})
    driver.described("Completed", **_end(5))
    driver.tagged()
    driver.listed(**{driver.job: 5, OTHER: 9})
    driver.missing(f"{driver.job}-2")
    assert driver.handler.on_event(driver.event("Update"))["ProcessingJobName"] == f"{driver.job}-2"


def test_completion_answers_the_job_s_own_sentence(driver: Driver) -> None:
    """The attributes are the job's name and its exit message."""
    driver.described("InProgress")
    driver.described("Completed", **_end(9), ExitMessage="100 photos")
    driver.listed(**{driver.job: 9})
    answer = driver.is_complete()
    assert answer == {"IsComplete": True, "Data": {"ProcessingJobName": driver.job, "ExitMessage": "100 photos"}}


def test_a_failure_is_told_in_the_program_s_words(driver: Driver) -> None:
    """SageMaker's reason is an exit code; the program's sentence is what helps, with the way to the log."""
    driver.described("Failed", FailureReason="AlgorithmError: , exit code: 1", ExitMessage="Class 7 has no photo.")
    with pytest.raises(Exception, match=f"Processing job {driver.job} failed: Class 7 has no photo") as caught:
        driver.is_complete()
    assert "aws logs tail /aws/sagemaker/ProcessingJobs" in str(caught.value)


def test_a_failure_without_words_gives_sagemaker_s(driver: Driver) -> None:
    """A job that never came to its program has a FailureReason alone."""
    driver.described("Failed", FailureReason="ClientError: Failed to download data.")
    with pytest.raises(Exception, match="ClientError: Failed to download data"):
        driver.is_complete()


def test_delete_stops_waits_and_forgets(driver: Driver) -> None:
    """All jobs of the resource end, and the records of those that have ended go."""
    driver.listed(**{driver.job: None})
    driver.stub.add_response("stop_processing_job", {}, {"ProcessingJobName": driver.job})
    driver.listed(**{driver.job: 9})
    driver.stub.add_response("delete_processing_job", {}, {"ProcessingJobName": driver.job})
    assert driver.handler.is_complete(driver.event("Delete")) == {"IsComplete": True}


def test_a_processing_job_has_the_same_deadline(driver: Driver) -> None:
    """SageMaker limits how long one runs, not how long it waits; and tells nothing of its steps."""
    driver.properties = {**driver.properties, "DeadlineSeconds": "60", "StopSeconds": "10"}
    for started, sentence in (
        ({}, r"was stopped 60 s after its creation, .* still no ml.m5.large for it"),
        ({"ProcessingStartTime": BIRTH}, "before it had a result; its last state was InProgress: give it fewer images"),
    ):
        driver.clock.time = 59
        driver.described("InProgress")
        driver.described("InProgress")
        driver.stub.add_response("stop_processing_job", {}, {"ProcessingJobName": driver.job})
        driver.described("Stopped", **started)
        with pytest.raises(Exception, match=sentence):
            driver.is_complete()
