"""InvokeEndpointWithResponseStream passes a container's answer on in parts, as they come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError

from embedded_aws.services.sagemaker.endpoints import response_stream
from embedded_aws.services.sagemaker.endpoints.invocation import Measured
from embedded_aws.streamed import StreamedBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.embedded_aws.account import Account

HANDLER = b"""
def handler(data, context):
    if context.request_content_type == "text/boom":
        raise ValueError("no such thing")
    return data.read() * 1000, context.accept_header
"""


@pytest.fixture(scope="module")
def endpoint(hurried: Account) -> str:
    """An endpoint that answers a thousand times what it is asked."""
    return hurried.endpoint(hurried.config(hurried.model({"1/saved_model.pb": b"", "code/inference.py": HANDLER})))


def test_an_answer_comes_in_parts(hurried: Account, endpoint: str) -> None:
    """Joined they are the answer; its content type, and the variant, are told before."""
    answer = hurried.runtime.invoke_endpoint_with_response_stream(
        EndpointName=endpoint, ContentType="text/plain", Accept="text/x-brick", Body=b"brick" * 400
    )
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/x-brick", "v0")
    parts = [event["PayloadPart"]["Bytes"] for event in answer["Body"]]
    assert len(parts) > 1
    assert b"".join(parts) == b"brick" * 400_000


def test_a_model_that_fails_is_told_at_once(hurried: Account, endpoint: str) -> None:
    """ModelError, as InvokeEndpoint has it, and what is not there is ValidationError."""
    ask = hurried.runtime.invoke_endpoint_with_response_stream
    with pytest.raises(ClientError) as refused:
        ask(EndpointName=endpoint, ContentType="text/boom", Body=b"brick")
    answered: Any = refused.value.response
    assert (answered["Error"]["Code"], answered["OriginalStatusCode"]) == ("ModelError", 500)
    for request in ({"EndpointName": "nobody"}, {"EndpointName": endpoint, "TargetVariant": "other"}):
        with pytest.raises(ClientError) as refused:
            ask(**request, Body=b"brick")
        assert refused.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("error", "code"), [(TimeoutError(), "ModelInvocationTimeExceeded"), (ConnectionError(), "StreamBroken")]
)
def test_a_stream_that_breaks_says_so(error: Exception, code: str) -> None:
    """ModelStreamError with its ErrorCode is the last that a client gets; the request is counted out."""

    class Begun:
        headers: dict[str, str] = {}  # noqa: RUF012 - nobody changes them

        async def parts(self) -> AsyncIterator[bytes]:
            yield b"half"
            raise error

        def close(self) -> None:
            """Have nothing to let go."""

    ended: list[bool] = []
    begun: Any = Begun()
    _, _, body = response_stream.answer(begun, Measured(), lambda: ended.append(True))
    assert isinstance(body, StreamedBody)

    async def received() -> bytes:
        return b"".join([piece async for piece in body.pieces])

    buffer = EventStreamBuffer()
    buffer.add_data(asyncio.run(received()))
    part, last = [event.to_response_dict() for event in buffer]
    assert part["body"] == b"half"
    assert last["headers"][":exception-type"] == "ModelStreamError"
    assert code.encode() in last["body"]
    assert ended
