"""A teardown is killed before each of its calls, loses each answer, is throttled: it finishes, or the next one does."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cli.aws import buckets, lab_deletion
from cli.aws.session import Session, Target
from cli.checks.existing import check_name
from cli.checks.result import Deployment
from embedded_aws import gateway
from infra import settings
from teardown.receipt import Receipt, Resource
from teardown.stacks import every
from teardown.teardown import Teardown
from tests.faulty import FaultyClients, Killed, answers_lost, killed_before, refuse, throttled
from tests.teardown.embedded_account import TOPIC, TRUST, EmbeddedAccount, custom
from tests.teardown.fake_sagemaker import FakeSageMaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faulty import Fault

TRANSFORM = "/aws/sagemaker/TransformJobs"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.20-cpu-py312"
LOOKS = 400


def model(aws: EmbeddedAccount, name: str) -> None:
    """A model and an endpoint config."""
    sagemaker = aws.client("sagemaker")
    sagemaker.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=aws.role)
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def build(aws: EmbeddedAccount, lab: str) -> None:
    """Something of everything that a teardown deletes."""
    aws.stack(f"{lab}-storage", {**TOPIC, "Contents": custom(aws.stubborn, "Delete")}, lab=lab)
    aws.stack(f"{lab}-operations", TOPIC, lab=lab)
    model(aws, f"{lab}-ada-x")
    aws.write(f"/aws/lambda/{lab}-storage-Fn")
    aws.write(TRANSFORM, f"{lab}-ada-x/algo-1")
    aws.parameter(f"/{lab}/paused/x")
    aws.schedule(f"{lab}-lease-end")


def run(client: Callable[[str], Any], lab: str) -> Receipt:
    """The whole teardown; its receipt."""
    teardown = Teardown(client, lab)
    finish(teardown.clear)
    while teardown.retry():
        finish(teardown.clear)
    for step in (teardown.sweep, teardown.finish, teardown.sweep):
        finish(step)
    return teardown.receipt


def finish(step: Callable[[], list[Any]]) -> None:
    """Repeat a step until it waits for nothing."""
    for _ in range(LOOKS):
        if not step():
            return
        time.sleep(0.02)
    raise AssertionError(step())


@pytest.fixture(scope="module")
def neighbours(aws: EmbeddedAccount) -> set[str]:
    """A lab whose name begins like ours, which has everything that ours has."""
    build(aws, "faulty-two")
    return aws.inventory()


def test_the_next_teardown_finishes_what_one_has_begun(aws: EmbeddedAccount, neighbours: set[str]) -> None:
    """Wherever it was killed: nothing is left of the lab, and everything of its neighbour."""
    killed: list[str] = []
    while True:
        build(aws, "faulty")
        with FaultyClients(aws.client, killed_before(len(killed) + 1)).working() as clients:
            try:
                run(clients, "faulty")
            except Killed as error:
                killed.append(str(error))
            else:
                break
        assert run(aws.client, "faulty").clean
        assert aws.inventory() == neighbours
    assert aws.inventory() == neighbours
    assert {"DeleteEndpointConfig", "DeleteModel", "DeleteLogGroup", "DeleteLogStream"} < set(killed)
    assert {"DeleteParameter", "DeleteSchedule"} < set(killed)
    assert killed.count("DeleteStack") == 3


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("fault", [answers_lost(), throttled()], ids=["lost", "throttled"])
def test_a_teardown_bears_what_aws_does_to_it(aws: EmbeddedAccount, neighbours: set[str], fault: Fault) -> None:
    """Every answer is lost once, or a fifth of all calls is refused: nothing is left, and the receipt says so."""
    build(aws, "faulty")
    with FaultyClients(aws.patient, fault).working() as clients:
        receipt = run(clients, "faulty")
    assert receipt.clean, receipt.document()
    assert aws.inventory() == neighbours


def test_a_second_teardown_changes_nothing(aws: EmbeddedAccount, neighbours: set[str]) -> None:
    """It makes no call that could, and its receipt is empty and clean."""
    with FaultyClients(aws.client, killed_before(1)).working() as clients:
        receipt = run(clients, "faulty")
    assert receipt.clean
    assert not receipt.found
    assert aws.inventory() == neighbours


def test_a_stack_that_was_never_begun_goes_too(aws: EmbeddedAccount) -> None:
    """A deployment that is killed leaves one in review, which has no tags yet: its name tells whose it is."""
    for stack in ("unbegun-storage", "unbegun-seat-ada", "unbegun-two-storage"):
        aws.cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName="first",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps({"Resources": TOPIC}),
            Tags=[{"Key": "bricklab:lab", "Value": "unbegun"}],
        )
    assert not check_name_of(aws, "unbegun")
    assert run(aws.client, "unbegun").clean
    left = [each for each in aws.inventory() if each.startswith("stack unbegun")]
    assert left == ["stack unbegun-two-storage REVIEW_IN_PROGRESS"]
    aws.cloudformation.delete_stack(StackName="unbegun-two-storage")


def check_name_of(aws: EmbeddedAccount, lab: str) -> list[str]:
    """What preflight has to say against the lab's name."""
    session = Session(Target.EMBEDDED, {}, gateway.ACCOUNT, gateway.REGION)
    deployment = Deployment(
        session, settings.read({"lab": {"name": lab, "seats": ["ada"], "owner": "ana"}}), every(aws.cloudformation)
    )
    return [each.text for each in check_name(deployment) if each.stops]


@pytest.mark.usefixtures("no_backoff")
def test_what_can_not_be_looked_at_is_not_taken_for_nothing(aws: EmbeddedAccount) -> None:
    """A teardown that can't read which names it has kept is not done: it looks again."""
    aws.parameter("/unread/teardown/training_job/theirs")

    def fault(_clients: FaultyClients, client: Any, operation: str, request: Any) -> Any:
        return refuse(client, request) if operation == "GetParametersByPath" else None

    with FaultyClients(aws.patient, fault).working() as clients:
        assert Teardown(clients, "unread").sweep()
    assert run(aws.client, "unread").clean
    assert "parameter /unread/teardown/training_job/theirs" not in aws.inventory()


def test_a_key_and_a_bucket_that_went_unheard_are_gone(aws: EmbeddedAccount) -> None:
    """Their deletion is asked for twice when the answer got lost: that is no reason to say that they stay."""
    kms, s3, tags = aws.client("kms"), aws.client("s3"), {"bricklab:lab": "unheard"}
    key = kms.create_key(Tags=[{"TagKey": "bricklab:lab", "TagValue": "unheard"}])["KeyMetadata"]["KeyId"]
    s3.create_bucket(Bucket="unheard")
    s3.put_bucket_tagging(Bucket="unheard", Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]})
    receipt = Receipt()
    with FaultyClients(aws.patient, answers_lost()).working() as clients:
        session: Any = SimpleNamespace(client=clients)
        buckets.delete_left(session, "unheard", receipt)
        lab_deletion.note_what_remains(session, "unheard", receipt)
    assert receipt.clean, receipt.document()
    assert Resource("bucket", "unheard") in receipt.deleted
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_seat_waits_while_nobody_has_looked_for_its_endpoints(aws: EmbeddedAccount) -> None:
    """What goes before endpoints holds the look at them up: the role that they need may not go meanwhile."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    aws.stack("held-seat-ada", {"Role": role}, lab="held", tags={"bricklab:seat": "ada"})
    account = FakeSageMaker()
    account.add("MonitoringSchedule", "held-x")
    account.add("Endpoint", "held-ada-x")
    faked = {"sagemaker", "application-autoscaling", "resourcegroupstaggingapi"}
    teardown = Teardown(lambda name: account.client(name) if name in faked else aws.client(name), "held")
    while account.items:
        assert aws.status("held-seat-ada") == "CREATE_COMPLETE"
        teardown.clear()
    finish(teardown.clear)
    account.close()
    assert not [name for name in aws.inventory() if name.startswith("stack held")]
