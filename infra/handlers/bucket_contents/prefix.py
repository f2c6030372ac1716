"""The bucket's handler for a seat's prefix: one function that answers CloudFormation itself.

CDK's provider framework takes five invocations for what is one here, and a class has a hundred seats. In return there
are 15 minutes, a function's longest time: a prefix with more in it than can be deleted in them goes at the next try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.handlers.bucket_contents import handler as contents
from infra.handlers.custom_resource import ANSWER_SECONDS, answer
from teardown.buckets import ContentsError

if TYPE_CHECKING:
    from infra.handlers.bucket_contents.handler import BucketContents, Event


def handler(event: Event, context: Any) -> None:
    """Entry point of the Lambda function that CloudFormation calls: it always gets an answer."""
    answer(event, lambda asked: work(asked, contents.resource(), remaining=context.get_remaining_time_in_millis))


def work(event: Event, resource: BucketContents, *, remaining: Any) -> dict[str, Any]:
    """Fill or empty the prefix; `remaining` tells the milliseconds that the function has left."""
    done = resource.on_event(event)
    while not resource.is_complete(event)["IsComplete"]:
        if remaining() < (contents.POLL_SECONDS + ANSWER_SECONDS) * 1000:
            raise ContentsError("there is more to delete: delete the stack once more.")
    return {"PhysicalResourceId": done["PhysicalResourceId"]}
