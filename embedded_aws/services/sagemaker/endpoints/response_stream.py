"""InvokeEndpointWithResponseStream: a container's answer in parts, as they come, in AWS's event stream encoding.

The framing is that which botocore's `eventstream` decodes (no maintained library encodes it); events and exceptions are
those of its model of sagemaker-runtime. A container that answers in one piece, as AWS's TensorFlow container does, is
passed on in the pieces in which that comes. Headers of the answer: langchain-ai/langchain-aws#128. The sentence of a
model that does not finish in time: aws/sagemaker-python-sdk#1119. Not compared with AWS: that it has 60 seconds for all
of it; the other sentence; that such an answer is not captured.
"""

from __future__ import annotations

import json
import struct
import time
from binascii import crc32
from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.streamed import StreamedBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from embedded_aws.services.sagemaker.endpoints.invocation import BegunAnswer, Measured, Response

_TOO_LATE = "Your model primary did not complete sending the inference response in the allotted time."
_BROKEN = "The connection to your model primary was closed before it had sent the whole inference response."
_STRING = 7


def answer(begun: BegunAnswer, measured: Measured, done: Callable[[], object]) -> Response:
    """Return the answer that passes a container's on; `done` is called when it has ended, however it has."""
    headers = {"Content-Type": "application/vnd.amazon.eventstream"}
    if content_type := begun.headers.pop("Content-Type", ""):
        headers["X-Amzn-SageMaker-Content-Type"] = content_type
    return HTTPStatus.OK, {**headers, **begun.headers}, StreamedBody.of(_events(begun, measured, done))


async def _events(begun: BegunAnswer, measured: Measured, done: Callable[[], object]) -> AsyncIterator[bytes]:
    began = time.perf_counter()
    try:
        async for part in begun.parts():
            yield _frame({":message-type": "event", ":event-type": "PayloadPart"}, "application/octet-stream", part)
    except TimeoutError:
        yield _model_stream_error("ModelInvocationTimeExceeded", _TOO_LATE)
    except OSError:
        yield _model_stream_error("StreamBroken", _BROKEN)
    finally:
        begun.close()
        measured.seconds += time.perf_counter() - began
        done()


def _model_stream_error(code: str, message: str) -> bytes:
    document = json.dumps({"Message": message, "ErrorCode": code}).encode()
    return _frame({":message-type": "exception", ":exception-type": "ModelStreamError"}, "application/json", document)


def _frame(headers: dict[str, str], content_type: str, payload: bytes) -> bytes:
    """Return one message: its length, that of the headers, their checksum, headers, payload, checksum of all."""
    described = b"".join(map(_header, (":content-type", *headers), (content_type, *headers.values())))
    prelude = struct.pack("!II", 16 + len(described) + len(payload), len(described))
    message = prelude + struct.pack("!I", crc32(prelude)) + described + payload
    return message + struct.pack("!I", crc32(message))


def _header(name: str, value: str) -> bytes:
    return struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _STRING, len(value)) + value.encode()
