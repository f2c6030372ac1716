"""An error that nobody foresaw: whoever asked reads what it was and where its traceback is."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.parsers
import botocore.session
import ministack.app
import pytest

from embedded_aws import faults
from embedded_aws.patches.protocol import tell_unexpected_errors
from embedded_aws.services.sagemaker.failure import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG = Path("/somewhere/gateway.log")
OURS = "TypeError: extract() got an unexpected keyword argument 'filter' - a fault of the embedded AWS"


def broken(*_: Any) -> Any:
    """Fail as `tarfile` of Python 3.11.2 did."""
    raise TypeError("extract() got an unexpected keyword argument 'filter'")


@pytest.fixture(autouse=True)
def log() -> Iterator[None]:
    """Tell of a log file, as a gateway does."""
    before = list(faults._LOG)
    faults.set_log(LOG)
    yield
    faults.set_log(before[0])


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("s3", "ListBuckets"),
        ("iam", "ListRoles"),
        ("logs", "DescribeLogGroups"),
        ("scheduler", "ListSchedules"),
        ("sagemaker", "ListModels"),
    ],
)
def test_each_protocol(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, service: str, operation: str
) -> None:
    """A client finds a code and the sentence in its own protocol, and the log has the traceback."""
    monkeypatch.setattr(ministack.app, "SERVICE_HANDLERS", {service: broken})
    tell_unexpected_errors()
    with caplog.at_level(logging.ERROR):
        answer: Any = ministack.app.SERVICE_HANDLERS[service]("POST", "/", {}, b"", {})
        status, headers, body = asyncio.run(answer)
    model = botocore.session.get_session().get_service_model(service)
    parser = botocore.parsers.create_parser(model.protocol)
    shape: Any = model.operation_model(operation).output_shape
    parsed = parser.parse(
        {"status_code": status, "headers": {name.lower(): value for name, value in headers.items()}, "body": body},
        shape,
    )
    assert status == 500
    assert parsed["Error"]["Code"] == "InternalFailure"
    assert OURS in parsed["Error"]["Message"]
    assert parsed["Error"]["Message"].endswith(str(LOG))
    assert "Traceback" in caplog.text


def test_a_job(caplog: pytest.LogCaptureFixture) -> None:
    """A job that an error of ours ended says so in its FailureReason."""
    reason = reason_of(broken, "processing job one")
    assert reason.startswith(f"InternalServerError: {OURS}")
    assert reason.endswith(str(LOG))
    assert "Traceback" in caplog.text
