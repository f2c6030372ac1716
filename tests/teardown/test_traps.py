"""What outlives a teardown elsewhere, really set; then `./lab down`. The tests build on one another, in order."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from tests.embedded_aws.account import BUCKET, CLUSTER, TRAINING_IMAGE, Account, answering, until
from tests.teardown.embedded_account import SHARED, TOPIC, TRUST, EmbeddedAccount, custom

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Lab

OF = ("-c", "lab.name=trap", "-c", "lab.owner=ben")
LAB = [{"Key": "bricklab:lab", "Value": "trap"}]
OTHER = [{"Key": "bricklab:lab", "Value": "other"}]
JOBS, NOTEBOOKS = "/aws/sagemaker/TrainingJobs", "/aws/sagemaker/NotebookInstances"
LATE = ("/aws/sagemaker/Endpoints/trap-ada-e", "/aws/lambda/trap-storage-Fn")
QUICK = {"Delay": 0.1, "MaxAttempts": 600}
ROW = b'{"instances": [[1, 2, 3]]}'


class Traps(EmbeddedAccount):
    """The account that `down` finds, and what stood in it before the lab did."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab.client)
        self.lab, self.account = lab, Account(lab.client)
        self.sagemaker, self.logs, self.s3 = self.account.sagemaker, self.account.logs, self.account.s3
        self.prepare(self.account.role)
        self.works = self.account.model(answering())
        self.fails = self.account.model({"nothing.txt": b""})
        self._neighbours()
        self.before = self.inventory()

    def down(self, *options: str, code: int = 0) -> dict[str, Any]:
        """End the lab; the receipt."""
        self.lab("down", *OF, "--keep-aws", *options, code=code)
        written = max((self.lab.home / "receipts").iterdir())
        return dict(json.loads(written.read_text()))

    def config(self, model: str, name: str) -> str:
        """An endpoint config of this name."""
        variant = {"VariantName": "v", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    def model(self, name: str, **tags: Any) -> str:
        """A model of this name that works."""
        same = self.sagemaker.describe_model(ModelName=self.works)["PrimaryContainer"]
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=same, ExecutionRoleArn=self.account.role, **tags)
        return name

    def notebook(self, name: str, tags: list[dict[str, str]]) -> None:
        """A notebook instance that is Pending."""
        self.sagemaker.create_notebook_instance(
            NotebookInstanceName=name, InstanceType="ml.t3.medium", RoleArn=self.account.role, Tags=tags
        )

    def tune(self, name: str) -> None:
        """A tuning job whose one training job is at work."""
        sleeps = self.account.source({"train.py": b"import time; time.sleep(600)"})
        self.sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name,
            HyperParameterTuningJobConfig={
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
                "ParameterRanges": {"IntegerParameterRanges": [{"Name": "epochs", "MinValue": "1", "MaxValue": "3"}]},
            },
            TrainingJobDefinition={
                "RoleArn": self.account.role,
                "StaticHyperParameters": sleeps,
                "AlgorithmSpecification": {
                    "TrainingImage": TRAINING_IMAGE,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
                },
                "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/tuning"},
                "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
                "StoppingCondition": {"MaxRuntimeInSeconds": 900},
            },
        )
        until(lambda: self.sagemaker.list_training_jobs(NameContains=f"{name}-")["TrainingJobSummaries"])

    def runs(self, name: str) -> None:
        """Wait until a notebook instance does."""
        waiter = self.sagemaker.get_waiter("notebook_instance_in_service")
        waiter.wait(NotebookInstanceName=name, WaiterConfig=QUICK)

    def _neighbours(self) -> None:
        config = self.config(self.works, "trap-two-config")
        self.sagemaker.create_endpoint(EndpointName="trap-two", EndpointConfigName=config)
        self.notebook("trap-eve", OTHER)
        self.account.processed(self.account.start_processing(b"", ProcessingJobName="trap-two-prepare"))
        self.stack("CDKToolkit", TOPIC, lab="none")
        self.stack("trap-two-storage", {**TOPIC, "C": custom(self.stubborn)}, lab="trap-two")
        self.stack("trapeze", TOPIC, lab="trapeze")
        self.stack("trap-x", TOPIC, lab="other")
        for name in ("trap-two-x", "trapeze", "other"):
            self.model(name)
        self.model("trap-x", Tags=OTHER)
        for group in ("trap-two-storage-Fn", "/aws/lambda/trap-two-endpoint-Fn", "/aws/lambda/trapeze"):
            self.write(group)
        self.write(NOTEBOOKS, "trap-two-ada/jupyter.log")
        self.write("/aws/sagemaker/TransformJobs", "trap-two-batch/algo-1")
        self.write("/aws/sagemaker/TransformJobs", "trapeze/algo-1")
        self.logs.create_log_group(logGroupName="/aws/sagemaker/ProcessingJobs")
        self.logs.put_retention_policy(logGroupName="/aws/sagemaker/ProcessingJobs", retentionInDays=7)
        self.logs.create_log_group(logGroupName="trap-tagged", tags={"bricklab:lab": "other"})
        self.parameter("/trap-two/paused/x")
        self.parameter("/trapeze")
        self.schedule("trap-two-lease-end")
        self.schedule("trap-lease-endless")
        self.runs("trap-eve")
        self.account.settled("trap-two")


class Watch(threading.Thread):
    """Looks on while `down` works: writes late logs, and sees what is gone while something else still stands."""

    def __init__(self, traps: Traps) -> None:
        super().__init__()
        self._traps, self._over = traps, threading.Event()
        self.late = set(LATE)
        self.early: list[str] = []

    def run(self) -> None:
        """Look on until it is over."""
        while not self._over.wait(0.02):
            self._write_late()
            roles = [role["RoleName"] for role in self._traps.client("iam").list_roles()["Roles"]]
            if "trap-ada-role" not in roles:
                found = self._traps.sagemaker.list_endpoints(NameContains="trap-ada")["Endpoints"]
                self.early += [endpoint["EndpointName"] for endpoint in found]

    def stop(self) -> None:
        """It is over."""
        self._over.set()
        self.join()

    def _write_late(self) -> None:
        for group in sorted(self.late):
            if not self._traps.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
                self._traps.write(group)
                self.late.discard(group)


@pytest.fixture(scope="module")
def traps(lab: Lab) -> Iterator[Traps]:
    """An embedded AWS that hurries, with neighbours of a lab in it."""
    gateway.start(lab.home / "aws", cache=paths.cache(), environment=tool_environment(), pace=0.1, port=0)
    made = Traps(lab)
    yield made
    for client in (made.cloudformation, made.sagemaker, made.logs, made.s3, made.client("ssm")):
        client.close()


@pytest.fixture(scope="module")
def scheduled(traps: Traps) -> tuple[str, str]:
    """Two keys of the lab: one of a stack, and one that no stack has any more."""
    key = traps.client("kms").create_key(Tags=[{"TagKey": "bricklab:lab", "TagValue": "trap"}])["KeyMetadata"]["KeyId"]
    owned = {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {}, "Tags": LAB}}}
    lease = {"Lease": custom(traps.stubborn, "Delete")}
    traps.stack("trap-operations", {**TOPIC, **owned, **lease}, lab="trap")
    found = traps.cloudformation.describe_stack_resource(StackName="trap-operations", LogicalResourceId="Key")
    return key, found["StackResourceDetail"]["PhysicalResourceId"]


def set_stacks(traps: Traps) -> None:
    """The lab's stacks, each as it stands after something went wrong in it."""
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "trap-bucket", "Tags": LAB}}
    bucket["Properties"]["VersioningConfiguration"] = {"Status": "Enabled"}  # type: ignore[index]
    contents = {**custom(traps.stubborn, "Delete"), "DependsOn": "Bucket"}
    traps.stack("trap-storage", {"Bucket": bucket, "Contents": contents}, lab="trap")
    stays = {
        "Stays": custom(traps.stubborn, "Delete"),
        "Broken": {**custom(traps.stubborn, "Create"), "DependsOn": "Stays"},
    }
    traps.stack("trap-endpoint", stays, lab="trap", ends="ROLLBACK_FAILED")
    broken = {**TOPIC, "Broken": custom(traps.stubborn, "Create")}
    traps.stack("trap-training", broken, lab="trap", ends="CREATE_FAILED", OnFailure="DO_NOTHING")
    traps.stack("trap-seat-bob", broken, lab="trap", ends="ROLLBACK_COMPLETE", tags={"bricklab:seat": "bob"})
    traps.stack("trap-alarms", {"Broken": custom(traps.stubborn, "Update")}, lab="trap")
    changed = json.dumps({"Resources": {"Broken": custom(traps.stubborn, "Update", Version="2")}})
    traps.cloudformation.update_stack(StackName="trap-alarms", TemplateBody=changed, Tags=LAB)
    traps.ends("trap-alarms", "UPDATE_ROLLBACK_FAILED")
    traps.stack("trap-dashboard", {**TOPIC, "Broken": custom(traps.stubborn, "Delete")}, lab="trap")
    traps.cloudformation.delete_stack(StackName="trap-dashboard")
    traps.ends("trap-dashboard", "DELETE_FAILED")
    traps.cloudformation.create_change_set(
        StackName="trap-seat-carl",
        ChangeSetName="never-executed",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": TOPIC}),
        Tags=LAB,
    )
    traps.ends("trap-seat-carl", "REVIEW_IN_PROGRESS")
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "trap-ada-role", "AssumeRolePolicyDocument": TRUST}}
    traps.stack("trap-seat-ada", {"Role": role}, lab="trap", tags={"bricklab:seat": "ada"})


def set_objects(traps: Traps) -> None:
    """Versions, delete markers and an open upload in a stack's bucket, and a bucket that no stack has any more."""
    for name in ("trap-bucket", "left-over"):
        if name == "left-over":
            traps.s3.create_bucket(Bucket=name)
            traps.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": LAB})
        for content in (b"old", b"new"):
            traps.s3.put_object(Bucket=name, Key="seats/ada/notes.txt", Body=content)
        traps.s3.delete_object(Bucket=name, Key="seats/ada/notes.txt")
        traps.s3.create_multipart_upload(Bucket=name, Key="open")


def set_work(traps: Traps) -> None:
    """Logs, parameters and schedules, and what students left: a job that runs, notebooks, endpoints on their way."""
    for group in LATE:
        traps.write(group)
    for group in SHARED:
        traps.write(group, "trap-ada/written.log")
    traps.parameter("/trap/paused/endpoint/trap")
    traps.schedule("trap-lease-end")
    traps.schedule("trap-lease-warning")
    traps.model("trap-ada-model")
    traps.model("Someones", Tags=LAB)
    traps.notebook("someones-notebook", LAB)
    broken = traps.config(traps.fails, "trap-ada-broken")
    traps.sagemaker.create_endpoint(EndpointName="trap-ada-failed", EndpointConfigName=broken)
    works, next_one = (traps.config("trap-ada-model", f"trap-ada-{number}") for number in (1, 2))
    traps.sagemaker.create_endpoint(EndpointName="trap-ada-e", EndpointConfigName=works)
    traps.account.start_job(
        TrainingJobName="trap-ada-job",
        entrypoint=["sh", "-c", "echo at work; exec sleep 600"],
        runtime=900,
        Tags=[{"Key": "x", "Value": "y"}],
        # Its warm pool has to end before it can be deleted.
        ResourceConfig={**CLUSTER, "KeepAlivePeriodInSeconds": 3600},
    )
    until(
        lambda: traps.sagemaker.describe_training_job(TrainingJobName="trap-ada-job")["SecondaryStatus"] == "Training"
    )
    traps.account.start_processing(b"import time; time.sleep(600)", ProcessingJobName="trap-ada-prepare")
    traps.tune("trap-ada-tune")
    traps.account.settled("trap-ada-failed")
    traps.account.settled("trap-ada-e")
    traps.runs("someones-notebook")
    photos = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": traps.account.put("ada/row.json", ROW)}}
    traps.sagemaker.create_transform_job(
        TransformJobName="trap-ada-scores",
        ModelName="trap-ada-model",
        TransformInput={"DataSource": photos, "ContentType": "application/json"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/ada/scores"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    traps.notebook("trap-ada", [])
    traps.sagemaker.create_endpoint(EndpointName="trap-ada-new", EndpointConfigName=works)
    traps.sagemaker.update_endpoint(EndpointName="trap-ada-e", EndpointConfigName=next_one)


def names(receipt: dict[str, Any], part: str, kind: str) -> list[str]:
    """The names of a kind in a part of the receipt."""
    return [each["name"] for each in receipt[part] if each["kind"] == kind]


def test_somebody_elses_lab_is_not_taken_down(traps: Traps) -> None:
    """`down` asks whose the lab is, says so in a sentence, and changes nothing."""
    traps.stack("trap-owned", TOPIC, lab="trap", tags={"bricklab:owner": "ana"})
    said = traps.lab("down", *OF, "--keep-aws", code=1)
    assert "The lab trap is ana's, and you are ben" in said
    assert "--force" in said
    assert traps.status("trap-owned") == "CREATE_COMPLETE"


def test_everything_goes_in_one_run(traps: Traps, scheduled: tuple[str, str]) -> None:
    """Of all traps nothing is left, whatever its state was; and nothing of the neighbours' has changed."""
    set_stacks(traps)
    set_objects(traps)
    set_work(traps)
    assert {
        "endpoint trap-ada-new Creating",
        "endpoint trap-ada-e Updating",
        "endpoint trap-ada-failed Failed",
        "job trap-ada-job InProgress",
        "processing trap-ada-prepare InProgress",
        "tuning trap-ada-tune InProgress",
        "notebook someones-notebook InService",
    } < traps.inventory()
    watch = Watch(traps)
    watch.start()
    try:
        receipt = traps.down("--force")
    finally:
        watch.stop()
    assert traps.inventory() == traps.before
    assert not watch.late, "the late writer has not written"
    assert not watch.early, "a seat's role went before its student's endpoints"
    assert receipt["clean"]
    assert not receipt["not_looked_for"]
    assert set(names(receipt, "remains", "KMS key")) == set(scheduled)
    assert names(receipt, "remains", "stack") == ["CDKToolkit"]
    assert names(receipt, "remains", "transform job") == ["trap-ada-scores"]
    ended = traps.sagemaker.describe_transform_job(TransformJobName="trap-ada-scores")
    assert ended["TransformJobStatus"] in ("Completed", "Stopped")


def test_the_receipt_names_what_there_was(traps: Traps) -> None:
    """Every kind of resource is in it, as deleted, with its name."""
    written = max((traps.lab.home / "receipts").iterdir())
    receipt = json.loads(written.read_text())
    trained = names(receipt, "deleted", "training job")
    assert "trap-ada-job" in trained
    assert any(name.startswith("trap-ada-tune-") for name in trained)
    assert names(receipt, "deleted", "processing job") == ["trap-ada-prepare"]
    assert names(receipt, "deleted", "hyper-parameter tuning job") == ["trap-ada-tune"]
    assert names(receipt, "deleted", "endpoint") == ["trap-ada-e", "trap-ada-failed", "trap-ada-new"]
    assert names(receipt, "deleted", "endpoint config") == ["trap-ada-1", "trap-ada-2", "trap-ada-broken"]
    assert names(receipt, "deleted", "model") == ["Someones", "trap-ada-model"]
    assert names(receipt, "deleted", "notebook instance") == ["someones-notebook", "trap-ada"]
    assert names(receipt, "deleted", "bucket") == ["left-over"]
    assert names(receipt, "deleted", "parameter") == ["/trap/paused/endpoint/trap"]
    assert names(receipt, "deleted", "schedule") == ["trap-lease-end", "trap-lease-warning"]
    assert len(names(receipt, "deleted", "stack")) == 10
    assert set(LATE) <= set(names(receipt, "deleted", "log group"))
    assert {f"{group}: trap-ada/written.log" for group in SHARED} <= set(names(receipt, "deleted", "log stream"))
    assert any(name.startswith(f"{JOBS}: trap-ada-job/") for name in names(receipt, "deleted", "log stream"))


def test_keys_go_at_a_named_time(traps: Traps, scheduled: tuple[str, str]) -> None:
    """Both of the lab's keys are in their waiting period, and the receipt says until when."""
    kms = traps.client("kms")
    written = max((traps.lab.home / "receipts").iterdir())
    why = {each["name"]: each["why"] for each in json.loads(written.read_text())["remains"]}
    for key in scheduled:
        described = kms.describe_key(KeyId=key)["KeyMetadata"]
        assert described["KeyState"] == "PendingDeletion"
        assert f"{described['DeletionDate']:%Y-%m-%d %H:%M}" in why[key]


def test_a_second_down_is_a_no_op(traps: Traps, scheduled: tuple[str, str]) -> None:
    """It finds nothing, says so, and lets everything else be, the embedded AWS with it."""
    receipt = json.loads(traps.lab("down", *OF, "--json"))
    assert receipt["clean"]
    assert receipt["deleted"] == []
    assert set(names(receipt, "remains", "KMS key")) == set(scheduled)
    assert traps.inventory() == traps.before


def test_a_protected_stack_stays_and_is_named(traps: Traps) -> None:
    """`down` fails, says why, and has ended all else; when the protection is off, it goes on."""
    traps.stack("trap-safe", TOPIC, lab="trap", EnableTerminationProtection=True)
    traps.stack("trap-operations", TOPIC, lab="trap")
    traps.stack("trap-free", TOPIC, lab="trap")
    traps.model("trap-ada-model")
    receipt = traps.down(code=1)
    assert not receipt["clean"]
    why = {each["name"]: each["why"] for each in receipt["remains"]}
    assert "TerminationProtection is enabled" in why["trap-safe"]
    assert "as long as another stack" in why["trap-operations"]
    assert {*names(receipt, "deleted", "stack"), *names(receipt, "deleted", "model")} == {"trap-free", "trap-ada-model"}
    traps.cloudformation.update_termination_protection(StackName="trap-safe", EnableTerminationProtection=False)
    assert traps.down()["clean"]
    assert traps.inventory() == traps.before
