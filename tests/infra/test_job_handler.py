"""The handler of jobs, driven with CloudFormation's events; SageMaker and S3 answer as botocore's stubs."""

from __future__ import annotations

import hashlib
import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from infra.handlers.job.handler import JobResource
from infra.handlers.job.request import identity, resource_mark
from infra.handlers.job.training import TrainingJobs
from tests.embedded_aws.account import archive

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

    from tests.infra.conftest import Clock

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/bricklab-training/5f0c1f10"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:training-job/"
ARTIFACT = "s3://bucket/training/job/output/model.tar.gz"
RECEIPT = b'{"weights_sha256": "ab"}'
LAB_TAG = {"Key": "bricklab:lab", "Value": "bricklab"}
BIRTH = datetime.fromtimestamp(0, UTC)  # when every job here was made, and the clock begins
NOT_FOUND = ("ValidationException", "Requested resource not found.")


def as_cloudformation_sends(value: Any) -> Any:
    """Intrinsic functions resolved to some text, numbers and booleans as strings."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref")):
            return "arn:aws:iam::111122223333:role/stand-in"
        return {key: as_cloudformation_sends(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_cloudformation_sends(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture(scope="session")
def properties(templates: dict[str, Any]) -> dict[str, Any]:
    """The resource's properties, as the synthesised template has them."""
    [resource] = [
        item for item in templates["bricklab-training"]["Resources"].values() if item["Type"] == "Custom::TrainingJob"
    ]
    return dict(as_cloudformation_sends(resource["Properties"]))


class Driver:
    """A handler with stubbed clients, and CloudFormation's events for it."""

    def __init__(self, session: boto3.Session, properties: dict[str, Any], clock: Clock) -> None:
        self.sagemaker, self.s3 = session.client("sagemaker"), session.client("s3")
        self.on_sagemaker, self.on_s3 = Stubber(self.sagemaker), Stubber(self.s3)
        self.properties = properties
        self.clock = clock
        self.handler = JobResource(TrainingJobs(self.sagemaker, self.s3, now=clock.now, sleep=clock.sleep))

    def event(self, kind: str, **more: Any) -> dict[str, Any]:
        """An event as CDK's framework passes it on."""
        event = {
            "RequestType": kind,
            "ServiceToken": "arn:aws:lambda:eu-west-1:111122223333:function:framework-onEvent",
            "ResponseURL": "...",
            "StackId": STACK,
            "RequestId": "8f5d",
            "LogicalResourceId": "JobB9D00F9F",
            "ResourceType": "Custom::TrainingJob",
            "ResourceProperties": self.properties,
            **more,
        }
        return event if kind == "Create" else {"PhysicalResourceId": self.prefix, **event}

    @property
    def mark(self) -> str:
        """What every job of this resource has in its name."""
        return str(resource_mark({"StackId": STACK, "LogicalResourceId": "JobB9D00F9F"}))

    @property
    def prefix(self) -> str:
        """The physical id."""
        return f"bricklab-{self.mark}"

    @property
    def job(self) -> str:
        """The name of the first attempt at the training of `properties`."""
        return f"{self.prefix}-{identity(self.properties)}"

    def listed(self, *jobs: tuple[str, str]) -> None:
        """Expect a listing; answer these jobs and their status."""
        summaries = [
            {"TrainingJobName": name, "TrainingJobArn": ARN + name, "TrainingJobStatus": status, "CreationTime": BIRTH}
            for name, status in jobs
        ]
        expected = {"NameContains": f"-{self.mark}-"}
        self.on_sagemaker.add_response("list_training_jobs", {"TrainingJobSummaries": summaries}, expected)

    def described(self, name: str, status: str, **more: Any) -> None:
        """Expect a description; answer a job of this status."""
        job = {
            "TrainingJobName": name,
            "TrainingJobArn": ARN + name,
            "TrainingJobStatus": status,
            "SecondaryStatus": status if status != "InProgress" else "Training",
            "ModelArtifacts": {"S3ModelArtifacts": ARTIFACT},
            "StoppingCondition": {"MaxRuntimeInSeconds": 900},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "CreationTime": BIRTH,
            **more,
        }
        self.on_sagemaker.add_response("describe_training_job", job, {"TrainingJobName": name})

    def missing(self, name: str) -> None:
        """Expect a description; answer that there is no such job."""
        self.refused("describe_training_job", *NOT_FOUND, TrainingJobName=name)

    def refused(self, operation: str, code: str, message: str = "", **expected: Any) -> None:
        """Expect a call; answer an error."""
        self.on_sagemaker.add_client_error(operation, code, message, expected_params=expected or None)

    def tagged(self, *tags: dict[str, str]) -> None:
        """Expect a look at the tags."""
        self.on_sagemaker.add_response("list_tags", {"Tags": list(tags)}, {"ResourceArn": ANY})

    def created(self, name: str) -> None:
        """Expect the job to be made."""
        expected = dict.fromkeys(self.properties["Request"], ANY) | {"TrainingJobName": name}
        self.on_sagemaker.add_response("create_training_job", {"TrainingJobArn": ARN + name}, expected)

    def stopped(self, name: str) -> None:
        """Expect the job to be stopped."""
        self.on_sagemaker.add_response("stop_training_job", {}, {"TrainingJobName": name})

    def forgotten(self, name: str) -> None:
        """Expect the job's record to be deleted."""
        self.on_sagemaker.add_response("delete_training_job", {}, {"TrainingJobName": name})

    def completes(self, name: str) -> None:
        """Expect a description and a look for the artifact; answer a job that has trained."""
        self.described(name, "Completed")
        self.artifact()

    def artifact(self, *, there: bool = True) -> None:
        """Expect a look for the artifact."""
        contents = {"Contents": [{"Key": "training/job/output/model.tar.gz"}]} if there else {}
        expected = {"Bucket": "bucket", "Prefix": "training/job/output/model.tar.gz", "MaxKeys": 1}
        self.on_s3.add_response("list_objects_v2", contents, expected)

    def on_event(self, kind: str, **more: Any) -> dict[str, Any]:
        """What the handler answers first."""
        return dict(self.handler.on_event(self.event(kind, **more)))

    def is_complete(self, kind: str, **more: Any) -> dict[str, Any]:
        """What the handler answers when it is asked again."""
        return dict(self.handler.is_complete(self.event(kind, **{"TrainingJobName": self.job, "Since": 0, **more})))


@pytest.fixture
def driver(session: boto3.Session, properties: dict[str, Any], clock: Clock) -> Iterator[Driver]:
    """A driver whose every expected call has been made when the test ends."""
    driver = Driver(session, properties, clock)
    with driver.on_sagemaker, driver.on_s3:
        yield driver
        driver.on_sagemaker.assert_no_pending_responses()
        driver.on_s3.assert_no_pending_responses()


def first_request(driver: Driver) -> dict[str, Any]:
    """What SageMaker is sent by a first deployment."""
    sent: list[dict[str, Any]] = []
    driver.sagemaker.meta.events.register(
        "provide-client-params.sagemaker.CreateTrainingJob", lambda params, **_: sent.append(params)
    )
    driver.missing(driver.job)
    driver.created(driver.job)
    driver.completes(driver.job)
    driver.is_complete("Create")
    [request] = sent
    return request


def test_create_starts_a_job(driver: Driver) -> None:
    """A first deployment names the job, as SageMaker takes it, and starts it when the framework waits for it already.

    A function that ends after CreateTrainingJob without an answer is followed by a Delete so, which stops the job.
    """
    driver.listed()
    driver.missing(driver.job)
    answer = driver.on_event("Create")
    assert answer == {"PhysicalResourceId": driver.prefix, "TrainingJobName": driver.job, "Since": 0}
    driver.missing(driver.job)
    driver.created(driver.job)
    driver.completes(driver.job)
    assert driver.is_complete("Create", **answer)["IsComplete"] is True
    assert re.fullmatch(r"bricklab-[0-9a-f]{8}-[0-9a-f]{16}", driver.job)


def test_numbers_and_booleans_are_given_back_their_types(driver: Driver) -> None:
    """CloudFormation sends "900" and "true"; SageMaker gets 900 and True."""
    request = first_request(driver)
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 900}
    assert request["EnableNetworkIsolation"] is False
    assert request["EnableInterContainerTrafficEncryption"] is True
    assert request["HyperParameters"]["epochs"] == "10"


def test_a_job_has_its_own_place_for_checkpoints(driver: Driver) -> None:
    """A job that goes on from another's checkpoint, even an earlier attempt's, would not be the training asked for."""
    request = first_request(driver)
    output = driver.properties["Request"]["OutputDataConfig"]["S3OutputPath"]
    assert request["CheckpointConfig"] == {"S3Uri": f"{output}/{driver.job}/checkpoints"}


def test_a_training_is_the_same_wherever_it_may_read(driver: Driver) -> None:
    """Another role or bucket is no reason to train again; another number of epochs is."""
    first = identity(driver.properties)
    other_role = {**driver.properties, "Request": {**driver.properties["Request"], "RoleArn": "other"}}
    assert identity(other_role) == first
    epochs = {**driver.properties["Identity"]["HyperParameters"], "epochs": "11"}
    other_epochs = {**driver.properties["Identity"], "HyperParameters": epochs}
    assert identity({**driver.properties, "Identity": other_epochs}) != first


@pytest.mark.parametrize("status", ["Completed", "Stopped"])
def test_a_finished_job_is_adopted(driver: Driver, status: str) -> None:
    """A rollback finds the job that has trained already, and trains nothing."""
    driver.listed((driver.job, status))
    driver.described(driver.job, status)
    driver.tagged(LAB_TAG)
    driver.artifact()
    assert driver.on_event("Update")["TrainingJobName"] == driver.job


def test_a_running_job_is_adopted(driver: Driver) -> None:
    """A second call for the same event finds the job that the first has started."""
    driver.listed((driver.job, "InProgress"))
    driver.described(driver.job, "InProgress")
    driver.tagged(LAB_TAG)
    assert driver.on_event("Create")["TrainingJobName"] == driver.job


@pytest.mark.parametrize("status", ["Failed", "Stopping"])
def test_a_failed_job_is_tried_again(driver: Driver, status: str) -> None:
    """A name is used once, so the second attempt has `-2` behind it."""
    driver.listed((driver.job, status))
    driver.described(driver.job, status)
    driver.tagged(LAB_TAG)
    driver.missing(f"{driver.job}-2")
    assert driver.on_event("Update")["TrainingJobName"] == f"{driver.job}-2"


def test_a_lost_artifact_is_trained_anew(driver: Driver) -> None:
    """A completed job whose artifact was deleted is worth nothing."""
    driver.listed((driver.job, "Completed"))
    driver.described(driver.job, "Completed")
    driver.tagged(LAB_TAG)
    driver.artifact(there=False)
    driver.missing(f"{driver.job}-2")
    assert driver.on_event("Update")["TrainingJobName"] == f"{driver.job}-2"


@pytest.mark.parametrize("tags", [(), ({"Key": "bricklab:lab", "Value": "other"},)])
def test_a_foreign_job_is_not_adopted(driver: Driver, tags: tuple[dict[str, str], ...]) -> None:
    """A job with our name and without our tag is somebody else's."""
    driver.listed()
    driver.described(driver.job, "Completed")
    driver.tagged(*tags)
    with pytest.raises(Exception, match=f"There is a training job {driver.job} that the lab bricklab did not make"):
        driver.on_event("Create")


def test_a_race_for_the_name_is_won_by_both(driver: Driver) -> None:
    """ResourceInUse means that another call was faster, or this one's answer lost: its job is the one to wait for."""
    driver.missing(driver.job)
    driver.refused("create_training_job", "ResourceInUse", "exists")
    driver.completes(driver.job)
    assert driver.is_complete("Create")["IsComplete"] is True


def test_a_job_that_somebody_deletes_is_not_started_again(driver: Driver) -> None:
    """Long after the request a job that is not there has been, and it is told that it is gone."""
    driver.clock.time = 180
    driver.missing(driver.job)
    with pytest.raises(Exception, match=f"There is no training job {driver.job}: .* somebody has deleted it"):
        driver.is_complete("Create")


@pytest.mark.parametrize(
    "message",
    [
        "Could not assume role arn:aws:iam::1:role/r. Please ensure that the role exists",
        "Access denied to OutputDataConfig S3 bucket: bucket",
        "Unauthorized to List objects under S3 URL: s3://bucket/data/",
        (
            "User: arn:aws:sts::1:assumed-role/r/SageMaker is not authorized to perform: s3:ListBucket on resource: "
            '"arn:aws:s3:::bucket" because no identity-based policy allows the s3:ListBucket action'
        ),
        "Access denied for repository: tensorflow-training",
    ],
)
def test_a_fresh_role_is_waited_for(driver: Driver, message: str) -> None:
    """A role made a moment ago is tried again every five seconds."""
    for _ in range(2):
        driver.missing(driver.job)
        driver.refused("create_training_job", "ValidationException", message)
    driver.missing(driver.job)
    driver.created(driver.job)
    driver.completes(driver.job)
    assert driver.is_complete("Create")["IsComplete"] is True
    assert driver.clock.time == 11


def test_a_role_that_never_works_is_an_error(driver: Driver) -> None:
    """After two minutes the refusal is told as it is."""
    for _ in range(26):
        driver.missing(driver.job)
        driver.refused("create_training_job", "ValidationException", "Could not assume role r")

    def asked_again() -> None:
        while not driver.is_complete("Create")["IsComplete"]:
            driver.clock.sleep(0)

    with pytest.raises(Exception, match=r"SageMaker did not take the training job .*Could not assume role r"):
        asked_again()
    assert driver.clock.time > 120


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ResourceLimitExceeded", "no quota left for a training job on ml.m5.large .* ask for more in Service Quotas"),
        ("ThrottlingException", "throttling this account's calls .* wait a minute"),
        ("AccessDeniedException", "SageMaker did not take the training job"),
    ],
)
def test_refusals_are_told_apart(driver: Driver, code: str, sentence: str) -> None:
    """A quota, throttling and all else have each their own sentence and next step."""
    driver.clock.time = 121  # until then it is asked again by whom SageMaker throttles
    driver.missing(driver.job)
    driver.refused("create_training_job", code, "as it says")
    with pytest.raises(Exception, match=sentence) as caught:
        driver.is_complete("Create")
    assert "as it says" in str(caught.value)


def test_a_quota_over_all_types_is_not_met_by_another_type(driver: Driver) -> None:
    """AWS's sentence names the quota; the way out is more of it."""
    driver.missing(driver.job)
    said = (
        "The account-level service limit 'Number of instances across all training jobs' is 4 Instances, with current "
        "utilization of 4 Instances and a request delta of 1 Instances."
    )
    driver.refused("create_training_job", "ResourceLimitExceeded", said)
    with pytest.raises(Exception, match="ask for more in Service Quotas, then deploy again") as caught:
        driver.is_complete("Create")
    assert said in str(caught.value)
    assert "choose another" not in str(caught.value)


def test_what_an_earlier_deployment_left_is_stopped(driver: Driver) -> None:
    """Before another training starts, a running job of this resource is stopped; no other job is."""
    other, strange = f"{driver.prefix}-{'0' * 16}", f"mine-{driver.mark}-extra"
    driver.listed((other, "InProgress"), (strange, "InProgress"), (f"{other}-2", "Failed"))
    driver.stopped(other)
    driver.missing(driver.job)
    driver.on_event("Update")


def test_completion_answers_artifact_and_metrics(driver: Driver) -> None:
    """The attributes that templates refer to."""
    metrics = [
        {"MetricName": "test:accuracy", "Value": 0.9756, "Timestamp": 0},
        {"MetricName": "test:loss", "Value": 0.25, "Timestamp": 0},
    ]
    driver.described(driver.job, "InProgress")
    driver.described(driver.job, "Completed", FinalMetricDataList=metrics)
    driver.artifact()
    assert driver.is_complete("Create") == {
        "IsComplete": True,
        "Data": {
            "TrainingJobName": driver.job,
            "ModelArtifact": ARTIFACT,
            "TestAccuracy": "0.9756",
            "TestLoss": "0.25",
            "TestMeanSquaredDistance": "not reported",
            "Model": "not reported",
        },
    }


@pytest.mark.parametrize(
    ("files", "model"),
    [
        ({"./receipt.json": RECEIPT}, hashlib.sha256(RECEIPT).hexdigest()[:16]),
        ({"1/saved_model.pb": b""}, "not reported"),
    ],
)
def test_what_a_script_of_ours_has_trained_is_known_by_its_hash(
    driver: Driver, files: dict[str, bytes], model: str
) -> None:
    """The one that its answers bear, of the artifact's receipt; a script of one's own may leave none."""
    driver.described(driver.job, "Completed", HyperParameters={"sagemaker_program": "train.py"})
    driver.artifact()
    body = archive(files)
    answer = {"Body": StreamingBody(io.BytesIO(body), len(body))}
    driver.on_s3.add_response("get_object", answer, {"Bucket": "bucket", "Key": "training/job/output/model.tar.gz"})
    assert driver.is_complete("Create")["Data"]["Model"] == model


@pytest.mark.parametrize(
    ("metrics", "attributes"),
    [
        (
            {"validation:merror": 0.033, "validation:mlogloss": 0.5},
            {"TestAccuracy": "0.967", "TestLoss": "0.5"},
        ),
        (
            {"test:multiclass_accuracy": 0.9, "test:objective_loss": 0.4},
            {"TestAccuracy": "0.9", "TestLoss": "0.4"},
        ),
        ({"test:accuracy": 0.8}, {"TestAccuracy": "0.8", "TestLoss": "not reported"}),
        ({"test:msd": 31.5}, {"TestAccuracy": "not reported", "TestMeanSquaredDistance": "31.5"}),
    ],
)
def test_each_algorithm_s_metrics_are_known(
    driver: Driver, metrics: dict[str, float], attributes: dict[str, str]
) -> None:
    """XGBoost's error, the linear learner's and k-NN's accuracy, k-means' distance, by AWS's names."""
    told = [{"MetricName": name, "Value": value, "Timestamp": 0} for name, value in metrics.items()]
    driver.described(driver.job, "Completed", FinalMetricDataList=told)
    driver.artifact()
    data = driver.is_complete("Create")["Data"]
    assert {name: data[name] for name in attributes} == attributes


def test_missing_metrics_are_no_error(driver: Driver) -> None:
    """A job that printed no metrics has a model all the same."""
    driver.described(driver.job, "Completed")
    driver.artifact()
    data = driver.is_complete("Create")["Data"]
    assert (data["TestAccuracy"], data["TestLoss"]) == ("not reported", "not reported")


def test_a_long_job_is_asked_about_again(driver: Driver) -> None:
    """One call waits for less than a minute, then leaves it to the next."""
    for _ in range(47):
        driver.described(driver.job, "InProgress")
    assert driver.is_complete("Create") == {"IsComplete": False}
    assert driver.clock.time < 50


def test_throttling_while_waiting_is_no_failure(driver: Driver) -> None:
    """An exception would fail the deployment, so a throttled look is just one more look."""
    driver.refused("describe_training_job", "ThrottlingException", "Rate exceeded")
    driver.refused("describe_training_job", "InternalFailure", "try again")
    driver.described(driver.job, "Completed")
    driver.artifact()
    assert driver.is_complete("Create")["IsComplete"] is True


def test_a_failed_job_tells_why_and_where_to_read_on(driver: Driver) -> None:
    """SageMaker's own FailureReason reaches the user, with the command and the link that show the log."""
    driver.described(driver.job, "Failed", FailureReason="AlgorithmError: labels from 0 to 77")
    with pytest.raises(Exception, match=f"Training job {driver.job} failed: AlgorithmError: labels") as caught:
        driver.is_complete("Create")
    said = str(caught.value)
    assert f"aws logs tail /aws/sagemaker/TrainingJobs --log-stream-name-prefix {driver.job}/" in said
    assert "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups" in said
    assert "$252Faws$252Fsagemaker$252FTrainingJobs" in said


def test_missing_capacity_is_told_apart(driver: Driver) -> None:
    """CapacityError comes inside a FailureReason, and another instance type helps."""
    driver.described(driver.job, "Failed", FailureReason="CapacityError: Unable to provision requested ML compute")
    with pytest.raises(Exception, match=r"no ml.m5.large free in this region just now.*deploy again later"):
        driver.is_complete("Create")


def test_max_run_is_told_apart(driver: Driver) -> None:
    """A job that was too slow names the setting that limits it."""
    driver.described(driver.job, "Stopped", SecondaryStatus="MaxRuntimeExceeded")
    driver.artifact(there=False)
    with pytest.raises(Exception, match=r"stopped after 900 s, before it had a model: raise lab.max_run"):
        driver.is_complete("Create")


def test_a_stopped_job_without_a_model_is_a_failure(driver: Driver) -> None:
    """Somebody has stopped the job in the console."""
    driver.described(driver.job, "Stopped")
    driver.artifact(there=False)
    with pytest.raises(Exception, match="was stopped before it had a model: deploy again"):
        driver.is_complete("Create")


def test_a_stopped_job_with_a_model_is_good(driver: Driver) -> None:
    """The two minutes after SIGTERM were enough to save a model."""
    driver.described(driver.job, "Stopped", SecondaryStatus="MaxRuntimeExceeded")
    driver.artifact()
    assert driver.is_complete("Create")["Data"]["ModelArtifact"] == ARTIFACT


def transitions(*states: str) -> dict[str, Any]:
    """What a description tells of the states that a job has been in."""
    return {"SecondaryStatusTransitions": [{"Status": state, "StartTime": BIRTH} for state in states]}


TRAINED = {"TrainingStartTime": BIRTH, **transitions("Starting", "Downloading", "Training", "Stopping", "Stopped")}
WAITED = transitions("Starting", "Pending", "Stopping", "Stopped")


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        (TRAINED, "before it had a model; its last state was Training: lower lab.epochs or choose a faster"),
        (WAITED, "SageMaker had still no ml.m5.large for it: deploy again later, or choose another lab.training_inst"),
    ],
)
def test_a_job_is_stopped_at_its_deadline(driver: Driver, steps: dict[str, Any], sentence: str) -> None:
    """The limit counts from the job's creation, and waiting for an instance counts as running does."""
    driver.clock.time = float(driver.properties["DeadlineSeconds"]) - 2
    for _ in range(2):
        driver.described(driver.job, "InProgress")
    driver.described(driver.job, "InProgress")
    driver.stopped(driver.job)
    driver.described(driver.job, "Stopping")
    driver.described(driver.job, "Stopped", **steps)
    driver.artifact(there=False)
    with pytest.raises(Exception, match=sentence) as caught:
        driver.is_complete("Create")
    assert f"Training job {driver.job} was stopped 3180 s after its creation, for a deployment can't wait" in str(
        caught.value
    )


def test_a_model_that_is_saved_at_the_deadline_is_good(driver: Driver) -> None:
    """A job that is stopped has two minutes to save one."""
    driver.clock.time = float(driver.properties["DeadlineSeconds"])
    driver.described(driver.job, "InProgress")
    driver.stopped(driver.job)
    driver.described(driver.job, "Stopped", **TRAINED)
    driver.artifact()
    assert driver.is_complete("Create")["Data"]["ModelArtifact"] == ARTIFACT


def test_a_job_that_does_not_stop_is_given_up_within_the_hour(driver: Driver) -> None:
    """CloudFormation gets the lab's sentence while it still waits; the roll-back's Delete waits for the job's end."""
    limits = [float(driver.properties[name]) for name in ("DeadlineSeconds", "StopSeconds")]
    driver.clock.time = sum(limits) - 1
    driver.described(driver.job, "Stopping", **TRAINED)
    driver.described(driver.job, "Stopping", **TRAINED)
    with pytest.raises(Exception, match="was stopped 3180 s after its creation"):
        driver.is_complete("Create")
    assert driver.clock.time < 3600


def test_an_event_of_an_earlier_release_has_the_same_deadline(driver: Driver) -> None:
    """A roll-back brings the properties of the release before, which told of no deadline."""
    before = {name: value for name, value in driver.properties.items() if not name.endswith("Seconds")}
    driver.clock.time = float(driver.properties["DeadlineSeconds"])
    driver.described(driver.job, "InProgress")
    driver.stopped(driver.job)
    driver.described(driver.job, "Stopped", **TRAINED)
    driver.artifact(there=False)
    with pytest.raises(Exception, match="was stopped 3180 s after its creation"):
        driver.is_complete("Update", ResourceProperties=before)


def test_waiting_for_spot_instances_is_told_apart(driver: Driver) -> None:
    """SageMaker's own limit for them names the setting that does without."""
    stopping = {"MaxRuntimeInSeconds": 900, "MaxWaitTimeInSeconds": 3180}
    driver.clock.time = 3181
    driver.described(driver.job, "Stopped", SecondaryStatus="MaxWaitTimeExceeded", StoppingCondition=stopping)
    driver.artifact(there=False)
    with pytest.raises(Exception, match=r"ended after 3180 s of waiting for spot instances .* without lab\.spot"):
        driver.is_complete("Create")


def test_being_refused_while_waiting_is_told(driver: Driver) -> None:
    """An error that time does not heal ends the deployment with a sentence."""
    driver.refused("describe_training_job", "AccessDeniedException", "not authorized")
    with pytest.raises(Exception, match=r"could not be watched .*not authorized"):
        driver.is_complete("Create")


def test_delete_leaves_the_work_to_is_complete(driver: Driver) -> None:
    """The physical id must not change in a Delete, even an invented one, and nothing may raise."""
    invented = "bricklab-training-Job-1ABC"
    answer = driver.on_event("Delete", PhysicalResourceId=invented, ResourceProperties={})
    assert answer == {"PhysicalResourceId": invented, "Since": 0}


def test_delete_stops_waits_and_forgets(driver: Driver) -> None:
    """Found by the mark in their names alone, whatever the properties."""
    other = f"{driver.prefix}-{'0' * 16}"
    driver.listed((driver.job, "InProgress"), (other, "Completed"))
    driver.stopped(driver.job)
    driver.listed((driver.job, "Stopping"), (other, "Completed"))
    driver.listed((driver.job, "Stopped"), (other, "Completed"))
    driver.forgotten(driver.job)
    driver.forgotten(other)
    assert driver.is_complete("Delete", ResourceProperties={}) == {"IsComplete": True}


def test_a_delete_in_mid_create_leaves_the_records(driver: Driver) -> None:
    """It brings an invented id. What it forgot, the Create that is waited for still would start anew."""
    driver.listed((driver.job, "InProgress"))
    driver.stopped(driver.job)
    driver.listed((driver.job, "Stopped"))
    answer = driver.is_complete("Delete", PhysicalResourceId="invented", ResourceProperties={})
    assert answer == {"IsComplete": True}


def test_a_delete_that_waits_in_vain_is_told(driver: Driver) -> None:
    """A job that stays in Stopping fails the Delete with a sentence, before CloudFormation's own does."""
    driver.clock.time = 3181
    driver.listed((driver.job, "Stopping"))
    with pytest.raises(Exception, match=f"not ended what it was asked to stop 3180 s ago .training job {driver.job}"):
        driver.is_complete("Delete", Since=0)


def test_delete_keeps_the_record_of_a_failure(driver: Driver) -> None:
    """After a rollback the failed job and its log are what the user goes by."""
    driver.listed((driver.job, "Failed"))
    assert driver.is_complete("Delete") == {"IsComplete": True}


def test_delete_leaves_other_jobs_alone(driver: Driver) -> None:
    """A name that only looks like ours is not ours."""
    driver.listed((f"mine-{driver.mark}-extra", "InProgress"))
    assert driver.is_complete("Delete") == {"IsComplete": True}


def test_delete_twice_is_fine(driver: Driver) -> None:
    """With nothing left, nothing is done."""
    driver.listed()
    assert driver.is_complete("Delete") == {"IsComplete": True}


@pytest.mark.parametrize("error", [NOT_FOUND, ("ValidationException", "The job is in status Completed.")])
def test_delete_takes_a_job_that_ends_by_itself(driver: Driver, error: tuple[str, str]) -> None:
    """A job may end, or go, between the listing and the stop."""
    driver.listed((driver.job, "InProgress"))
    driver.refused("stop_training_job", *error)
    driver.listed()
    assert driver.is_complete("Delete") == {"IsComplete": True}


@pytest.mark.parametrize("error", [NOT_FOUND, ("UnknownOperationException", "no such operation")])
def test_delete_needs_no_delete_training_job(driver: Driver, error: tuple[str, str]) -> None:
    """Where the operation is not known, or the record gone, the job is just left as it is."""
    driver.listed((driver.job, "Completed"))
    driver.refused("delete_training_job", *error)
    assert driver.is_complete("Delete") == {"IsComplete": True}


def test_an_older_sdk_forgets_nothing(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda's bundled SDK may lack DeleteTrainingJob: it is asked before it is called."""
    monkeypatch.delattr(type(driver.sagemaker), "delete_training_job")
    driver.listed((driver.job, "Completed"))
    assert driver.is_complete("Delete") == {"IsComplete": True}
