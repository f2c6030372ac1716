"""What the lease's schedules invoke, and the custom resource that makes them, on a scheduler of the embedded AWS."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from infra.handlers.custom_resource import outcome
from infra.handlers.lease import resource
from infra.handlers.lease.handler import Ending
from teardown import lease_schedules
from teardown.lease_schedules import LeaseSchedules
from tests.embedded_aws.account import until
from tests.infra.conftest import Clock
from tests.teardown.embedded_account import TOPIC, EmbeddedAccount, custom

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2036, 5, 1, 12, tzinfo=UTC)
HOURS = timedelta(hours=1)


class LeaseResource:
    """A Custom::Lease as CloudFormation drives it."""

    def __init__(self, aws: EmbeddedAccount, lab: str) -> None:
        self._aws, self._lab = aws, lab
        self.scheduler = aws.client("scheduler")

    def ask(self, kind: str, *, old: dict[str, str] | None = None, now: datetime = NOW, **term: str) -> dict[str, Any]:
        """Create, Update or Delete it; what CloudFormation is answered."""
        event = {
            "RequestType": kind,
            "RequestId": "request",
            "StackId": "stack",
            "LogicalResourceId": "Lease",
            "ResourceProperties": self._properties(term),
        }
        if kind != "Create":
            event["PhysicalResourceId"] = f"{self._lab}-lease"
        if old:
            event["OldResourceProperties"] = self._properties(old)
        return outcome(event, lambda asked: resource.work(asked, scheduler=self.scheduler, now=now))

    def end(self) -> datetime | None:
        """When the lab ends."""
        return LeaseSchedules(self.scheduler, self._lab).end()

    def warning(self) -> str:
        """When it warns."""
        return str(self.scheduler.get_schedule(Name=f"{self._lab}-lease-warning")["ScheduleExpression"])

    def schedules(self) -> list[str]:
        """The lab's."""
        return [each["Name"] for each in self.scheduler.list_schedules(NamePrefix=f"{self._lab}-")["Schedules"]]

    def _properties(self, term: dict[str, str]) -> dict[str, Any]:
        made = {"Arn": self._aws.stubborn, "RoleArn": self._aws.role, "Topic": "topic", "LeastSeconds": "900"}
        return {"Lab": self._lab, **made, **term}


class Lab:
    """A small lab whose lease is over, and a queue that hears its topic."""

    def __init__(self, aws: EmbeddedAccount, name: str) -> None:
        self.aws, self.name = aws, name
        sns, self._sqs = aws.client("sns"), aws.client("sqs")
        self.topic = sns.create_topic(Name=f"of-{name}")["TopicArn"]
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)
        self.lease = LeaseSchedules(aws.client("scheduler"), name)
        self._heard: list[str] = []

    def lasts(self, length: timedelta) -> None:
        """Begin the lease."""
        now = datetime.now(UTC)
        target, work = {"Arn": self.aws.stubborn, "RoleArn": self.aws.role}, {"Lab": self.name, "Topic": self.topic}
        self.lease.set(now + length, now=now, target=target, work=work, maker="its stack")

    def is_over(self) -> None:
        """Let the lease have ended."""
        self.lasts(timedelta(seconds=1))
        until(lambda: (self.lease.end() or datetime.max.replace(tzinfo=UTC)) < datetime.now(UTC))

    def ending(self, now: Callable[[], float]) -> None:
        """One invocation."""
        event = json.loads(self.schedule()["Target"]["Input"])
        Ending(event, self.aws.client, now=now, sleep=lambda _: None).end()

    def schedule(self) -> dict[str, Any]:
        """The one that ends it."""
        return dict(self.aws.client("scheduler").get_schedule(Name=f"{self.name}-lease-end"))

    def heard(self) -> list[str]:
        """The subjects that the topic has told."""
        answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", ()):
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            self._heard.append(json.loads(message["Body"])["Subject"])
        return self._heard

    def stands(self) -> list[str]:
        """Its stacks, and all else that bears its name."""
        return [each for each in self.aws.inventory() if f" {self.name}-" in each]


class Hurry:
    """A clock on which every look takes longer than an invocation may."""

    def __init__(self) -> None:
        self._time = 0.0

    def __call__(self) -> float:
        """Seconds since the start."""
        self._time += 100
        return self._time


@pytest.fixture
def lease(aws: EmbeddedAccount) -> LeaseResource:
    """A lab's lease that nobody has begun yet."""
    return LeaseResource(aws, f"lab-{uuid.uuid4().hex}")


def test_a_lease_begins_when_it_is_created_and_goes_with_its_stack(lease: LeaseResource) -> None:
    """Both schedules are made, the warning half an hour before the end, and both are deleted."""
    answer = lease.ask("Create", Seconds="7200")
    assert (answer["Status"], answer["Data"]["End"]) == ("SUCCESS", "2036-05-01T14:00:00Z")
    assert lease.end() == NOW + 2 * HOURS
    assert lease.warning() == "at(2036-05-01T13:30:00)"
    assert lease.ask("Delete", Seconds="7200")["Status"] == "SUCCESS"
    assert lease.schedules() == []
    assert lease.ask("Delete", Seconds="7200")["Status"] == "SUCCESS"


def test_a_short_lease_warns_when_a_quarter_is_left(lease: LeaseResource) -> None:
    """Half an hour before the end of an hour would be early."""
    lease.ask("Create", Seconds="3600")
    assert lease.warning() == "at(2036-05-01T12:45:00)"


@pytest.mark.parametrize("term", [{"Seconds": "7200"}, {"Until": "2036-05-01T14:00:00Z"}], ids=["Seconds", "Until"])
def test_an_update_with_the_same_term_keeps_an_extended_end(lease: LeaseResource, term: dict[str, Any]) -> None:
    """Even when the end that the setting names is past by now."""
    lease.ask("Create", **term)
    LeaseSchedules(lease.scheduler, lease._lab).move(NOW + 9 * HOURS, now=NOW)
    answer = lease.ask("Update", old=term, now=NOW + 3 * HOURS, **term)
    assert (answer["Status"], answer["Data"]["End"]) == ("SUCCESS", "2036-05-01T21:00:00Z")
    assert lease.end() == NOW + 9 * HOURS


def test_an_update_with_another_term_begins_anew(lease: LeaseResource) -> None:
    """From now on, under the same name: CloudFormation deletes nothing afterwards."""
    created = lease.ask("Create", Seconds="7200")
    answer = lease.ask("Update", old={"Seconds": "7200"}, now=NOW + HOURS, Seconds="14400")
    assert answer["PhysicalResourceId"] == created["PhysicalResourceId"]
    assert lease.end() == NOW + 5 * HOURS


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ({"Until": "2036-05-01T11:00:00Z"}, "lab.lease ended at 2036-05-01 11:00 UTC, which is past"),
        ({"Seconds": "600"}, "lab.lease ends at 2036-05-01 12:10 UTC, before a training job may, which has 0:15:00"),
    ],
)
def test_a_lease_that_cannot_be_is_refused_in_a_sentence(lease: LeaseResource, term: dict[str, Any], said: str) -> None:
    """Nothing is made, and the Delete that follows the failed Create leaves another lease of the lab alone."""
    answer = lease.ask("Create", **term)
    assert answer["Status"] == "FAILED"
    assert said in answer["Reason"]
    assert lease.schedules() == []
    lease.ask("Create", Seconds="7200")
    event_id = answer["PhysicalResourceId"]
    assert event_id != f"{lease._lab}-lease"
    properties = lease._properties(term)
    of = {"StackId": "stack", "LogicalResourceId": "Another", "ResourceProperties": properties}
    resource.work(
        {"RequestType": "Delete", "PhysicalResourceId": event_id, **of},
        scheduler=lease.scheduler,
        now=NOW,
    )
    assert len(lease.schedules()) == 2


def test_an_end_that_was_moved_meanwhile_ends_nothing(aws: EmbeddedAccount) -> None:
    """An invocation that was on its way when somebody extended the lease finds the new end, and does nothing."""
    lab = Lab(aws, "moved")
    aws.stack("moved-storage", TOPIC, lab="moved")
    lab.lasts(HOURS)
    lab.ending(Clock().now)
    assert aws.status("moved-storage") == "CREATE_COMPLETE"
    assert lab.heard() == []


def test_the_topic_stays_until_its_last_notice_is_delivered(
    aws: EmbeddedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleting a topic may swallow what it was sent: the end is told, once, and the stack goes a while later."""
    monkeypatch.setattr(lease_schedules, "DELIVERY", timedelta(seconds=3))
    lab = Lab(aws, "heard")
    aws.stack("heard-operations", TOPIC, lab="heard")
    lab.is_over()
    lab.ending(Clock().now)
    assert until(lab.heard) == ["Lab heard has ended"]
    lab.ending(Clock().now)
    assert aws.status("heard-operations") == "CREATE_COMPLETE"
    until(lambda: (lab.lease.end() or datetime.max.replace(tzinfo=UTC)) < datetime.now(UTC))
    lab.ending(Clock().now)
    until(lambda: not any(each.startswith("stack ") for each in lab.stands()))
    assert lab.heard() == ["Lab heard has ended"]


def test_a_lab_that_is_prolonged_after_all_is_told_of_again(aws: EmbeddedAccount) -> None:
    """`./lab extend` in that while begins a term like any other."""
    lab = Lab(aws, "again")
    lab.lasts(HOURS)
    lab.lease.let_it_be_delivered()
    assert "Told" in lab.schedule()["Target"]["Input"]
    lab.lease.move(datetime.now(UTC) + HOURS, now=datetime.now(UTC))
    assert "Told" not in lab.schedule()["Target"]["Input"]


def test_work_that_takes_longer_than_a_function_may_goes_on(
    aws: EmbeddedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each invocation does its share, whatever it finds; the end is told once, and the last stack goes last."""
    monkeypatch.setattr(lease_schedules, "DELIVERY", timedelta(0))
    lab = Lab(aws, "long")
    for part in ("operations", "storage", "training", "endpoint"):
        aws.stack(f"long-{part}", TOPIC, lab="long")
    aws.write("/aws/lambda/long-storage-Fn")
    aws.parameter("/long/paused/x")
    lab.is_over()
    invocations = 0
    while any(each.startswith("stack ") for each in lab.stands()):
        lab.ending(Hurry())
        invocations += 1
        assert lab.schedule()["State"] == "ENABLED", "nothing would go on with it"
    assert invocations > 3
    assert until(lab.heard) == ["Lab long has ended"]
    assert [each for each in lab.stands() if not each.startswith("schedule ")] == []


@pytest.mark.parametrize("hurry", [False, True], ids=["in one share", "in many"])
def test_what_cannot_be_ended_is_told_and_tried_every_hour(aws: EmbeddedAccount, *, hurry: bool) -> None:
    """However long its deletion takes to fail: a notice, once, and the schedule slows down."""
    lab = Lab(aws, f"stuck-{'slowly' if hurry else 'fast'}")
    broken = {**bucket(lab.name), "Contents": {**custom(aws.stubborn, "Delete"), "DependsOn": "Bucket"}}
    aws.stack(f"{lab.name}-storage", broken, lab=lab.name)
    aws.client("s3").put_object(Bucket=lab.name, Key="full", Body=b"")
    aws.stack(f"{lab.name}-operations", TOPIC, lab=lab.name)
    lab.is_over()
    for _ in range(100):
        lab.ending(Hurry() if hurry else Clock().now)
        if lab.schedule()["ScheduleExpression"] != "rate(1 minutes)":
            break
    schedule = lab.schedule()
    assert schedule["ScheduleExpression"] == "rate(1 hours)"
    assert timedelta(minutes=50) < schedule["StartDate"] - datetime.now(UTC) < timedelta(minutes=61)
    assert until(lab.heard) == [f"Lab {lab.name} could not be ended"]
    assert aws.status(f"{lab.name}-operations") == "CREATE_COMPLETE"


def bucket(name: str) -> dict[str, Any]:
    """A bucket, as a template has it."""
    return {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}}
