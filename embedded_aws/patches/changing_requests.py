"""Which requests change what a service holds, told by their operation's name, or their method."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OBJECT = re.compile(r"/([^/]+)/.+")
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_INVOCATION = re.compile(r"/(response-streaming-)?invoc\w+$")
READ_METHODS = ("GET", "HEAD", "OPTIONS")
_READS = re.compile(
    "AssumeRole|BatchGet|Check|Decrypt|Describe|Encrypt|Estimate|Filter|Generate|Get|Head|Invoke|List|Lookup|Preview"
    "|Query|ReEncrypt|Scan|Search|Sign|Simulate|Test|Validate|Verify"
)


def changes(
    service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
) -> bool:
    """Tell whether a request may change what a service holds; whether it does so only to objects of S3 is not asked."""
    target = headers.get("x-amz-target", "").rpartition(".")[2] or query.get("Action", [""])[0]
    if not target and headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        action = _ACTION.search(body)
        target = action[1].decode() if action else ""
    if target:
        return not _READS.match(target)
    if method in READ_METHODS or (service == "lambda" and _INVOCATION.search(path)):
        return False
    return not (service == "s3" and changed_object(method, path))


def changed_object(method: str, path: str) -> str:
    """Return the bucket of the object of S3 that a request changes; "" if it changes none."""
    return "" if method in READ_METHODS else object_of(path)


def object_of(path: str) -> str:
    """Return the bucket of the object of S3 that a path is of; "" if it is of none."""
    found = _OBJECT.match(path)
    return found[1] if found else ""
