"""The CDK CLI hears of a stack's end at once.

It asks how a stack is, and if that is still at work, again after five seconds, which nothing can set: stacks that take
one second are waited for five. So its DescribeStacks is answered here when the stack has settled, as long as a client
may be let wait. What the answer says is what it would have said then; others, who ask for what is now, are answered
now.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from embedded_aws.patches import service_handlers

if TYPE_CHECKING:
    from embedded_aws.patches.service_handlers import Handler, Response

_ASKS_EVERY_FIVE_SECONDS = "aws-cdk/"
_LOOKS_SECONDS = 0.1
_LONGEST_SECONDS = 20.0
_AT_WORK = re.compile(rb"<StackStatus>(?!REVIEW)\w+_IN_PROGRESS</StackStatus>")


def answer_the_cdk_when_settled() -> None:
    """Let the CDK CLI wait for its answer, in place of asking again."""
    service_handlers.around("cloudformation", _patiently)


def _patiently(answer: Handler) -> Handler:
    async def answered(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        latest = time.monotonic() + (_LONGEST_SECONDS if _waits(headers, body) else 0)
        while True:
            response = await answer(method, path, headers, body, query)
            if time.monotonic() >= latest or not _AT_WORK.search(response[2]):
                return response
            await asyncio.sleep(_LOOKS_SECONDS)

    return answered


def _waits(headers: dict[str, str], body: bytes) -> bool:
    """Whether the CDK CLI asks for one stack."""
    agents = [value for name, value in headers.items() if name.lower() in ("user-agent", "x-amz-user-agent")]
    if not any(_ASKS_EVERY_FIVE_SECONDS in agent for agent in agents):
        return False
    asked = parse_qs(body.decode(errors="replace"))
    return asked.get("Action") == ["DescribeStacks"] and "StackName" in asked
