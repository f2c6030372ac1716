"""The function of jobs is killed at each of its calls, loses each answer, is throttled: nothing runs on."""

from __future__ import annotations

import time
import uuid
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from infra.handlers.job.handler import JobResource
from infra.handlers.job.request import resource_mark
from infra.handlers.job.training import TrainingJobs
from tests.embedded_aws.account import BUCKET, CLUSTER, TRAINING_IMAGE, Account, python
from tests.infra.custom_resources import Stack, at_every_call, each_fault, in_framework

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faulty import Fault
    from tests.infra.custom_resources import Client

pytestmark = pytest.mark.usefixtures("no_backoff")
LAB = "faults"


class Trainings:
    """Training jobs of a lab, in the account of the tests."""

    def __init__(self, client: Client, account: Account) -> None:
        self._client, self._account = client, account
        self.sagemaker = account.sagemaker

    def stack(self) -> Stack:
        """A stack that has none yet."""
        return Stack(self._client, partial(in_framework, self._resource))

    def properties(self, program: str, identity: str = "") -> dict[str, Any]:
        """A training with this program."""
        request = {
            "RoleArn": self._account.role,
            "AlgorithmSpecification": {
                "TrainingImage": TRAINING_IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": python(program),
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{LAB}/"},
            "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/{LAB}"},
            "ResourceConfig": CLUSTER,
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "Tags": [{"Key": "bricklab:lab", "Value": LAB}],
        }
        return {"Lab": LAB, "Identity": {"Program": program, "Of": identity}, "Request": request}

    def begin(self, stack: Stack) -> None:
        """Start a job of the stack's, as a deployment may have left it that was cancelled."""
        name = f"{LAB}-{resource_mark(stack.of)}-{uuid.uuid4().hex[:16]}"
        self.sagemaker.create_training_job(**{**self.properties(RUNS)["Request"], "TrainingJobName": name})

    def running(self) -> list[str]:
        """What runs."""
        found = self.sagemaker.list_training_jobs(NameContains=f"{LAB}-", StatusEquals="InProgress")
        return [job["TrainingJobName"] for job in found["TrainingJobSummaries"]]

    @staticmethod
    def _resource(client: Client) -> JobResource:
        jobs = TrainingJobs(client("sagemaker"), client("s3"), sleep=lambda seconds: time.sleep(min(seconds, 0.1)))
        return JobResource(jobs)


TRAINS = "import os; open('/opt/ml/model/model.bin', 'w').close()"
RUNS = "import time; time.sleep(600)"


@pytest.fixture(scope="module")
def trainings(patient: Client, account: Account) -> Trainings:
    """The training jobs of the test run's account."""
    return Trainings(patient, account)


def test_a_job_whose_creation_is_killed_does_not_run_on(trainings: Trainings) -> None:
    """A first deployment that fails is deleted, and nobody knows the job but by the mark in its name."""

    def check() -> None:
        assert not trainings.running()

    points = at_every_call(
        trainings.stack, lambda stack, fault: stack.deploy(trainings.properties(TRAINS), fault), check
    )
    assert points == 2


def test_a_job_whose_update_is_killed_leaves_the_one_before(trainings: Trainings) -> None:
    """What ran on from a cancelled deployment ends, the roll-back trains nothing, and the next update does its work."""
    stack = trainings.stack()
    stack.deploy(trainings.properties(TRAINS))
    made: list[str] = []
    identity = count()

    def begin() -> Stack:
        trainings.begin(stack)
        return stack

    def act(stack: Stack, fault: Fault) -> list[str]:
        made[:] = stack.deploy(trainings.properties(TRAINS, str(next(identity))), fault)
        return made

    points = at_every_call(begin, act, lambda: None)
    assert made == ["StopTrainingJob", "CreateTrainingJob"]
    assert points == 4
    assert not trainings.running()


def test_jobs_whose_deletion_is_killed_go_with_the_next(trainings: Trainings) -> None:
    """The stack's deletion fails, and is asked for again."""

    def begin() -> Stack:
        stack = trainings.stack()
        stack.deploy(trainings.properties(TRAINS))
        trainings.begin(stack)
        begun[:] = [stack]
        return stack

    def check() -> None:
        begun[0].delete()
        assert not trainings.running()
        mark = resource_mark(begun[0].of)
        assert not trainings.sagemaker.list_training_jobs(NameContains=f"-{mark}-")["TrainingJobSummaries"]

    begun: list[Stack] = []
    assert at_every_call(begin, lambda stack, fault: stack.delete(fault), check) == 6


@each_fault
def test_a_job_bears_what_aws_does(trainings: Trainings, fault: Callable[[], Fault]) -> None:
    """Created, updated while another runs, deleted: each is answered right, and nothing is left."""
    stack = trainings.stack()
    stack.deploy(trainings.properties(TRAINS, "1"), fault())
    trainings.begin(stack)
    stack.deploy(trainings.properties(TRAINS, "2"), fault())
    assert not trainings.running()
    mark = resource_mark(stack.of)
    found = trainings.sagemaker.list_training_jobs(NameContains=f"-{mark}-", StatusEquals="Completed")
    assert len(found["TrainingJobSummaries"]) == 2
    stack.delete(fault())
    assert not trainings.sagemaker.list_training_jobs(NameContains=f"-{mark}-")["TrainingJobSummaries"]
