"""The handlers that AWS's TensorFlow inference container calls around TensorFlow Serving.

The container loads this file from the artifact's code/, with code/ on PYTHONPATH, into a process that has no
TensorFlow. For each request it calls `input_handler`, posts what that returns to TensorFlow Serving's REST
address, and answers with what `output_handler` makes of the response
(aws/deep-learning-containers, tensorflow/inference/docker/build_artifacts/sagemaker/python_service.py).

It answers any exception with HTTP 500 and {"error": "<the exception's message>"}, so an InvokeEndpoint caller
finds the sentences below in ModelError's OriginalMessage. There is no way for a handler to answer 400.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bricks import LABELS
from photo import prepare
from pixels import scaled

if TYPE_CHECKING:
    import numpy.typing as npt

_JSON, _NPY, _PHOTOS = "application/json", "application/x-npy", ("image/png", "image/jpeg")
_ACCEPTED = ", ".join((_JSON, _NPY, *_PHOTOS))


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

    JSON is in that form already and passes through unchanged, or is the bare list [image, …], as a batch transform's
    InputFilter picks it out of a record; an array (48, 48) or (n, 48, 48) is uint8 0..255
    or float 0..1; a photo gets the lab's preparation. Raises ValueError, in one sentence, for anything else.
    """
    content_type = _media_type(context)
    body = data.read()
    if content_type == _JSON:
        return _checked_json(body)
    if content_type == _NPY:
        images = _array(body)
    elif content_type in _PHOTOS:
        images = prepare(body)[np.newaxis]
    else:
        raise ValueError(f"Content-Type is {content_type!r}; send one of {_ACCEPTED}.")
    return json.dumps({"instances": images.tolist()})


def output_handler(response: Response, context: Context) -> tuple[bytes | str, str]:
    """Return the answer's body and its content type, which is JSON whatever the caller would rather accept.

    JSON requests get TensorFlow Serving's own answer, all others one {"class", "label", "probability",
    "probabilities"} an image. Raises ValueError with TensorFlow Serving's message if the model refused.
    """
    if response.status_code != 200:  # noqa: PLR2004
        raise ValueError(f"The model refused the request: {response.content.decode(errors='replace')}")
    if _media_type(context) == _JSON:
        return response.content, _JSON
    rows = json.loads(response.content)["predictions"]
    return json.dumps({"predictions": [_named(row) for row in rows]}), _JSON


def _media_type(context: Context) -> str:
    """Return the Content-Type without its parameters, such as charset."""
    return context.request_content_type.partition(";")[0].strip().lower()


def _named(probabilities: list[float]) -> dict[str, Any]:
    best = int(np.argmax(probabilities))
    return {
        "class": best,
        "label": LABELS[best],
        "probability": probabilities[best],
        "probabilities": dict(zip(LABELS, probabilities, strict=True)),
    }


def _checked_json(body: bytes) -> str:
    """Check the row form here: TensorFlow Serving's own messages speak of tensors, not of pictures."""
    try:
        text = body.decode()
        document = json.loads(text)
        bare = isinstance(document, list)
        instances = document if bare else document["instances"]
        images = np.array(instances, dtype=np.float64)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError(
            'The body is not JSON of the form {"instances": [image, …]} or [image, …], each image 48 rows of 48 '
            "numbers 0..1."
        ) from None
    scaled(images, '"instances"')
    return f'{{"instances": {text}}}' if bare else text


def _array(body: bytes) -> npt.NDArray[np.float32]:
    """Read one .npy file; the size that its header claims is believed only if the body has it."""
    try:
        stream = io.BytesIO(body)
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran_order, dtype = read_header(stream)
        # An array of Python objects, the kind that would need pickle, is refused here too.
        flat = np.frombuffer(body, dtype=dtype, offset=stream.tell())
        array = flat.reshape(shape, order="F" if fortran_order else "C")
    except (ValueError, KeyError):
        raise ValueError("The body is not a whole .npy file of numbers, as numpy.save writes it.") from None
    return scaled(array[np.newaxis] if array.ndim == 2 else array, "The array")  # noqa: PLR2004
