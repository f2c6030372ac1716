"""The lab's deletion as `./lab` runs it: with the user's rights, to its very end, and what it did on the screen.

What endpoints captured of their requests lies in S3 below the endpoint's name, wherever its config says. Source:
SageMaker's guide, "Capture data from real-time endpoint": <destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.aws import buckets, stacks, wait
from cli.ui import screen
from teardown import refusals
from teardown.alarms import AlarmsSweep
from teardown.buckets import ContentsError, empty
from teardown.logs import LogsSweep
from teardown.names import LAB_TAG
from teardown.receipt import Receipt, Resource
from teardown.refusals import Refusal
from teardown.remembered_names import CAPTURED
from teardown.sagemaker import SageMakerSweep
from teardown.scope import Scope
from teardown.teardown import Teardown

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.aws.session import Session
    from teardown.remembered_names import RememberedNames

# Keys can't be deleted at once: https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html.
_DAYS = 7
# SageMaker's guide, "Track Worker Performance Metrics".
_WORKER_ACTIVITY, _LABELED_BY = "/aws/sagemaker/groundtruth/WorkerActivity", "labeling job"


def delete_lab(session: Session, lab: str, *, quiet: bool) -> Receipt:
    """End the whole lab; return what was found, deleted, and remains."""
    teardown = Teardown(session.client, lab)
    note_captures(session, teardown.scope, teardown.remembered)
    with screen.step("students' work and stacks deleted", quiet=quiet) as notice:
        _until(teardown.clear, teardown.receipt, notice)
        while teardown.retry():
            buckets.empty_stuck(session, lab)
            _until(teardown.clear, teardown.receipt, notice)
        notice("students' work and stacks deleted")
    with screen.step("swept twice for what no stack knows", quiet=quiet) as notice:
        _until(teardown.sweep, teardown.receipt, notice)
        _until(teardown.finish, teardown.receipt, notice)
        _until(teardown.sweep, teardown.receipt, notice)
        if not teardown.stuck():
            buckets.delete_left(session, lab, teardown.receipt)
            buckets.sweep_default(session, teardown.scope, teardown.receipt)
            delete_captures(session, teardown.remembered, teardown.receipt)
            note_what_remains(session, lab, teardown.receipt)
        notice("swept twice for what no stack knows")
    return teardown.receipt


def delete_seat_work(session: Session, lab: str, seat: str, notice: Callable[[str], None]) -> Receipt:
    """End what a seat's student made in SageMaker, outside of the seat's stack."""
    receipt = Receipt()
    _until(
        SageMakerSweep(session.client, Scope(lab=lab, seat=seat), receipt, only_stackless=True).step, receipt, notice
    )
    return receipt


def delete_seat_logs(session: Session, lab: str, seat: str) -> None:
    """Delete what SageMaker logged for a seat, and the alarms on what its endpoints measured."""
    receipt, scope = Receipt(), Scope(lab=lab, seat=seat)
    for sweep in (AlarmsSweep(session.client, scope, receipt), LogsSweep(session.client, scope, receipt)):
        _until(sweep.step, receipt, lambda _: None)


def _until(step: Callable[[], list[Resource]], receipt: Receipt, notice: Callable[[str], None]) -> None:
    for late in wait.until(step, notice):
        receipt.give_up(late, wait.LATE)


def note_captures(session: Session, scope: Scope, remembered: RememberedNames) -> None:
    """Keep, before the lab's endpoints go, where what they captured lies."""
    sagemaker = session.client("sagemaker")
    with refusals.suppress(Refusal.DENIED):  # what can't be listed, the sweep will say
        pages = sagemaker.get_paginator("list_endpoints").paginate()
        for each in [each for page in pages for each in page["Endpoints"]]:
            with refusals.suppress(Refusal.GONE, Refusal.DENIED):  # gone meanwhile
                tags = sagemaker.list_tags(ResourceArn=each["EndpointArn"])["Tags"]
                if scope.has(each["EndpointName"], {tag["Key"]: tag["Value"] for tag in tags}):
                    _note_captures_of(sagemaker, each["EndpointName"], remembered)


def _note_captures_of(sagemaker: Any, endpoint: str, remembered: RememberedNames) -> None:
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    captured = described.get("DataCaptureConfig")  # which an endpoint has that serves
    if not captured:
        config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
        captured = config.get("DataCaptureConfig", {})
    if location := captured.get("DestinationS3Uri"):
        remembered.remember(CAPTURED, endpoint, f"{location.rstrip('/')}/{endpoint}/")


def delete_captures(session: Session, remembered: RememberedNames, receipt: Receipt) -> None:
    """Delete what they captured; with the lab's own bucket most of it has gone."""
    there = {each["Name"] for each in session.client("s3").list_buckets()["Buckets"]}
    for location in remembered.of(CAPTURED).values():
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        if bucket not in there:
            continue
        resource = Resource("captured data", location)
        try:
            if session.client("s3").list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Versions"):
                receipt.found.add(resource)
                empty(session.client("s3"), bucket, prefix)
        except (ClientError, ContentsError) as error:
            receipt.keep(resource, str(error))


def note_what_remains(session: Session, lab: str, receipt: Receipt) -> None:
    """Write down what remains with the lab, and why; a key that no stack has any more begins its waiting period."""
    kms = session.client("kms")
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            if described := _described_key(kms, key["KeyId"], lab):
                _schedule_deletion(kms, described, receipt)
    if stacks.exists(session, stacks.BOOTSTRAP):
        why = "the CDK's bootstrap, which every CDK app of the account shares: it was never the lab's"
        receipt.keep(Resource("stack", stacks.BOOTSTRAP), why, expected=True)
    if any(resource.kind == _LABELED_BY for resource in receipt.found):
        _note_worker_activity(session, receipt)


def _note_worker_activity(session: Session, receipt: Receipt) -> None:
    """Note the log of all teams, with lines about the lab's among them: a line can't be deleted by itself."""
    with refusals.suppress(Refusal.DENIED):
        found = session.client("logs").describe_log_groups(logGroupNamePrefix=_WORKER_ACTIVITY)["logGroups"]
        if any(group["logGroupName"] == _WORKER_ACTIVITY for group in found):
            why = "what the workers of all of the account's labeling jobs have submitted, and not the lab's alone"
            receipt.keep(Resource("log group", _WORKER_ACTIVITY), why, expected=True)


def _schedule_deletion(kms: Any, key: dict[str, Any], receipt: Receipt) -> None:
    resource = Resource("KMS key", key["KeyId"])
    try:
        if key["KeyState"] != "PendingDeletion":
            with suppress(kms.exceptions.KMSInvalidStateException):  # it waits already: the answer got lost
                kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=_DAYS)
            key = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    except ClientError as error:  # its policy forbids it
        receipt.keep(resource, str(error))
        return
    until = f"{key['DeletionDate']:%Y-%m-%d %H:%M %Z}"
    receipt.keep(resource, f"in its waiting period until {until}, and costs nothing", expected=True)


def _described_key(kms: Any, key: str, lab: str) -> dict[str, Any] | None:
    """Return the key, if it is the lab's."""
    with refusals.suppress(Refusal.GONE, Refusal.DENIED):  # another team's key: its policy does not let us look
        tags = kms.list_resource_tags(KeyId=key)["Tags"]
        if {"TagKey": LAB_TAG, "TagValue": lab} in tags:
            return dict(kms.describe_key(KeyId=key)["KeyMetadata"])
    return None
