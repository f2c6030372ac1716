"""The states of a retraining and of a model's deployment, run by the embedded AWS: every way that a run may end.

Their jobs are a line of the shell each, which hands on what the test has written: what the real ones find is tested
with their programs (tests/model_code/test_retraining.py), and all of it together in tests/test_retraining.py.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import read
from teardown import names
from tests.embedded_aws.account import BUCKET, CLUSTER, INFERENCE_IMAGE, TRAINING_IMAGE, answering, archive, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.embedded_aws.account import Account

LAB = "gated"
ROLE = "arn:aws:iam::000000000000:role/states"
SERVING = f"s3://{BUCKET}/{LAB}/serving/model.tar.gz"
ANSWERS = f"s3://{BUCKET}/{LAB}/answers/"
_IN, _OUT = "/opt/ml/processing/input/answers", "/opt/ml/processing/output"
SNAPSHOT = {"data": "new", "known": "old", "train": 10, "test": 10}
NUMBERS = {"images": 10, "gain": 0.1, "loss": 0.0, "lost_most": "1x1 Brick", "same": False}
COMPARISON = {**NUMBERS, "candidate": {"accuracy": 0.9}, "serving": {"accuracy": 0.8}}


class Runs:
    """The lab's state machines with stand-ins for its jobs, and what its topic hears."""

    def __init__(self, account: Account, client: Callable[[str], Any]) -> None:
        self.account, self.states, self.ssm = account, client("stepfunctions"), client("ssm")
        self.sqs, self.cloudformation = client("sqs"), client("cloudformation")
        sagemaker = account.sagemaker
        topic = client("sns").create_topic(Name=f"{LAB}-notices")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName=f"{LAB}-told")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        account.put(f"{LAB}/serving/model.tar.gz", archive(answering()))
        self.artifact = names.model_artifact_parameter(LAB)
        self.ssm.put_parameter(Name=self.artifact, Type="String", Value=SERVING)
        sagemaker.create_model_package_group(ModelPackageGroupName=LAB)
        config = account.config(account.model(answering()))
        sagemaker.create_endpoint(EndpointName=LAB, EndpointConfigName=config)
        self.topic = topic
        self.machines: dict[str, str] = {}
        account.settled(LAB)

    def machine(self, name: str, states: dict[str, Any]) -> str:
        """Make a state machine, or change it; its ARN."""
        definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "Begin", "States": states})
        if name in self.machines:
            self.states.update_state_machine(stateMachineArn=self.machines[name], definition=definition)
        else:
            made = self.states.create_state_machine(name=name, definition=definition, roleArn=ROLE)
            self.machines[name] = made["stateMachineArn"]
        return str(self.machines[name])

    def retraining(self, **settings: Any) -> str:
        """The retraining's state machine, with these settings; its ARN."""
        from infra.constructs import retraining_states

        name = names.retraining(LAB)
        return self.machine(
            name,
            retraining_states.states(
                read({"lab": {"name": LAB, "retraining": True, **settings}}),
                bucket=BUCKET,
                topic=self.topic,
                machine=f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}",
                requests={
                    "snapshot": self.processing("snapshot", retraining_states.snapshot_prefix(BUCKET)),
                    "training": self.training(),
                    "comparison": self.processing("comparison", retraining_states.comparison_prefix(BUCKET)),
                },
                version={
                    "ModelPackageGroupName": LAB,
                    "InferenceSpecification": {
                        "Containers": [{"Image": INFERENCE_IMAGE, "ModelDataUrl": "{% $candidate %}"}],
                        "SupportedContentTypes": ["image/png"],
                        "SupportedResponseMIMETypes": ["application/json"],
                    },
                    "CustomerMetadataProperties": {"RegisteredBy": names.REGISTERED_BY},
                },
            ),
        )

    def deployment(self) -> str:
        """The state machine of a model's deployment, and a stack that it can update; its ARN."""
        from infra.constructs import model_deployment_states

        settings = read({"lab": {"name": LAB, "retraining": True}})
        name = names.model_deployment(LAB)
        if name not in self.machines:
            template = {
                "Parameters": {"Artifact": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": self.artifact}},
                "Resources": {
                    "Model": {
                        "Type": "AWS::SageMaker::Model",
                        "Properties": {
                            "ExecutionRoleArn": self.account.role,
                            "PrimaryContainer": {"Image": INFERENCE_IMAGE, "ModelDataUrl": {"Ref": "Artifact"}},
                        },
                    }
                },
                "Outputs": {"Serves": {"Value": {"Ref": "Artifact"}}},
            }
            stack = names.endpoint_stack(LAB)
            self.cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
            self.cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
        return self.machine(name, model_deployment_states.states(settings, topic=self.topic, stack_endpoint="Endpoint"))

    def version(self, artifact: str, *, by: str = names.REGISTERED_BY) -> str:
        """Register a version that is approved; its ARN."""
        sagemaker = self.account.sagemaker
        made = sagemaker.create_model_package(
            ModelPackageGroupName=LAB,
            InferenceSpecification={
                "Containers": [{"Image": INFERENCE_IMAGE, "ModelDataUrl": artifact}],
                "SupportedContentTypes": ["image/png"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            CustomerMetadataProperties={"RegisteredBy": by},
        )["ModelPackageArn"]
        sagemaker.update_model_package(
            ModelPackageArn=made, ModelApprovalStatus="Approved", ApprovalDescription="it is better"
        )
        return str(made)

    def approve(self, package: str) -> dict[str, Any]:
        """What the deployment of a version came to."""
        given = {"detail": {"ModelPackageArn": package}}
        return self.end(self.start(self.machines[names.model_deployment(LAB)], given))

    def serves(self) -> str:
        """The artifact that the stack says it serves."""
        [stack] = self.cloudformation.describe_stacks(StackName=names.endpoint_stack(LAB))["Stacks"]
        return str(stack["Outputs"][0]["OutputValue"])

    def processing(self, name: str, output: str) -> dict[str, Any]:
        """The request of a job that hands on what the test has written, or fails with its sentence."""
        fails = f"mkdir -p /opt/ml/output; cp {_IN}/{name}.txt /opt/ml/output/message; exit 1"
        script = f"[ ! -f {_IN}/{name}.txt ] || {{ {fails}; }}; cp {_IN}/{name}.json {_OUT}/"
        return {
            "AppSpecification": {"ImageUri": TRAINING_IMAGE, "ContainerEntrypoint": ["/bin/sh", "-c", script]},
            "ProcessingInputs": [
                {
                    "InputName": "answers",
                    "S3Input": {
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                        "S3Uri": ANSWERS,
                        "LocalPath": _IN,
                    },
                }
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": name,
                        "S3Output": {"LocalPath": _OUT, "S3UploadMode": "EndOfJob", "S3Uri": output},
                    }
                ]
            },
            "ProcessingResources": {"ClusterConfig": CLUSTER},
            "RoleArn": self.account.role,
        }

    def training(self) -> dict[str, Any]:
        """The request of a job that leaves an empty model, fails with the test's sentence, or lasts."""
        place = "/opt/ml/input/data/answers"
        script = (
            f"[ ! -f {place}/slow ] || sleep 600; [ ! -f {place}/training.txt ] || "
            f"{{ cp {place}/training.txt /opt/ml/output/failure; exit 1; }}; touch /opt/ml/model/model"
        )
        source = {"S3DataType": "S3Prefix", "S3Uri": ANSWERS}
        return {
            "AlgorithmSpecification": {
                "TrainingImage": TRAINING_IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["/bin/sh", "-c", script],
            },
            "InputDataConfig": [{"ChannelName": "answers", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{LAB}/training"},
            "ResourceConfig": CLUSTER,
            "RoleArn": self.account.role,
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        }

    def answers(self, snapshot: dict[str, Any], comparison: dict[str, Any], /, **files: str) -> None:
        """Write what the jobs find; `files` by their stems are the sentences with which they fail."""
        for key in self.account.keys(f"{LAB}/answers/"):
            self.account.s3.delete_object(Bucket=BUCKET, Key=key)
        self.account.put(f"{LAB}/answers/snapshot.json", json.dumps(snapshot).encode())
        self.account.put(f"{LAB}/answers/comparison.json", json.dumps(comparison).encode())
        for name, sentence in files.items():
            self.account.put(f"{LAB}/answers/{name}.txt" if sentence else f"{LAB}/answers/{name}", sentence.encode())

    def start(self, machine: str, given: dict[str, Any]) -> str:
        """Start an execution; its ARN."""
        return str(self.states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"])

    def end(self, execution: str) -> dict[str, Any]:
        """What it came to: its status, its outcome and its sentence."""

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.states.describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        found = until(ended, seconds=300)
        output = json.loads(found["output"]) if found["status"] == "SUCCEEDED" else {"sentence": found.get("cause", "")}
        return {"status": found["status"], **output}

    def run(self, *, by: str = "a test") -> dict[str, Any]:
        """What one run came to."""
        given = {"by": by} if by else {"detail": {"object": {"key": "data/x"}}}
        return self.end(self.start(self.machines[names.retraining(LAB)], given))

    def told(self) -> list[str]:
        """What the topic has heard since it was asked last."""
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(str(json.loads(message["Body"])["Message"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def parameters(self) -> set[str]:
        """What runs have left below the lab's path, in the words of `names.retraining_parameter`."""
        found = self.ssm.get_parameters_by_path(Path=f"/{LAB}/retraining", Recursive=True)["Parameters"]
        return {each["Name"].rpartition("/")[2] for each in found}

    def versions(self) -> list[dict[str, Any]]:
        """The versions, newest first."""
        listed = self.account.sagemaker.list_model_packages(ModelPackageGroupName=LAB)["ModelPackageSummaryList"]
        return sorted(listed, key=lambda each: -each["ModelPackageVersion"])


@pytest.fixture(scope="module")
def runs(account: Account, client: Callable[[str], Any]) -> Runs:
    """The lab's state machines."""
    return Runs(account, client)


@pytest.fixture(autouse=True)
def clean(runs: Runs) -> None:
    """No test hears what another one's run has told, nor is its data the last one's."""
    runs.told()
    for name in runs.parameters():
        runs.ssm.delete_parameter(Name=names.retraining_parameter(LAB, name))


def test_what_is_good_enough_waits_for_its_approval(runs: Runs) -> None:
    """With both accuracies in its metadata; the topic hears one sentence, and the turn is given back."""
    runs.retraining()
    runs.answers(SNAPSHOT, COMPARISON)
    found = runs.run()
    version = runs.versions()[0]
    number = version["ModelPackageVersion"]
    assert (found["status"], found["outcome"]) == ("SUCCEEDED", "pending"), found
    assert found["package"] == version["ModelPackageArn"]
    assert version["ModelApprovalStatus"] == "PendingManualApproval"
    assert runs.told() == [found["sentence"]]
    assert found["sentence"] == (
        f"Version {number} of the lab {LAB} waits for approval: 90.00 % of 10 held-out images right, and 80.00 % by "
        f"the model that serves; `./lab models approve {number}` has it serve."
    )
    known = runs.account.sagemaker.describe_model_package(ModelPackageName=found["package"])
    assert known["CustomerMetadataProperties"]["TestAccuracy"] == "0.9"
    assert known["CustomerMetadataProperties"]["ServingAccuracy"] == "0.8"
    assert runs.parameters() == {"data"}


def test_it_is_approved_by_the_run_where_the_setting_says_so(runs: Runs) -> None:
    """With the reason; by an update, whose event tells of it as of anybody's."""
    runs.retraining(approval="automatic")
    runs.answers(SNAPSHOT, COMPARISON)
    found = runs.run()
    assert found["outcome"] == "approved", found
    version = runs.account.sagemaker.describe_model_package(ModelPackageName=found["package"])
    assert version["ModelApprovalStatus"] == "Approved"
    assert version["ApprovalDescription"].startswith("lab.approval is automatic: 90.00 % of 10 held-out images right")


@pytest.mark.parametrize(
    ("settings", "comparison"),
    [
        ({}, {**COMPARISON, "gain": -0.01}),
        ({"gate": 0.2}, COMPARISON),
        ({"gate_per_class": 0.05}, {**COMPARISON, "loss": 0.06}),
    ],
)
def test_what_is_worse_is_stopped_at_the_gate(runs: Runs, settings: dict[str, Any], comparison: dict[str, Any]) -> None:
    """Than the model that serves, than that by the setting, or on one class; no version is made of it."""
    runs.retraining(**settings)
    runs.answers(SNAPSHOT, comparison)
    before = len(runs.versions())
    found = runs.run()
    assert (found["status"], found["outcome"]) == ("SUCCEEDED", "stopped"), found
    assert f"The retraining of the lab {LAB} has stopped its model at the gate" in found["sentence"]
    assert runs.told() == [found["sentence"]]
    assert len(runs.versions()) == before


def test_nothing_new_is_not_trained_with(runs: Runs) -> None:
    """What the model that serves knows; what was tried last, unless somebody asks; what comes to the same model."""
    runs.retraining()
    runs.answers({**SNAPSHOT, "data": "old"}, COMPARISON)
    known = runs.run()
    assert (known["outcome"], runs.told()) == ("nothing-new", [known["sentence"]])
    assert "has learnt from the same images" in known["sentence"]
    runs.answers(SNAPSHOT, {**COMPARISON, "same": True})
    same = runs.run()
    assert "has trained the very model that serves" in same["sentence"]
    tried = runs.run(by="")
    assert "trained with the same images" in tried["sentence"]
    assert runs.told() == [same["sentence"], tried["sentence"]]


@pytest.mark.parametrize(
    ("step", "begins"),
    [
        ("snapshot", "has found no data that it could train with"),
        ("training", "has failed in its training job"),
        ("comparison", "could not compare its model with the one that serves"),
    ],
)
def test_a_failure_at_each_step_is_told_with_its_own_reason(runs: Runs, step: str, begins: str) -> None:
    """The execution has failed for it, and the next run has its turn."""
    runs.retraining()
    runs.answers(SNAPSHOT, COMPARISON, **{step: "photos/2x3 Brick/1.png is no photo"})
    found = runs.run()
    assert found["status"] == "FAILED"
    assert found["sentence"].startswith(f"The retraining of the lab {LAB} {begins}: ")
    assert "photos/2x3 Brick/1.png is no photo" in found["sentence"]
    assert runs.told() == [found["sentence"]]
    assert "run" not in runs.parameters()


def test_a_run_that_begins_in_the_middle_of_another_is_followed_by_one_more(runs: Runs) -> None:
    """It ends at once; what was stopped in the middle, with its job, loses its turn to the next."""
    machine = runs.retraining()
    runs.answers(SNAPSHOT, COMPARISON, slow="")
    first = runs.start(machine, {"by": "a test"})

    def training() -> list[Any]:
        asked = {"NameContains": f"{LAB}-retrain-", "StatusEquals": "InProgress"}
        return list(runs.account.sagemaker.list_training_jobs(**asked)["TrainingJobSummaries"])

    until(training)
    joined = runs.run()
    assert (joined["status"], joined["outcome"]) == ("SUCCEEDED", "joined"), joined
    assert first.rpartition(":")[2] in joined["sentence"]
    assert {"again", "run"} <= runs.parameters()
    runs.states.stop_execution(executionArn=first)
    until(lambda: not training())
    assert runs.told() == []
    runs.answers({**SNAPSHOT, "data": "old"}, COMPARISON)
    assert runs.run()["outcome"] == "nothing-new"
    assert "run" not in runs.parameters()


def test_a_lab_without_an_endpoint_says_what_to_do(runs: Runs) -> None:
    """It is paused: there is nothing to compare with."""
    runs.retraining(hosting="async")  # whose endpoint, another one, is not there
    found = runs.run()
    assert (found["status"], found["outcome"]) == ("SUCCEEDED", "paused"), found
    assert "`./lab resume` brings it back" in found["sentence"]
    assert runs.told() == [found["sentence"]]


def test_an_approved_version_comes_to_the_stack(runs: Runs) -> None:
    """By the parameter that it reads; once is enough, and what no run has registered is left to whoever did."""
    runs.deployment()
    better = runs.account.put(f"{LAB}/better/model.tar.gz", archive(answering(2)))
    package = runs.version(better)
    found = runs.approve(package)
    number = package.rpartition("/")[2]
    assert (found["status"], found["outcome"]) == ("SUCCEEDED", "serves"), found
    assert runs.told() == [f"Version {number} of the lab {LAB} serves: it is better."]
    assert runs.serves() == better
    assert runs.approve(package)["outcome"] == "not-wanted"
    assert runs.approve(runs.version(SERVING, by="somebody"))["outcome"] == "not-wanted"
    assert runs.serves() == better
    assert runs.told() == []


def test_a_version_that_is_rolled_back_is_rejected(runs: Runs) -> None:
    """With the reason; the parameter is what it was, and what served before serves on."""
    runs.deployment()
    before = runs.serves()
    gone = runs.account.put(f"{LAB}/gone/model.tar.gz", archive(answering(3)))
    package = runs.version(gone)
    runs.account.s3.delete_object(Bucket=BUCKET, Key=f"{LAB}/gone/model.tar.gz")
    found = runs.approve(package)
    assert found["status"] == "FAILED"
    assert "does not serve, and is rejected; what served before serves on" in found["sentence"]
    assert runs.told() == [found["sentence"]]
    version = runs.account.sagemaker.describe_model_package(ModelPackageName=package)
    assert version["ModelApprovalStatus"] == "Rejected"
    assert version["ApprovalDescription"].startswith("The endpoint was rolled back: ")
    assert runs.ssm.get_parameter(Name=runs.artifact)["Parameter"]["Value"] == runs.serves() == before
