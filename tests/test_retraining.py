"""A lab that retrains, as its user meets it: something new, something worse, nothing, and an end in the middle."""

from __future__ import annotations

import io
import json
import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cli import paths
from cli.programs import tool_environment
from datasets import ensure
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Lab

    Arrays = dict[str, Any]

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "anew"
NAMED = ("-c", f"lab.name={NAME}", "-c", "lab.retraining=true")
SECONDS = 900  # on a machine that has much else to do


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    """A tenth of the rendered bricks, by the names of their files."""
    return {file.name: np.load(file)[::10] for file in ensure(cache=paths.cache() / "datasets").glob("*.npy")}


@pytest.fixture(scope="module")
def up(lab: Lab, arrays: Arrays, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """`./lab up` of a lab whose first labels are half wrong; its embedded AWS asks policies, and hurries."""
    lab.environment["BRICKLAB_ENFORCE_IAM"] = "1"
    home = lab.home / "aws"
    gateway.start(
        home, cache=paths.cache(), environment=tool_environment(), enforce=True, pace=0.1, port=0, owner=os.getpid()
    )
    data = tmp_path_factory.mktemp("data")
    for name, array in wrong(arrays, every=2).items():
        np.save(data / name, array)
    settings = {"seats": 0, "data": data, "epochs": 4, "hidden_units": 32, "gate_per_class": 1}
    given = [word for key, value in settings.items() for word in ("-c", f"lab.{key}={value}")]
    return lambda *more, code=0: lab("up", *NAMED, *given, *more, code=code)


@pytest.fixture(scope="module")
def told(lab: Lab, up: Callable[..., str]) -> Iterator[Callable[[], list[str]]]:
    """What the lab's topic has heard since it was asked last."""
    up()
    sqs, sns = lab.client("sqs"), lab.client("sns")
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=lab.outputs()["NoticesTopicArn"], Protocol="sqs", Endpoint=arn)

    def heard() -> list[str]:
        found = []
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"])["Message"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    yield heard
    if gateway.running(lab.home / "aws"):
        sqs.delete_queue(QueueUrl=queue)


def wrong(arrays: Arrays, *, every: int, seed: int = 0) -> Arrays:
    """The same with every so manieth training label made up."""
    name = "lego-simple-train-labels.npy"
    labels = arrays[name].copy()
    labels[::every] = np.random.default_rng(seed).integers(0, 10, len(labels[::every]))
    return {**arrays, name: labels}


def put(lab: Lab, arrays: Arrays) -> None:
    """Put files into the bucket's data/."""
    for name, array in arrays.items():
        body = io.BytesIO()
        np.save(body, array)
        lab.client("s3").put_object(Bucket=lab.outputs()["BucketName"], Key=f"data/{name}", Body=body.getvalue())


def retrain(lab: Lab, *more: str) -> dict[str, Any]:
    """What `./lab retrain` tells a program."""
    return dict(json.loads(lab("retrain", *NAMED, "--json", *more)))


def until(holds: Callable[[], Any]) -> Any:
    """What it returns as soon as that is something."""
    deadline = time.monotonic() + SECONDS
    while not (found := holds()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def status(lab: Lab) -> dict[str, Any]:
    """What `./lab status` tells a program."""
    return dict(json.loads(lab("status", "--json", *NAMED)))


def versions(lab: Lab) -> list[dict[str, Any]]:
    """What `./lab models` tells a program."""
    return list(json.loads(lab("models", "--json", *NAMED)))


def test_nothing_new_is_told_before_anything_is_trained(lab: Lab, told: Callable[[], list[str]]) -> None:
    """The data are those that the model which serves has learnt from, by what is in them."""
    found = retrain(lab)
    assert (found["status"], found["outcome"]) == ("SUCCEEDED", "nothing-new")
    assert "has found nothing new: the model that serves has learnt from the same images" in found["sentence"]
    assert told() == [found["sentence"]]
    jobs = lab.client("sagemaker").list_training_jobs(NameContains=f"{NAME}-retrain-")["TrainingJobSummaries"]
    assert not jobs


def test_better_data_in_the_bucket_become_a_version_that_waits(
    lab: Lab, arrays: Arrays, told: Callable[[], list[str]]
) -> None:
    """Nobody has asked: the labels' upload has. All else of it is as it was."""
    name = "lego-simple-train-labels.npy"
    put(lab, {name: arrays[name]})
    until(lambda: len(versions(lab)) == 2)
    newest, first = versions(lab)
    assert (newest["approval"], newest["serves"], first["serves"]) == ("PendingManualApproval", False, True)
    assert float(newest["test_accuracy"]) > float(first["test_accuracy"])
    [sentence] = until(told)
    assert sentence.startswith(f"Version 2 of the lab {NAME} waits for approval: ")
    assert sentence.endswith("`./lab models approve 2` has it serve.")
    assert status(lab)["retraining"]["sentence"] == sentence


def test_an_approval_has_it_serve(lab: Lab, told: Callable[[], list[str]]) -> None:
    """By an update of the endpoint's stack, which knows then what serves; `up` leaves it."""
    said = lab("models", "approve", "2", *NAMED, "--because", "it is better")
    assert "The endpoint is updated to it" in said
    assert until(told) == [f"Version 2 of the lab {NAME} serves: it is better."]
    model = status(lab)["model"]
    assert (model["version"], model["because"]) == (2, "it is better")
    [stack] = lab.client("cloudformation").describe_stacks(StackName=f"{NAME}-endpoint")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"


def test_a_worse_model_is_stopped_at_the_gate(lab: Lab, arrays: Arrays, told: Callable[[], list[str]]) -> None:
    """It is registered nowhere, and what serves serves on; the steps are shown as they end."""
    put(lab, {name: array for name, array in wrong(arrays, every=1).items() if "train-labels" in name})
    shown = lab("retrain", *NAMED)
    until(lambda: not running(lab))
    sentences = told()
    assert any("has stopped its model at the gate" in each for each in sentences), sentences
    assert "comparing with the model that serves" in shown or "goes on" in shown
    assert [each["version"] for each in versions(lab) if each["serves"]] == [2]
    assert len(versions(lab)) == 2


def test_what_is_no_data_fails_with_its_own_sentence(lab: Lab, told: Callable[[], list[str]]) -> None:
    """The name of the file and the rule; no job is left, and the next run has its turn."""
    bucket = lab.outputs()["BucketName"]
    lab.client("s3").put_object(Bucket=bucket, Key="data/lego-simple-train-images.npy", Body=b"no array")
    said = lab("retrain", *NAMED, code=1)
    assert "lego-simple-train-images.npy is not a readable NumPy file" in said
    until(lambda: not running(lab))
    assert all("is not a readable NumPy file" in each for each in told())


def test_a_run_in_the_middle_of_another_joins_it_and_is_stopped_with_it(
    lab: Lab, arrays: Arrays, told: Callable[[], list[str]]
) -> None:
    """Its job is stopped too; the turn of what was stopped goes to the next run."""
    put(lab, arrays)
    until(lambda: running_jobs(lab))
    first = retrain(lab, "--no-wait")
    assert first["status"] == "RUNNING"
    states = lab.client("stepfunctions")
    machine = first["arn"].replace(":execution:", ":stateMachine:").rpartition(":")[0]
    second = states.start_execution(stateMachineArn=machine, input='{"by": "a test"}')["executionArn"]
    joined = until(lambda: states.describe_execution(executionArn=second).get("output"))
    assert json.loads(joined)["outcome"] == "joined"
    # The upload's own run, which both have joined.
    assert "with the job that was waited for" in lab("retrain", *NAMED, "--stop")
    until(lambda: not running_jobs(lab))
    told()
    assert "no retraining" in lab("retrain", *NAMED, "--stop", code=1).lower()


def test_down_ends_a_run_in_the_middle(lab: Lab, arrays: Arrays) -> None:
    """Nothing of it is left, and the receipt says so: no execution, job, parameter or version."""
    put(lab, wrong(arrays, every=3, seed=5))
    retrain(lab, "--no-wait")
    until(lambda: running_jobs(lab))
    receipt = json.loads(lab("down", "--keep-aws", "--json", *NAMED))
    assert receipt["clean"]
    assert "execution" in {each["kind"] for each in receipt["deleted"]}
    assert not running_jobs(lab)
    assert not lab.client("ssm").get_parameters_by_path(Path=f"/{NAME}", Recursive=True)["Parameters"]
    assert not lab.client("stepfunctions").list_state_machines()["stateMachines"]


def running(lab: Lab) -> list[str]:
    """The runs that go on."""
    states = lab.client("stepfunctions")
    machines = [m["stateMachineArn"] for m in states.list_state_machines()["stateMachines"]]
    [machine] = [each for each in machines if each.endswith(f":{NAME}-retraining")]
    found = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    return [each["name"] for each in found]


def running_jobs(lab: Lab) -> list[str]:
    """The jobs of runs that go on."""
    sagemaker = lab.client("sagemaker")
    asked = {"NameContains": f"{NAME}-retrain-", "StatusEquals": "InProgress"}
    training = sagemaker.list_training_jobs(**asked)["TrainingJobSummaries"]
    processing = sagemaker.list_processing_jobs(**asked)["ProcessingJobSummaries"]
    return [*(each["TrainingJobName"] for each in training), *(each["ProcessingJobName"] for each in processing)]
