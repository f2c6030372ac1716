"""What is read from services' stores is all that ministack's own snapshots have, and requests are told apart."""

from __future__ import annotations

import pytest
from ministack.services import cloudformation, cloudwatch, cloudwatch_logs

from embedded_aws.patches import kept_logs, service_states
from embedded_aws.patches.changing_requests import changed_object, changes


def test_no_store_is_left_out() -> None:
    """A ministack that keeps more of these services fails here."""
    assert service_states.stacks().keys() == cloudformation.get_state().keys()
    # Groups have rows for each of their streams, and records are made of the events.
    assert {*service_states.logs(), kept_logs.GROUPS, "log_records"} == cloudwatch_logs.get_state().keys()
    assert {*service_states.metrics(), "metrics"} == cloudwatch.get_state().keys()


FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "body", "expected"),
    [
        ("ssm", "POST", "/", {"x-amz-target": "AmazonSSM.PutParameter"}, b"{}", True),
        ("ssm", "POST", "/", {"x-amz-target": "AmazonSSM.GetParameters"}, b"{}", False),
        ("cloudformation", "POST", "/", FORM, b"Action=DescribeStacks&Version=2010-05-15", False),
        ("cloudformation", "POST", "/", FORM, b"StackName=a&Action=ExecuteChangeSet", True),
        ("sts", "POST", "/", FORM, b"Action=AssumeRole&RoleArn=a", False),
        ("lambda", "POST", "/2015-03-31/functions/f/invocations", {}, b"{}", False),
        ("lambda", "PUT", "/2015-03-31/functions/f/code", {}, b"{}", True),
        ("lambda", "GET", "/2015-03-31/functions/f", {}, b"", False),
        ("s3", "PUT", "/bucket", {}, b"", True),
        ("s3", "PUT", "/bucket/key", {}, b"", False),
        ("s3", "GET", "/bucket", {}, b"", False),
    ],
)
def test_requests_that_change_something(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, *, expected: bool
) -> None:
    """Of a JSON service and of the query protocol the operation tells, of REST the method; objects are S3's own."""
    assert changes(service, method, path, headers, body, {}) is expected


def test_the_bucket_of_an_object() -> None:
    """It is told of what changes an object only."""
    assert changed_object("PUT", "/bucket/a/b") == "bucket"
    assert changed_object("GET", "/bucket/a/b") == ""
    assert changed_object("PUT", "/bucket") == ""
