"""What is acknowledged, held against what is found."""

from __future__ import annotations

from cli.security.exceptions import table
from cli.security.findings import Acknowledgment, Finding, stale, uncovered

LOGS = Finding("CKV_AWS_18", "lab-storage/Bucket/Resource", "no access logs")
DATA = Finding("AwsSolutions-IAM5[Resource::<Bucket83908E77.Arn>/data/*]", "lab-training/Role/Resource", "a wildcard")


def test_a_construct_acknowledges_for_what_is_within_it() -> None:
    """An acknowledgment is for its construct's resources, for the same rule, and for nobody else's."""
    assert not uncovered({LOGS}, {Acknowledgment("CKV_AWS_18", "lab-storage/Bucket", "why")})
    assert uncovered({LOGS}, {Acknowledgment("CKV_AWS_18", "lab-storage/Bucke", "why")}) == [LOGS]
    assert uncovered({LOGS}, {Acknowledgment("CKV_AWS_1", "lab-storage/Bucket", "why")}) == [LOGS]


def test_a_wildcard_is_acknowledged_for_one_resource() -> None:
    """What the CDK generates has a sign in its place, which no slash fits into: another prefix is another finding."""
    acknowledged = {Acknowledgment("AwsSolutions-IAM5[Resource::…/data/*]", "lab-training/Role", "why")}
    assert not uncovered({DATA}, acknowledged)
    wider = Finding("AwsSolutions-IAM5[Resource::<Bucket83908E77.Arn>/*]", DATA.path, DATA.message)
    assert uncovered({wider}, acknowledged) == [wider]


def test_what_is_acknowledged_in_vain_is_found() -> None:
    """An acknowledgment that nothing is found for any more is named, with its place."""
    needed = Acknowledgment("CKV_AWS_18", "lab-storage/Bucket", "why")
    needless = Acknowledgment("CKV_AWS_21", "lab-storage/Bucket", "why")
    [line] = stale({needed, needless}, {LOGS})
    assert line.startswith("CKV_AWS_21 at lab-storage/Bucket: ")


def test_seats_are_told_of_once() -> None:
    """The table has one row for what every seat's stack acknowledges with its own name in it."""
    [row] = table(
        Acknowledgment(f"IAM5[…/seats/{seat}/*]", f"lab-seat-{seat}/Role", "why") for seat in ("ada", "seat-01")
    )
    assert row.rules == ("IAM5[…/seats/SEAT/*]",)
    assert row.places == ("lab-seat-SEAT/Role",)
