"""Rules of EventBridge on `aws.sagemaker`: each status of each resource type comes as the event that AWS sends."""

from __future__ import annotations

import json
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.gateway import ACCOUNT, REGION
from embedded_aws.services.sagemaker.events import EVENT_SCHEMAS, STAGE_SCHEMAS
from tests import functions
from tests.embedded_aws.account import BUCKET, TRAINING_IMAGE, Account, answering, python, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Events = list[dict[str, Any]]

TRAINING = {
    "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/training"},
    "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
    "StoppingCondition": {"MaxRuntimeInSeconds": 120},
}


class Queue:
    """A queue behind a rule on everything that SageMaker tells, and what has come so far."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._sqs, self._events = client("sqs"), client("events")
        self._url = self._sqs.create_queue(QueueName="told")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        self._events.put_rule(Name="told", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
        self._events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
        self._heard: Events = []

    def of(self, name: str) -> Events:
        """Return the events of the resource of that name, in the order of their coming."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                self._heard.append(json.loads(message["Body"]))
        return [event for event in self._heard if event["resources"][0].endswith(f"/{name}")]

    def last(self, name: str, status: str) -> Events:
        """Return the events of a resource, once the last one tells that status."""
        return list(until(lambda: [e for e in [self.of(name)] if e and status in e[-1]["detail"].values()])[0])

    def both(self, name: str) -> Events:
        """Return the events of a resource, once there are two; none before."""
        found = self.of(name)
        return found if len(found) > 1 else []

    def close(self) -> None:
        """Take rule and queue away."""
        self._events.remove_targets(Rule="told", Ids=["queue"])
        self._events.delete_rule(Name="told")
        self._sqs.delete_queue(QueueUrl=self._url)


@pytest.fixture(scope="module")
def queue(client: Callable[[str], Any]) -> Iterator[Queue]:
    """Yield the queue."""
    made = Queue(client)
    yield made
    made.close()


def named(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def statuses(events: Events, member: str) -> list[str]:
    """Return what the events say of the status."""
    return [event["detail"][member] for event in events]


def test_a_training_job(account: Account, queue: Queue) -> None:
    """Each secondary status has its event: envelope, Describe's members, milliseconds, tags as an object."""
    began = time.time()
    name = account.start_job(
        entrypoint=python("pass"), TrainingJobName=named("Told"), Tags=[{"Key": "team", "Value": "a"}]
    )
    account.end_of(name)
    events = queue.last(name.lower(), "Completed")
    assert statuses(events, "SecondaryStatus") == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert statuses(events, "TrainingJobStatus") == [*["InProgress"] * 4, "Completed"]
    event, detail = events[-1], events[-1]["detail"]
    assert {key: event[key] for key in ("version", "detail-type", "source", "account", "region")} == {
        "version": "0",
        "detail-type": "SageMaker Training Job State Change",
        "source": "aws.sagemaker",
        "account": ACCOUNT,
        "region": REGION,
    }
    assert event["resources"] == [f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name.lower()}"]
    assert detail["TrainingJobName"] == name
    assert detail["TrainingJobArn"] == event["resources"][0]
    assert detail["Tags"] == {"team": "a"}
    assert detail["AlgorithmSpecification"]["TrainingImage"] == TRAINING_IMAGE
    assert all(isinstance(detail[time], int) for time in ("CreationTime", "LastModifiedTime", "TrainingStartTime"))
    assert began * 1000 - 1 <= detail["CreationTime"] <= detail["TrainingEndTime"] <= time.time() * 1000
    assert [each["Status"] for each in detail["SecondaryStatusTransitions"]] == statuses(events, "SecondaryStatus")
    assert "FailureReason" not in detail


def test_a_training_job_that_fails(account: Account, queue: Queue) -> None:
    """Its last event has the reason; one that was refused has none at all."""
    name = account.start_job(entrypoint=python("exit(3)"))
    failed = account.end_of(name)
    assert queue.last(name, "Failed")[-1]["detail"]["FailureReason"] == failed["FailureReason"]
    with pytest.raises(account.sagemaker.exceptions.ClientError):
        account.start_job(TrainingJobName="refused", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/nobody")
    assert not queue.of("refused")


def test_a_processing_job(account: Account, queue: Queue) -> None:
    """InProgress, Completed."""
    name = account.process(b"print('done')")["ProcessingJobName"]
    events = queue.last(name, "Completed")
    assert statuses(events, "ProcessingJobStatus") == ["InProgress", "Completed"]
    assert events[-1]["detail-type"] == EVENT_SCHEMAS["ProcessingJob"].detail_type
    assert isinstance(events[-1]["detail"]["ProcessingEndTime"], int)


def test_a_tuning_job(account: Account, queue: Queue) -> None:
    """InProgress, Completed, with counters; its trials say whose they are."""
    name = named("tune")
    account.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0", "MaxValue": "1"}],
            },
        },
        TrainingJobDefinition={
            "AlgorithmSpecification": {
                "TrainingImage": TRAINING_IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9]+)"}],
            },
            "StaticHyperParameters": account.source({"train.py": b"print('score=1')"}),
            "RoleArn": account.role,
            **TRAINING,
        },
    )
    events = queue.last(name, "Completed")
    assert statuses(events, "HyperParameterTuningJobStatus") == ["InProgress", "Completed"]
    assert events[-1]["detail"]["TrainingJobStatusCounters"]["Completed"] == 1
    trial = events[-1]["detail"]["BestTrainingJob"]["TrainingJobName"]
    # Also the event of its creation: a killed tuning job finds by it what it had made in its last moment.
    arns = {each["detail"].get("TuningJobArn") for each in queue.last(trial, "Completed")}
    assert arns == {*events[-1]["resources"]}


def test_a_model_and_what_it_serves(account: Account, queue: Queue) -> None:
    """Models and configurations come with tags and go without; an endpoint's status is in its own letters."""
    model = account.model(answering())
    account.sagemaker.add_tags(ResourceArn=arn("model", model), Tags=[{"Key": "team", "Value": "a"}])
    config = account.config(model, Tags=[{"Key": "team", "Value": "a"}])
    endpoint = account.endpoint(config)
    account.put("told/rows.json", b'{"instances": [[1, 2, 3]]}')
    job = named("transform")
    account.sagemaker.create_transform_job(
        TransformJobName=job,
        ModelName=model,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/told/"}},
            "ContentType": "application/json",
        },
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/told-out/"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    account.sagemaker.delete_endpoint(EndpointName=endpoint)
    served = queue.last(endpoint, "DELETED")
    assert statuses(served, "EndpointStatus") == ["CREATING", "IN_SERVICE", "DELETING", "DELETED"]
    assert served[1]["detail"]["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert statuses(queue.last(job, "Completed"), "TransformJobStatus") == ["InProgress", "Completed"]
    account.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    account.sagemaker.delete_model(ModelName=model)
    for name, resource_type, tags in ((config, "EndpointConfig", {"team": "a"}), (model, "Model", {})):
        made, gone = until(partial(queue.both, name))
        assert made["detail-type"] == gone["detail-type"] == EVENT_SCHEMAS[resource_type].detail_type
        assert made["detail"][f"{resource_type}Name"] == gone["detail"][f"{resource_type}Name"] == name
        assert (made["detail"]["Tags"], gone["detail"]["Tags"]) == (tags, {})


def test_the_stages_of_an_update(account: Account, queue: Queue) -> None:
    """An update tells each of its stages, and so does a change of instances, in the guide's words."""
    model = account.model(answering())
    first, second = (account.config(model) for _ in range(2))
    name = account.endpoint(first)
    account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second)
    account.settled(name)
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "v0", "DesiredInstanceCount": 2}]
    )
    account.settled(name)
    account.sagemaker.delete_endpoint(EndpointName=name)
    events = queue.last(name, "DELETED")
    deployment = STAGE_SCHEMAS["Endpoint"].detail_type
    told = [event["detail"] for event in events if event["detail-type"] == deployment]
    assert {detail["EndpointStatus"] for detail in told} == {"UPDATING"}
    assert {detail["EndpointConfigName"] for detail in told[:-1]} == {first}
    pending = [detail["PendingDeploymentSummary"] for detail in told[:-1]]
    assert {each["EndpointConfigName"] for each in pending} == {second}
    assert [stage(each) for each in [*pending, told[-1]]] == [
        ("Creating", "Launching 1 instance(s)."),
        ("ActivatingTraffic", "Activating traffic on full capacity of 1 instance(s)."),
        ("Updating", "Scaling out desired instance count to 2."),
    ]
    assert isinstance(pending[0]["ProductionVariants"][0]["VariantStatus"][0]["StartTime"], int)
    assert "PendingDeploymentSummary" not in told[-1]
    states = [event for event in events if event["detail-type"] != deployment]
    serving = ["UPDATING", "IN_SERVICE"] * 2
    assert statuses(states, "EndpointStatus") == ["CREATING", "IN_SERVICE", *serving, "DELETING", "DELETED"]


def stage(holder: dict[str, Any]) -> tuple[str, str]:
    """Return the first variant's status and what is said of it."""
    [status] = holder["ProductionVariants"][0]["VariantStatus"]
    return status["Status"], status["StatusMessage"]


def test_a_notebook_instance(account: Account, queue: Queue) -> None:
    """Each of its states, and those of its lifecycle configuration."""
    name = named("notebook")
    account.sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)
    account.sagemaker.create_notebook_instance(
        NotebookInstanceName=name, InstanceType="ml.t3.medium", RoleArn=account.role, LifecycleConfigName=name
    )
    queue.last(name, "InService")
    account.sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    queue.last(name, "Stopped")
    account.sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    made, *events = queue.last(name, "Deleted")
    expected = ["Pending", "InService", "Stopping", "Stopped", "Deleting", "Deleted"]
    assert statuses(events, "NotebookInstanceStatus") == expected
    assert events[0]["detail"]["NotebookInstanceLifecycleConfigName"] == name
    account.sagemaker.delete_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)
    gone = until(lambda: queue.of(name)[len(expected) + 1 :])[0]
    assert made["detail-type"] == gone["detail-type"] == EVENT_SCHEMAS["NotebookInstanceLifecycleConfig"].detail_type


def test_a_function_behind_a_rule(account: Account, client: Callable[[str], Any]) -> None:
    """A rule on failed jobs starts a function with the event; other states do not."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = account.iam.create_role(RoleName=named("told"), AssumeRolePolicyDocument=document)["Role"]["Arn"]
    source = "def handler(event, context):\n    print('heard', event['detail']['TrainingJobName'])\n"
    name = named("told")
    function = functions.make(client("lambda"), name, role=role, source=source)
    events = client("events")
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Training Job State Change"],
        "detail": {"TrainingJobStatus": ["Failed"], "TrainingJobName": [{"prefix": "heard-"}]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": function}])
    good = account.start_job(entrypoint=python("pass"), TrainingJobName=named("heard"))
    bad = account.start_job(entrypoint=python("exit(1)"), TrainingJobName=named("heard"))
    account.end_of(good)
    heard = until(lambda: [line for line in account.printed(f"/aws/lambda/{name}", "") if "heard" in line])
    assert [line.strip() for line in heard] == [f"heard {bad}"]
    events.remove_targets(Rule=name, Ids=["function"])
    events.delete_rule(Name=name)


def arn(resource_type: str, name: str) -> str:
    """Return a resource's ARN."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{resource_type}/{name}"


def test_a_pipeline_execution_and_its_steps(account: Account, queue: Queue) -> None:
    """Both have the guide's members, in lower camel case, and name the pipeline and the execution as resources."""
    name = named("told")
    steps = [
        {
            "Name": "Decide",
            "Type": "Condition",
            "Arguments": {"Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 2}]},
        },
        {"Name": "Stop", "Type": "Fail", "DependsOn": ["Decide"], "Arguments": {"ErrorMessage": "enough"}},
    ]
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
    arn = account.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=account.role)
    pipeline = arn["PipelineArn"]
    execution = account.sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    heard = until(lambda: found if len(found := queue.of(name)) == 5 else None)
    assert all(event["resources"] == [pipeline, execution] for event in heard)
    events = [event["detail"] for event in heard]
    told = [
        (each.get("previousPipelineExecutionStatus"), each["currentPipelineExecutionStatus"])
        for each in events
        if "stepName" not in each
    ]
    assert told == [(None, "Executing"), ("Executing", "Failed")]
    last = next(each for each in events if each.get("currentPipelineExecutionStatus") == "Failed")
    assert last["executionStartTime"].endswith("Z")
    assert {"executionEndTime", "pipelineExecutionDisplayName"} <= last.keys()
    changes = [
        (each["stepName"], each["stepType"], each.get("previousStepStatus"), each["currentStepStatus"])
        for each in events
        if "stepName" in each
    ]
    assert changes == [
        ("Decide", "Condition", None, "Executing"),
        ("Decide", "Condition", "Executing", "Succeeded"),
        ("Stop", "Fail", None, "Failed"),
    ]
    stop = next(each for each in events if each.get("stepName") == "Stop")
    assert (stop["metadata"], stop["failureReason"]) == ({"fail": {"errorMessage": "enough"}}, "enough")
    assert (stop["pipelineArn"], stop["pipelineExecutionArn"]) == (pipeline, execution)
