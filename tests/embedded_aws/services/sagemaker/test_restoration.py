"""What ran when the embedded AWS was killed is as on AWS after its instances were lost, or comes back."""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws import documents, gateway
from tests.embedded_aws.account import BUCKET, CLUSTER, TRAINING_IMAGE, Account, answering, python, until
from tests.embedded_aws.home import Home
from tests.embedded_aws.jupyter import Jupyter
from tests.embedded_aws.services.sagemaker import calls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOST = "InternalServerError: We encountered an internal error. Please try again."
SLEEP = 'import time\nprint("score=0.5", flush=True)\ntime.sleep(100)'
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SLEEP}"
SPOT = {"MaxRuntimeInSeconds": 120, "MaxWaitTimeInSeconds": 240}
# Counts to six, a checkpoint a number, and waits at three for its instances to be lost.
COUNTING = """
import pathlib, time
done = pathlib.Path("/opt/ml/checkpoints/done")
last = int(done.read_text()) if done.exists() else 0
for number in range(last + 1, 7):
    print("number", number, flush=True)
    done.with_name("new").write_text(str(number))
    done.with_name("new").replace(done)
    while number == 3 and not last:
        time.sleep(0.1)
"""
GROUP = "/aws/sagemaker/TrainingJobs"
VOLUME = "/home/ec2-user/SageMaker"
QUOTA = "ml.m5.large for training job usage"


def slow() -> dict[str, bytes]:
    """The files of a model that takes its time to load."""
    files = answering(3.0)
    return {**files, "code/inference.py": b"import time\ntime.sleep(2)\n" + files["code/inference.py"]}


class Lab:
    """An embedded AWS with something of each kind that runs, and what was told of what came back of it."""

    def __init__(self, folder: Path) -> None:
        self.aws = Home(folder, pace=0.1)
        self.account = Account(self.aws.client)
        self.jobs: dict[str, str] = {}
        self.endpoints: dict[str, str] = {}
        self.told = ""
        self.first_answer: Any = None  # of the endpoint that served, asked at once

    @property
    def sagemaker(self) -> Any:
        """A client of the embedded AWS that runs now."""
        return self.account.sagemaker

    def kill(self) -> None:
        """Kill it, and start it again, a spot job's longest wait later."""
        self.aws.end()
        with contextlib.closing(sqlite3.connect(self.aws.home / "state" / "state.db")) as kept, kept:
            [(text,)] = kept.execute("SELECT members FROM sagemaker_records WHERE name = ?", (self.jobs["late"],))
            members = documents.read(text)
            members["CreationTime"] -= timedelta(seconds=SPOT["MaxWaitTimeInSeconds"])
            update = "UPDATE sagemaker_records SET members = ? WHERE name = ?"
            kept.execute(update, (documents.write(members), self.jobs["late"]))
        self.aws.begin()
        self._find()

    def stop(self) -> None:
        """End it in order, and start it again."""
        gateway.stop(self.aws.home)
        before = gateway.kept(self.aws.home)
        self.aws.begin()
        self._find()
        assert before
        self.told = gateway.what_came_back(self.aws.running, before)

    def _find(self) -> None:
        for name in ("s3", "iam", "sts", "logs", "cloudwatch", "sagemaker"):
            setattr(self.account, name, self.aws.client(name))
        self.account.runtime = self.aws.client("sagemaker-runtime")

    def start_jobs(self) -> None:
        """Start a job of each type, and training jobs of each sort."""
        account, start = self.account, self.account.start_job
        pooled = {**CLUSTER, "VolumeSizeInGB": 7, "KeepAlivePeriodInSeconds": 600}
        self.jobs["pooled"] = start(program="print(1)", ResourceConfig=pooled)
        self.jobs["plain"] = start(program=SLEEP, Tags=[{"Key": "seat", "Value": "seat-01"}])
        self.jobs["stopping"] = start(program=STUBBORN)
        spot: dict[str, Any] = {"EnableManagedSpotTraining": True, "StoppingCondition": SPOT}
        checkpoints: dict[str, Any] = {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/spot"}}
        self.jobs["spot"] = start(program=COUNTING, **spot, **checkpoints)
        self.jobs["late"] = start(program=SLEEP, **spot, **checkpoints)
        self.jobs["without checkpoints"] = start(program=SLEEP, **spot)
        self.jobs["processing"] = account.start_processing(SLEEP.encode())
        calls.tuning_job(
            self.sagemaker,
            ranges={"CategoricalParameterRanges": [{"Name": "quality", "Values": ["1", "2"]}]},
            most=2,
            static=account.source({"train.py": SLEEP.encode()}),
            AlgorithmSpecification={
                "TrainingImage": TRAINING_IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*)"}],
            },
            RoleArn=account.role,
            OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/training"},
        )

    def start_pipeline(self) -> None:
        """Start a pipeline with a training job that can be tried again, and a question that nobody has answered."""
        queue = self.aws.client("sqs").create_queue(QueueName="asked")["QueueUrl"]
        train = calls.endless(
            "Train",
            arguments={
                "RoleArn": self.account.role,
                "AlgorithmSpecification": {
                    "TrainingImage": TRAINING_IMAGE,
                    "TrainingInputMode": "File",
                    "ContainerEntrypoint": python("import time; time.sleep(100)"),
                },
                "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/training"},
            },
            RetryPolicies=[{"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "MaxAttempts": 1}],
        )
        ask = {"Name": "Ask", "Type": "Callback", "SqsQueueUrl": queue, "Arguments": {}}
        then = {
            "Name": "Then",
            "Type": "Condition",
            "DependsOn": ["Ask"],
            "Arguments": {"Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]},
        }
        calls.pipeline(self.sagemaker, "kept", steps=[train, ask, then], RoleArn=self.account.role)
        self.execution = self.sagemaker.start_pipeline_execution(PipelineName="kept")["PipelineExecutionArn"]
        until(lambda: [*self.steps().values()].count("Executing") == 2)

    def steps(self) -> dict[str, str]:
        """The statuses of the pipeline's steps, with the attempts of each."""
        answer = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=self.execution)
        self.attempts = {each["StepName"]: each.get("AttemptCount") for each in answer["PipelineExecutionSteps"]}
        self.metadata = {each["StepName"]: each["Metadata"] for each in answer["PipelineExecutionSteps"]}
        return {each["StepName"]: each["StepStatus"] for each in answer["PipelineExecutionSteps"]}

    def start_notebook(self, name: str, **hooks: str) -> None:
        """Create a notebook instance with these scripts."""
        encoded = {hook: [{"Content": base64.b64encode(text.encode()).decode()}] for hook, text in hooks.items()}
        calls.lifecycle(self.sagemaker, name, **encoded)
        calls.notebook(self.sagemaker, name, RoleArn=self.account.role, LifecycleConfigName=name)

    def volume(self, notebook: str) -> Path:
        """A notebook instance's volume."""
        [found] = (self.aws.home / "state" / "notebooks").glob(f"{notebook}-*")
        return found / VOLUME.lstrip("/")

    def status(self, notebook: str) -> str:
        """A notebook instance's status."""
        return str(self.sagemaker.describe_notebook_instance(NotebookInstanceName=notebook)["NotebookInstanceStatus"])

    def trained(self, job: str) -> dict[str, Any]:
        """DescribeTrainingJob."""
        return dict(self.sagemaker.describe_training_job(TrainingJobName=self.jobs[job]))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One that was killed with all of it at work."""
    made = Lab(tmp_path_factory.mktemp("killed"))
    try:
        _ask(made.aws)
        made.start_jobs()
        made.start_pipeline()
        made.start_notebook("seat", OnCreate=f"echo x >> {VOLUME}/created", OnStart=f"echo x >> {VOLUME}/started")
        for name in ("idle", "doomed"):
            made.start_notebook(name)
        slower, quicker = _serve(made)
        _settle(made)
        # What is under way for a moment only comes last.
        made.start_notebook("young", OnCreate=f"echo x >> {VOLUME}/created; sleep 3")
        until(lambda: list((made.aws.home / "state" / "notebooks").glob(f"young-*{VOLUME}/created")))
        sagemaker = made.sagemaker
        sagemaker.update_endpoint(EndpointName=made.endpoints["updating"], EndpointConfigName=slower)
        sagemaker.create_endpoint(EndpointName="creating", EndpointConfigName=quicker)
        sagemaker.stop_training_job(TrainingJobName=made.jobs["stopping"])
        sagemaker.delete_endpoint(EndpointName=made.endpoints["deleting"])
        sagemaker.delete_notebook_instance(NotebookInstanceName="doomed")
        sagemaker.stop_notebook_instance(NotebookInstanceName="idle")
        _transform(made, slower)
        made.kill()
        made.first_answer = made.account.invoke(made.endpoints["served"], [1, 2, 3])
        yield made
    finally:
        gateway.forget(made.aws.home)


def _ask(aws: Home) -> None:
    """Have a quota increased, and a rule hear of all."""
    quotas, sqs, events = map(aws.client, ("service-quotas", "sqs", "events"))
    pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    [code] = [each["QuotaCode"] for page in pages for each in page["Quotas"] if each["QuotaName"] == QUOTA]
    quotas.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=code, DesiredValue=1234)
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    events.put_rule(Name="told", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])


def _serve(lab: Lab) -> tuple[str, str]:
    """Bring endpoints up whose configuration and model are gone then; return configurations of others."""
    account = lab.account
    model = account.model(answering(2.0))
    container = lab.sagemaker.describe_model(ModelName=model)["PrimaryContainer"]
    lab.sagemaker.create_model(ModelName="two", Containers=[container] * 2, ExecutionRoleArn=account.role)
    shadow = {**calls.variant("two"), "VariantName": "shadow", "InitialInstanceCount": 1}
    config = account.config(model)
    shadowed = account.config(model, ShadowProductionVariants=[shadow])
    for name, served in {"served": shadowed, "updating": config, "deleting": config}.items():
        lab.endpoints[name] = f"endpoint-{name}"
        lab.sagemaker.create_endpoint(EndpointName=lab.endpoints[name], EndpointConfigName=served)
    for endpoint in lab.endpoints.values():
        account.settled(endpoint)
    lab.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    for name in (model, "two"):
        lab.sagemaker.delete_model(ModelName=name)
    return account.config(account.model(slow())), account.config(account.model(answering(1.0)))


def _transform(lab: Lab, config: str) -> None:
    """Start a transform job of a configuration's model."""
    [variant] = lab.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    uri = lab.account.put("rows/one.csv", b"1,2,3\n")
    lab.sagemaker.create_transform_job(
        TransformJobName="transform",
        ModelName=variant["ModelName"],
        TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/scores"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )


def _settle(lab: Lab) -> None:
    """Wait until jobs run and notebook instances are in service, and put a file on one's volume."""
    account, sagemaker = lab.account, lab.sagemaker
    for name in ("seat", "idle", "doomed"):
        until(partial(_is_in_service, lab, name))
    (lab.volume("seat") / "work.txt").write_text("a week of it")
    sagemaker.stop_notebook_instance(NotebookInstanceName="doomed")
    until(lambda: lab.status("doomed") == "Stopped")
    for name in ("plain", "stopping", "late", "without checkpoints"):
        until(partial(account.printed, GROUP, lab.jobs[name]))
    until(lambda: account.keys("spot/done") and account.get(f"s3://{BUCKET}/spot/done") == b"3")
    tuning = {"HyperParameterTuningJobName": "tuning"}
    until(lambda: sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**tuning)["TrainingJobSummaries"])
    assert lab.trained("pooled")["WarmPoolStatus"]["Status"] == "Available"


def _is_in_service(lab: Lab, notebook: str) -> bool:
    return lab.status(notebook) == "InService"


def test_jobs_whose_instances_are_lost_fail(lab: Lab) -> None:
    """In AWS's words, with an end and the time until then; what was to stop has stopped, and pools are gone."""
    for name in ("plain", "without checkpoints"):
        failed = lab.trained(name)
        assert (failed["TrainingJobStatus"], failed["FailureReason"]) == ("Failed", LOST)
        assert [each["Status"] for each in failed["SecondaryStatusTransitions"]] == [
            "Starting",
            "Downloading",
            "Training",
            "Failed",
        ]
        assert all("EndTime" in each for each in failed["SecondaryStatusTransitions"])
        took = (failed["TrainingEndTime"] - failed["TrainingStartTime"]).total_seconds()
        assert took <= failed["TrainingTimeInSeconds"] <= took + 2
    assert lab.sagemaker.list_tags(ResourceArn=lab.trained("plain")["TrainingJobArn"])["Tags"] == [
        {"Key": "seat", "Value": "seat-01"}
    ]
    stopped = lab.trained("stopping")
    assert (stopped["TrainingJobStatus"], stopped.get("FailureReason")) == ("Stopped", None)
    assert lab.trained("pooled")["WarmPoolStatus"]["Status"] == "Terminated"
    processing = lab.sagemaker.describe_processing_job(ProcessingJobName=lab.jobs["processing"])
    assert (processing["ProcessingJobStatus"], processing["FailureReason"]) == ("Failed", LOST)
    assert processing["ProcessingEndTime"] >= processing["ProcessingStartTime"]
    transform = lab.sagemaker.describe_transform_job(TransformJobName="transform")
    assert (transform["TransformJobStatus"], transform["FailureReason"]) == ("Failed", LOST)


def test_a_tuning_job_goes_on_with_other_training_jobs(lab: Lab) -> None:
    """It is no instance's; its counters say that AWS would have tried again what was lost."""
    tuning = {"HyperParameterTuningJobName": "tuning"}

    def statuses() -> list[str]:
        listed = lab.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**tuning)["TrainingJobSummaries"]
        return [each["TrainingJobStatus"] for each in listed]

    until(lambda: statuses() == ["Failed", "InProgress"])
    counters = lab.sagemaker.describe_hyper_parameter_tuning_job(**tuning)["TrainingJobStatusCounters"]
    assert (counters["RetryableError"], counters["InProgress"]) == (1, 1)
    lab.sagemaker.stop_hyper_parameter_tuning_job(**tuning)
    until(lambda: statuses() == ["Failed", "Stopped"])


def test_a_spot_job_goes_on_from_its_checkpoint(lab: Lab) -> None:
    """It was interrupted, as spot jobs are, and loses and repeats nothing."""
    ended = lab.account.end_of(lab.jobs["spot"])
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    first = ["Starting", "Downloading", "Training"]
    passed = [each["Status"] for each in ended["SecondaryStatusTransitions"]]
    assert passed == [*first, "Interrupted", *first, "Uploading", "Completed"]
    assert sorted(lab.account.lines(GROUP, lab.jobs["spot"])) == [f"number {number}" for number in range(1, 7)]


def test_a_spot_job_whose_time_was_over_meanwhile_has_stopped(lab: Lab) -> None:
    """It is not started again: its longest wait goes on while nothing runs."""
    ended = lab.account.end_of(lab.jobs["late"])
    assert (ended["TrainingJobStatus"], ended["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert "FailureReason" not in ended


def test_a_pipeline_execution_goes_on(lab: Lab) -> None:
    """Its lost job is tried again as its policy says; who is asked can answer, and what waits for that follows."""
    until(lambda: lab.steps()["Train"] == "Executing" and lab.attempts["Train"] == 2)
    token = lab.metadata["Ask"]["Callback"]["CallbackToken"]
    lab.sagemaker.send_pipeline_execution_step_success(CallbackToken=token)
    until(lambda: lab.steps().get("Then") == "Succeeded")
    lab.sagemaker.stop_pipeline_execution(PipelineExecutionArn=lab.execution)

    def status() -> str:
        answer = lab.sagemaker.describe_pipeline_execution(PipelineExecutionArn=lab.execution)
        return str(answer["PipelineExecutionStatus"])

    until(lambda: status() == "Stopped")
    assert lab.steps() == {"Train": "Stopped", "Ask": "Succeeded", "Then": "Succeeded"}


def test_endpoints_serve_again(lab: Lab) -> None:
    """Those that served do, with what they served, though configuration and model are gone; an update goes on.

    Who asks at once waits for the answer.
    """
    assert lab.first_answer == {"predictions": [[12.0]]}
    served = lab.account.settled(lab.endpoints["served"])
    assert served["EndpointStatus"] == "InService", served.get("FailureReason")
    assert served["ProductionVariants"][0]["VariantName"] == "v0"
    [shadow] = served["ShadowProductionVariants"]
    assert (shadow["CurrentInstanceCount"], len(shadow["DeployedImages"])) == (1, 2)
    for name, factor in (("updating", 3), ("creating", 1)):
        endpoint = lab.endpoints.get(name, name)
        settled = lab.account.settled(endpoint)
        assert settled["EndpointStatus"] == "InService", settled.get("FailureReason")
        assert "PendingDeploymentSummary" not in settled
        assert lab.account.invoke(endpoint, [1, 2, 3]) == {"predictions": [[6.0 * factor]]}
    until(lambda: len(lab.sagemaker.list_endpoints()["Endpoints"]) == 3)


def test_notebook_instances_find_their_volumes(lab: Lab) -> None:
    """In service if they were, with all files; OnCreate does not run again, OnStart does when it is opened."""
    assert lab.status("seat") == "InService"
    assert lab.status("idle") == "Stopped"
    opened = Jupyter(lab.sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName="seat")["AuthorizedUrl"])
    assert opened.ask("GET", "/api/contents/work.txt")[1]["content"] == "a week of it"
    assert (lab.volume("seat") / "created").read_text() == "x\n"
    assert (lab.volume("seat") / "started").read_text() == "x\nx\n"


def test_a_notebook_instance_that_was_being_created_is_created_anew(lab: Lab) -> None:
    """Nobody has seen it: its OnCreate script runs as if for the first time. One that was being deleted is gone."""
    until(lambda: lab.status("young") == "InService")
    assert (lab.volume("young") / "created").read_text() == "x\n"
    until(lambda: not lab.sagemaker.list_notebook_instances(NameContains="doomed")["NotebookInstances"])
    assert not list((lab.aws.home / "state" / "notebooks").glob("doomed-*"))


def test_rules_hear_of_what_was_lost(lab: Lab) -> None:
    """An event tells each change, as of any other."""
    sqs = lab.aws.client("sqs")
    queue = sqs.get_queue_url(QueueName="told")["QueueUrl"]

    def failed() -> bool:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        details = [json.loads(each["Body"])["detail"] for each in messages]
        return any(
            each.get("TrainingJobName") == lab.jobs["plain"] and each["TrainingJobStatus"] == "Failed"
            for each in details
        )

    until(failed)


def test_a_granted_quota_stays(lab: Lab) -> None:
    """Nobody has to ask for it again."""
    asked = lab.aws.client("service-quotas").list_requested_service_quota_change_history()["RequestedQuotas"]
    assert [(each["QuotaName"], each["DesiredValue"]) for each in asked] == [(QUOTA, 1234.0)]


def test_an_end_in_order_is_no_other_end(lab: Lab) -> None:
    """After a stop, too, jobs that ran have failed and endpoints serve; who starts it is told what is lost."""
    job = lab.account.start_job(program=SLEEP)
    until(lambda: lab.account.printed(GROUP, job))
    for name in (lab.endpoints["updating"], "creating"):
        lab.sagemaker.delete_endpoint(EndpointName=name)
    lab.stop()
    assert lab.told.endswith(f"; all is back but training job {job}.")
    assert "killed" not in lab.told
    assert lab.account.end_of(job)["FailureReason"] == LOST
    assert lab.account.invoke(lab.endpoints["served"], [1, 2, 3]) == {"predictions": [[12.0]]}
    until(lambda: len(lab.sagemaker.list_endpoints()["Endpoints"]) == 1)
    listed = lab.sagemaker.list_training_jobs(SortBy="CreationTime", SortOrder="Ascending")["TrainingJobSummaries"]
    names = [each["TrainingJobName"] for each in listed if each["TrainingJobName"] != lab.jobs["late"]]
    assert names[:2] == [lab.jobs["pooled"], lab.jobs["plain"]]
