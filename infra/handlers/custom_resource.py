"""Answers of a function to CloudFormation itself, without CDK's provider framework: a custom resource of one call."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_SECONDS = 60  # what is left of the function's time when the answer has to go out
_PAUSES = (1, 2, 4)  # seconds between the attempts to answer
_REASON_LENGTH = 2000  # CloudFormation takes 4,096 bytes of answer

Event = dict[str, Any]


def answer(event: Event, work: Callable[[Event], dict[str, Any]]) -> None:
    """Do the work and tell CloudFormation how it ended: a stack that gets no answer hangs for an hour.

    `work` answers PhysicalResourceId, and Data if there is some; what it raises is the failure's reason.
    """
    body = json.dumps(outcome(event, work)).encode()
    # The signature of the address is for a request without a content type.
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310 - CloudFormation's own address
    for pause in (*_PAUSES, None):
        try:
            urllib.request.urlopen(request, timeout=ANSWER_SECONDS / 6).close()  # noqa: S310 - the same
        except OSError:  # S3, where it goes, has put it off, or its answer got lost
            if pause is None:
                raise
            time.sleep(pause)
        else:
            return


def outcome(event: Event, work: Callable[[Event], dict[str, Any]]) -> dict[str, Any]:
    """Do the work; return what CloudFormation is to be told, for which see `answer`."""
    told = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    # A Delete that follows a failed Create is told this id again, by which it may know it.
    told["PhysicalResourceId"] = event.get("PhysicalResourceId") or event["RequestId"]
    try:
        return {**told, **work(event), "Status": "SUCCESS"}
    except Exception as error:  # noqa: BLE001 - see answer
        return {**told, "Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:_REASON_LENGTH]}
