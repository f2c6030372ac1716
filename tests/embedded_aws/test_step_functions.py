"""Step Functions reaches the embedded SageMaker through its aws-sdk integration, and by its own for SageMaker."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.account import BUCKET, INFERENCE_IMAGE, TRAINING_IMAGE, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.embedded_aws.account import Account

ROLE = "arn:aws:iam::000000000000:role/states"


def run(
    states: Any, name: str, action: str, parameters: dict[str, Any], *, service: str = "aws-sdk:sagemaker"
) -> dict[str, Any]:
    """The ended execution of a state machine with one task."""
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{service}:{action}", "End": True}
    definition = {"StartAt": "Ask", "States": {"Ask": {**task, "Parameters": parameters}}}
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    deadline = time.monotonic() + 30
    while (ended := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return dict(ended)


@pytest.fixture
def states(client: Callable[[str], Any]) -> Any:
    """Step Functions."""
    return client("stepfunctions")


def test_a_task_gets_sagemakers_answer(states: Any, client: Callable[[str], Any]) -> None:
    """What a task creates is there for every other client."""
    parameters = {"NotebookInstanceLifecycleConfigName": "from-states", "OnStart": [{"Content": "YQ=="}]}
    ended = run(states, "make", "createNotebookInstanceLifecycleConfig", parameters)
    assert ended["status"] == "SUCCEEDED"
    made = client("sagemaker").describe_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName="from-states"
    )
    assert (
        json.loads(ended["output"])["NotebookInstanceLifecycleConfigArn"] == made["NotebookInstanceLifecycleConfigArn"]
    )


def test_a_refused_task_fails_with_sagemakers_words(states: Any) -> None:
    """An error keeps AWS's code and message on its way through Step Functions."""
    ended = run(states, "ask", "describeEndpoint", {"EndpointName": "nowhere"})
    assert ended["status"] == "FAILED"
    assert ended["error"].startswith("SageMaker.")
    assert 'Could not find endpoint "arn:aws:sagemaker:' in ended["cause"]


def training(account: Account, name: str, script: str, **more: Any) -> dict[str, Any]:
    """CreateTrainingJob's request for a job that runs a line of the shell."""
    return {
        "TrainingJobName": name,
        "RoleArn": account.role,
        "AlgorithmSpecification": {
            "TrainingImage": TRAINING_IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["/bin/sh", "-c", script],
        },
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/states"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **more,
    }


def test_a_task_waits_for_its_job(account: Account, states: Any) -> None:
    """It gets what the event of the job's end tells, the tags of Step Functions' beside the caller's."""
    request = training(account, "waited-for", "touch /opt/ml/model/a", Tags=[{"Key": "team", "Value": "a"}])
    ended = run(states, "waits", "createTrainingJob.sync", request, service="sagemaker")
    assert ended["status"] == "SUCCEEDED", ended
    job = account.sagemaker.describe_training_job(TrainingJobName="waited-for")
    told = json.loads(ended["output"])
    assert told["TrainingJobStatus"] == job["TrainingJobStatus"] == "Completed"
    assert told["ModelArtifacts"] == job["ModelArtifacts"]
    assert told["CreationTime"] == int(job["CreationTime"].timestamp() * 1000)
    assert told["Tags"] == {
        "team": "a",
        "MANAGED_BY_AWS": "STARTED_BY_STEP_FUNCTIONS",
        "AWS_STEP_FUNCTIONS_EXECUTION_ARN": ended["executionArn"],
    }


def test_a_job_that_fails_fails_its_task(account: Account, states: Any) -> None:
    """The cause is what the event tells, with the reason; another job of the name is refused."""
    request = training(account, "fails", "echo too bad > /opt/ml/output/failure; exit 3")
    ended = run(states, "fails", "createTrainingJob.sync", request, service="sagemaker")
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(ended["cause"])
    assert cause["TrainingJobStatus"] == "Failed"
    assert "too bad" in cause["FailureReason"]
    ended = run(states, "taken", "createTrainingJob.sync", request, service="sagemaker")
    assert ended["error"] == "SageMaker.ResourceInUseException"


def test_an_execution_that_is_stopped_stops_its_job(account: Account, states: Any) -> None:
    """Nobody would stop it otherwise."""
    task = {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "End": True}
    request = training(account, "unwanted", "sleep 600")
    definition = {"StartAt": "Ask", "States": {"Ask": {**task, "Parameters": request}}}
    machine = states.create_state_machine(name="unwanted", definition=json.dumps(definition), roleArn=ROLE)
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    until(lambda: account.sagemaker.list_training_jobs(NameContains="unwanted")["TrainingJobSummaries"])
    states.stop_execution(executionArn=execution)
    assert account.end_of("unwanted")["TrainingJobStatus"] == "Stopped"


def test_a_task_that_does_not_wait_gets_the_answer(account: Account, states: Any) -> None:
    """And no tags are added."""
    request = {
        "ModelName": "of-states",
        "PrimaryContainer": {"Image": INFERENCE_IMAGE},
        "ExecutionRoleArn": account.role,
    }
    ended = run(states, "model", "createModel", request, service="sagemaker")
    made = account.sagemaker.describe_model(ModelName="of-states")["ModelArn"]
    assert json.loads(ended["output"]) == {"ModelArn": made}
    assert account.sagemaker.list_tags(ResourceArn=made)["Tags"] == []


def test_what_sagemaker_refuses_fails_the_task(account: Account, states: Any) -> None:
    """By the name that Retry and Catch know: the SDK for Java's exception."""
    request = training(account, "not valid", "true")
    ended = run(states, "invalid", "createTrainingJob.sync", request, service="sagemaker")
    assert ended["error"] == "SageMaker.AmazonSageMakerException"
    assert "Status Code: 400; Error Code: ValidationException; Request ID: " in ended["cause"]


@pytest.mark.parametrize("action", ["createModel.sync", "describeEndpoint"])
def test_what_there_is_not_is_refused_by_name(states: Any, action: str) -> None:
    """Whatever else is asked of SageMaker goes through the aws-sdk integration."""
    ended = run(states, f"no-{action.partition('.')[0]}", action, {}, service="sagemaker")
    assert ended["error"] == "States.Runtime"
    assert f"arn:aws:states:::sagemaker:{action} is not recognized" in ended["cause"]


def test_a_message_is_published(states: Any, client: Callable[[str], Any]) -> None:
    """To a topic that subscribers have; a message that is an object is written as JSON, and a refusal is the task's."""
    sns, sqs = client("sns"), client("sqs")
    queue = sqs.create_queue(QueueName="from-states")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="from-states")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    published = run(states, "publish", "publish", {"TopicArn": topic, "Message": {"a": 1}}, service="sns")
    assert json.loads(published["output"])["MessageId"]
    [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(json.loads(message["Body"])["Message"]) == {"a": 1}
    refused = run(states, "refused", "publish", {"TopicArn": f"{topic}-none", "Message": "a"}, service="sns")
    assert refused["status"] == "FAILED"
    assert refused["error"].startswith("SNS.")
    assert "Topic does not exist" in refused["cause"]
