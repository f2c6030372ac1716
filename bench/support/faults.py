"""What AWS answers when it is asked too much or is in trouble, in each of its protocols; which calls change anything.

Source: Smithy's specifications of the AWS protocols, "Operation error serialization"; of S3, its API reference, "Error
responses".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_READING = (
    "Assume",
    "BatchGet",
    "Describe",
    "Download",
    "Estimate",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Query",
    "Simulate",
)
_SAID = "Rate exceeded"


@dataclass(frozen=True)
class Refusal:
    """An answer in the place of the one that was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def changes(operation: str) -> bool:
    """Return whether an operation may leave something behind, by its name."""
    return not operation.startswith(_READING)


def throttled(service: str, protocol: str) -> Refusal:
    """Return how a service says that it is asked too much."""
    if service == "s3":
        return _refusal("rest-xml", "SlowDown", 503)
    return _refusal(protocol, "ThrottlingException" if "json" in protocol else "Throttling", 400)


def in_trouble(protocol: str) -> Refusal:
    """Return how a service says that it is out of order for a moment."""
    return _refusal(protocol, "ServiceUnavailable", 503)


def _refusal(protocol: str, code: str, status: int) -> Refusal:
    if protocol == "rest-xml":
        body = f"<Error><Code>{code}</Code><Message>{_SAID}</Message><RequestId>0</RequestId></Error>"
        return Refusal(status, {"Content-Type": "application/xml"}, body.encode())
    if protocol == "ec2":
        body = f"<Response><Errors><Error><Code>{code}</Code><Message>{_SAID}</Message></Error></Errors></Response>"
        return Refusal(status, {"Content-Type": "text/xml"}, body.encode())
    if protocol == "query":
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{_SAID}</Message></Error>"
        body = f"<ErrorResponse>{error}<RequestId>0</RequestId></ErrorResponse>"
        return Refusal(status, {"Content-Type": "text/xml"}, body.encode())
    content = json.dumps({"__type": code, "message": _SAID}).encode()
    return Refusal(status, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, content)
