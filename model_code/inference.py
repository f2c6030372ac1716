"""The handlers that AWS's TensorFlow inference container calls, around TensorFlow Serving or in its place.

The container loads this file from the artifact's code/, with code/ on PYTHONPATH, into a process that has no
TensorFlow. If there is a `handler` here, it answers each request by itself: there is one where the artifact carries
the network in NumPy, network.npz. Otherwise the container calls `input_handler`, posts what that returns to TensorFlow
Serving's REST address, and answers with what `output_handler` makes of the response
(aws/deep-learning-containers, tensorflow/inference/docker/build_artifacts/sagemaker/python_service.py).

It answers any exception with HTTP 500 and {"error": "<the exception's message>"}, so an InvokeEndpoint caller
finds the sentences of `read_images` in ModelError's OriginalMessage. No handler answers 400 in all of these containers:
it gives back a body and a content type, the status is 200, and only the build of 2.20 for Amazon Linux 2023 heeds the
status of falcon's HTTP errors. It also answers TensorFlow Serving's refusals itself, without `output_handler`. An alarm
on Invocation5XXErrors counts callers' mistakes, too.

Where the artifact has novelty.npz, too, an answer that names bricks also says how unlike the training images the
picture is: "novelty", above 1 where it is no brick that this model knows ("known": false).

In an inference pipeline before an algorithm of AWS's, it answers CSV of the pictures' features (see features.py), which
the algorithm's container gets as its request: there the artifact carries features.npz.

A handler answers a body and a content type, and no header: which model answers stands in the body, as "model". A
deployment asks, and compares it with the artifact's own (infra/handlers/served_model/artifact.py has the same rule).
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import orjson
import simdjson

from data import LABELS, SIDE, scaled
from network import HiddenLayers, Network, rows_of
from novelty import Novelty
from photo import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Images = npt.NDArray[np.float32]

JSON, CSV = "application/json", "text/csv"
_NPY, _PHOTOS = "application/x-npy", ("image/png", "image/jpeg")
_ACCEPTED = ", ".join((JSON, _NPY, *_PHOTOS))
_SIGNATURE = "serving_default"

_NETWORK = Path(__file__).with_name("network.npz")
_NOVELTY = Path(__file__).with_name("novelty.npz")
_FEATURES = Path(__file__).with_name("features.npz")
_RECEIPT = Path(__file__).parents[1] / "receipt.json"
_DIGITS = 16


def model_of(receipt: bytes) -> str:
    """Return the hash by which a model's answers are known, of all that has made it: what its receipt.json says."""
    return hashlib.sha256(receipt).hexdigest()[:_DIGITS]


MODEL = model_of(_RECEIPT.read_bytes()) if _RECEIPT.is_file() else ""


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

    JSON that is in that form passes through unchanged. Raises ValueError as read_images does.
    """
    content_type, body = _media_type(context), data.read()
    images = read_images(body, content_type)
    if content_type != JSON:
        return json.dumps({"instances": images.tolist()})
    text = body.decode()
    return f'{{"instances": {text}}}' if text.lstrip().startswith("[") else text


def output_handler(response: Response, context: Context) -> tuple[bytes, str]:
    """Return the answer's body and its content type, which is JSON whatever the caller would rather accept.

    JSON requests get TensorFlow Serving's own answer, all others one {"class", "label", "probability",
    "probabilities"} an image, and which "model" it was. Raises ValueError with TensorFlow Serving's message if the
    model refused.
    """
    if response.status_code != 200:  # noqa: PLR2004
        raise ValueError(f"The model refused the request: {response.content.decode(errors='replace')}")
    if _media_type(context) == JSON:
        return response.content, JSON
    return _dump_named(json.loads(response.content)["predictions"], MODEL), JSON


def answer(
    probabilities_of: Callable[[Images], Images],
    body: bytes,
    content_type: str,
    *,
    model: str,
    novelty_of: Callable[[Images], Images] | None = None,
) -> bytes:
    """Return the JSON with which a request is answered; `model` is the hash by which the model's answers are known.

    `probabilities_of` makes probabilities (n, 10) of images (n, 48, 48), `novelty_of` their novelty (n,). Raises
    ValueError as read_images does.
    """
    media_type = _plain(content_type)
    images = read_images(body, media_type)
    rows = probabilities_of(images)
    if media_type == JSON:
        return _dump({"predictions": rows})
    return _dump_named(rows, model, novelty_of(images) if novelty_of else None)


class NetworkHandler:
    """A handler that answers from the network in NumPy, in the form of the two that ask TensorFlow Serving.

    It adds to each brick that it names the picture's novelty, if it is told by what; TensorFlow Serving's own form has
    no place for that.
    """

    def __init__(self, network: Network, novelty: Novelty | None = None) -> None:
        self._network = network
        self._novelty = novelty

    def __call__(self, data: Stream, context: Context) -> tuple[bytes, str]:
        """Return what the two handlers return, and raise what they raise."""
        content_type = _media_type(context)
        hidden = self._network.hidden(read_images(data.read(), content_type))
        rows = self._network.probabilities(hidden)
        if content_type == JSON:
            return _dump({"predictions": rows}), JSON
        return _dump_named(rows, MODEL, self._novelty(hidden) if self._novelty else None), JSON


class FeaturesHandler:
    """A handler that answers a row of features for each picture, for the container behind it."""

    def __init__(self, layers: HiddenLayers) -> None:
        self._layers = layers

    def __call__(self, data: Stream, context: Context) -> tuple[bytes, str]:
        """Return CSV without labels, and raise what `read_images` raises."""
        return rows_of(self._layers(read_images(data.read(), _media_type(context)))).encode(), CSV


if _NETWORK.exists():
    handler: NetworkHandler | FeaturesHandler = NetworkHandler(
        Network.read(_NETWORK), Novelty.read(_NOVELTY) if _NOVELTY.exists() else None
    )
elif _FEATURES.exists():
    handler = FeaturesHandler(HiddenLayers.read(_FEATURES))


def _media_type(context: Context) -> str:
    return _plain(context.request_content_type)


def _plain(content_type: str) -> str:
    """Return the Content-Type without its parameters, such as charset."""
    return content_type.partition(";")[0].strip().lower()


def _named(probabilities: Sequence[float]) -> dict[str, Any]:
    best = max(range(len(LABELS)), key=probabilities.__getitem__)
    return {
        "class": best,
        "label": LABELS[best],
        "probability": probabilities[best],
        "probabilities": dict(zip(LABELS, probabilities, strict=True)),
    }


def _dump_named(rows: Any, model: str, novelty: npt.NDArray[np.float32] | None = None) -> bytes:
    predictions = [_named(row) for row in rows]
    if novelty is not None:
        for prediction, value in zip(predictions, novelty, strict=True):
            prediction.update(novelty=value, known=bool(value <= 1))
    return _dump({"predictions": predictions, "model": model})


def _dump(answer: dict[str, Any]) -> bytes:
    """Write the answer; a float32 takes as many digits as tell it from its neighbours, as with TensorFlow Serving."""
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


class _Parser(threading.local):
    """simdjson's parser keeps its memory for the next document, and must not be shared between threads."""

    def __init__(self) -> None:
        self.parser = simdjson.Parser()


_PARSER = _Parser()


def read_images(body: bytes, content_type: str) -> npt.NDArray[np.float32]:
    """Return the pictures of a request, (n, 48, 48) float32 0..1.

    JSON is TensorFlow Serving's row form {"instances": [48x48 numbers 0..1, …]} or the bare list [image, …], as a batch
    transform's InputFilter picks it out of a record; an array (48, 48) or (n, 48, 48) is uint8 0..255 or float 0..1; a
    photo gets the lab's preparation. Raises ValueError, in one sentence, for anything else.
    """
    if content_type == JSON:
        return _read_json(body)
    if content_type == _NPY:
        return _read_npy(body)
    if content_type in _PHOTOS:
        return prepare(body)[np.newaxis]
    raise ValueError(f"Content-Type is {content_type!r}; send one of {_ACCEPTED}.")


def _read_json(body: bytes) -> npt.NDArray[np.float32]:
    images = _plain_json(body)
    return scaled(_any_json(body) if images is None else images, '"instances"')


def _plain_json(body: bytes) -> npt.NDArray[np.float64] | None:
    """Return the pictures of a document without any peculiarity, in a tenth of the time; None: look more closely."""
    try:
        document: Any = _PARSER.parser.parse(body)
        if isinstance(document, simdjson.Object):
            if len(document) != 1:
                return None
            document = document["instances"]
        # The buffer is flat, whatever the nesting was: only this many brackets and rows of this length are 48x48.
        count, brackets = len(document), np.count_nonzero(np.frombuffer(body, np.uint8) == ord("["))
        if brackets != 1 + count * (1 + SIDE) or not _all_rows_whole(document):
            return None
        flat = np.frombuffer(document.as_buffer(of_type="d"))
        return flat.reshape(count, SIDE, SIDE) if count else None
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError):
        _PARSER.parser = simdjson.Parser()  # one that has failed does not recover
        return None


def _all_rows_whole(instances: Any) -> bool:
    return all(len(image) == SIDE and all(len(row) == SIDE for row in image) for image in instances)


def _any_json(body: bytes) -> npt.NDArray[np.float64]:
    try:
        document = json.loads(body.decode())
        instances = document if isinstance(document, list) else _instances(document)
        return _numbers(instances)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        raise ValueError(
            'The body is not JSON of the form {"instances": [image, …]} or [image, …], each image 48 rows of 48 '
            "numbers 0..1."
        ) from None


def _instances(document: Any) -> Any:
    """Return the row form; as TensorFlow Serving does, refuse it beside the column form or for another signature."""
    if "inputs" in document or document.get("signature_name", _SIGNATURE) != _SIGNATURE:
        raise KeyError
    return document["instances"]


def _numbers(instances: Any) -> npt.NDArray[np.float64]:
    """Return the array; texts that look like numbers, true and false are none, though NumPy would take them."""
    if not all(type(number) in (int, float) for number in np.array(instances, dtype=object).ravel()):
        raise TypeError
    return np.array(instances, dtype=np.float64)


def _read_npy(body: bytes) -> npt.NDArray[np.float32]:
    """Read one .npy file; the size that its header claims is believed only if the body has it."""
    try:
        start = _data_start(body)
        shape, fortran_order, dtype = _header(body[:start])
        # An array of Python objects, the kind that would need pickle, is refused here too.
        flat = np.frombuffer(body, dtype=dtype, offset=start)
        array = flat.reshape(shape, order="F" if fortran_order else "C")
    except (ValueError, KeyError):
        raise ValueError("The body is not a whole .npy file of numbers, as numpy.save writes it.") from None
    return scaled(array, "The array", one=True)


def _data_start(body: bytes) -> int:
    """Return where the header ends: behind magic, version and, little-endian, its length."""
    digits = {1: 2, 2: 4}[body[6]] if len(body) > 6 else 0  # noqa: PLR2004 - the version stands behind the magic
    return 8 + digits + int.from_bytes(body[8 : 8 + digits], "little")


@lru_cache(maxsize=64)
def _header(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, Fortran order and type. Callers send the same header again and again; reading one takes 0.02 ms."""
    stream = io.BytesIO(header)
    version = np.lib.format.read_magic(stream)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    found: tuple[tuple[int, ...], bool, np.dtype[Any]] = read_header(stream)
    return found
