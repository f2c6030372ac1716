"""The handlers that AWS's TensorFlow inference container calls, around TensorFlow Serving or in its place.

The container loads this file from the artifact's code/, with code/ on PYTHONPATH, into a process that has no
TensorFlow. If there is a `handler` here, it answers each request by itself: there is one where the artifact carries
the network in NumPy, network.npz. Otherwise the container calls `input_handler`, posts what that returns to TensorFlow
Serving's REST address, and answers with what `output_handler` makes of the response
(aws/deep-learning-containers, tensorflow/inference/docker/build_artifacts/sagemaker/python_service.py).

It answers any exception with HTTP 500 and {"error": "<the exception's message>"}, so an InvokeEndpoint caller
finds the sentences of payload.py in ModelError's OriginalMessage. There is no way for a handler to answer 400, up to
2.20, the last of them: it gives back a body and a content type, the status is 200; falcon 3.1's own HTTP errors are
exceptions like any other there, and nginx passes the status on. An alarm on Invocation5XXErrors counts callers'
mistakes, too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import orjson

import payload
from bricks import LABELS
from network import Network

if TYPE_CHECKING:
    from collections.abc import Sequence


_NETWORK = Path(__file__).with_name("network.npz")


class Stream(Protocol):
    """The request's body."""

    def read(self) -> bytes:
        """Return all of it."""


class Context(Protocol):
    """What the handlers need of the container's named tuple of that name."""

    @property
    def request_content_type(self) -> str:
        """The request's Content-Type, `application/json` if it had none."""


class Response(Protocol):
    """What the handlers need of TensorFlow Serving's answer, a `requests.Response`."""

    @property
    def status_code(self) -> int:
        """200 if the model answered."""

    @property
    def content(self) -> bytes:
        """A JSON document: "predictions", or "error"."""


def input_handler(data: Stream, context: Context) -> str:
    """Return the request in TensorFlow Serving's row form: {"instances": [48x48 numbers 0..1, …]}.

    JSON that is in that form passes through unchanged. Raises ValueError as payload.read does.
    """
    content_type, body = _media_type(context), data.read()
    images = payload.read(body, content_type)
    if content_type != payload.JSON:
        return json.dumps({"instances": images.tolist()})
    text = body.decode()
    return f'{{"instances": {text}}}' if text.lstrip().startswith("[") else text


def output_handler(response: Response, context: Context) -> tuple[bytes, str]:
    """Return the answer's body and its content type, which is JSON whatever the caller would rather accept.

    JSON requests get TensorFlow Serving's own answer, all others one {"class", "label", "probability",
    "probabilities"} an image. Raises ValueError with TensorFlow Serving's message if the model refused.
    """
    if response.status_code != 200:  # noqa: PLR2004
        raise ValueError(f"The model refused the request: {response.content.decode(errors='replace')}")
    if _media_type(context) == payload.JSON:
        return response.content, payload.JSON
    return _dump([_named(row) for row in json.loads(response.content)["predictions"]]), payload.JSON


class Answers:
    """Does with a network of its own what the two handlers do with TensorFlow Serving."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def __call__(self, data: Stream, context: Context) -> tuple[bytes, str]:
        """Return what the two handlers return, and raise what they raise."""
        content_type = _media_type(context)
        rows = self._network(payload.read(data.read(), content_type))
        return _dump(rows if content_type == payload.JSON else [_named(row) for row in rows]), payload.JSON


if _NETWORK.exists():
    handler = Answers(Network.read(_NETWORK))


def _media_type(context: Context) -> str:
    """Return the Content-Type without its parameters, such as charset."""
    return context.request_content_type.partition(";")[0].strip().lower()


def _named(probabilities: Sequence[float]) -> dict[str, Any]:
    best = max(range(len(LABELS)), key=probabilities.__getitem__)
    return {
        "class": best,
        "label": LABELS[best],
        "probability": probabilities[best],
        "probabilities": dict(zip(LABELS, probabilities, strict=True)),
    }


def _dump(predictions: Any) -> bytes:
    """Write the answer; a float32 takes as many digits as tell it from its neighbours, as with TensorFlow Serving."""
    return orjson.dumps({"predictions": predictions}, option=orjson.OPT_SERIALIZE_NUMPY)
