"""The bucket's handler for a seat's prefix: one function that answers CloudFormation itself.

CDK's provider framework takes five invocations for what is one here, and a class has a hundred seats. In return there
are 15 minutes, a function's longest time: a prefix with more in it than can be deleted in them goes at the next try.
"""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from . import handler as contents

if TYPE_CHECKING:
    from .handler import BucketContents, Event

_ANSWER_SECONDS = 60  # what is left of the function's time when the answer has to go out
_REASON_LENGTH = 2000  # CloudFormation takes 4,096 bytes of answer


def handler(event: Event, context: Any) -> None:
    """Entry point of the Lambda function that CloudFormation calls: it always gets an answer."""
    answer = answer_to(event, contents.resource(), remaining=context.get_remaining_time_in_millis)
    body = json.dumps(answer).encode()
    # The signature of the address is for a request without a content type.
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310 - CloudFormation's own address
    urllib.request.urlopen(request, timeout=_ANSWER_SECONDS / 2).close()  # noqa: S310 - the same


def answer_to(event: Event, resource: BucketContents, *, remaining: Any) -> dict[str, Any]:
    """What CloudFormation is answered; `remaining` tells the milliseconds that the function has left."""
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    # A Delete that follows a failed Create is told this id again, and has nothing to delete under it.
    answer["PhysicalResourceId"] = event.get("PhysicalResourceId") or event["RequestId"]
    try:
        answer |= resource.on_event(event)
        while not resource.is_complete(event)["IsComplete"]:
            if remaining() < (contents.POLL_SECONDS + _ANSWER_SECONDS) * 1000:
                return {**answer, "Status": "FAILED", "Reason": "There is more to delete: delete the stack once more."}
    except Exception as error:  # noqa: BLE001 - a stack that gets no answer hangs for an hour
        return {**answer, "Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:_REASON_LENGTH]}
    return {**answer, "Status": "SUCCESS"}
