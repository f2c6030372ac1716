"""What a request brings: pictures as JSON, as an array or as a photo, checked and ready for the network."""

from __future__ import annotations

import io
import json
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import simdjson

from bricks import SIDE
from photo import prepare
from pixels import scaled

if TYPE_CHECKING:
    import numpy.typing as npt

JSON = "application/json"
_NPY, _PHOTOS = "application/x-npy", ("image/png", "image/jpeg")
_ACCEPTED = ", ".join((JSON, _NPY, *_PHOTOS))
_SIGNATURE = "serving_default"


class _Parser(threading.local):
    """simdjson's parser keeps its memory for the next document, and must not be shared between threads."""

    def __init__(self) -> None:
        self.parser = simdjson.Parser()


_PARSER = _Parser()


def read(body: bytes, content_type: str) -> npt.NDArray[np.float32]:
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
    """The pictures of a document without any peculiarity, in a tenth of the time; None leaves it to the closer look."""
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
    """The row form; as TensorFlow Serving does, refuse it beside the column form or for another signature."""
    if "inputs" in document or document.get("signature_name", _SIGNATURE) != _SIGNATURE:
        raise KeyError
    return document["instances"]


def _numbers(instances: Any) -> npt.NDArray[np.float64]:
    """The array; texts that look like numbers, true and false are none, though NumPy would take them."""
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
    """Where the header ends: behind magic, version and, little-endian, its length."""
    digits = {1: 2, 2: 4}[body[6]] if len(body) > 6 else 0  # noqa: PLR2004 - the version stands behind the magic
    return 8 + digits + int.from_bytes(body[8 : 8 + digits], "little")


@lru_cache(maxsize=64)
def _header(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, Fortran order and type. Callers send the same header again and again, and reading one takes 0.02 ms."""
    stream = io.BytesIO(header)
    version = np.lib.format.read_magic(stream)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    found: tuple[tuple[int, ...], bool, np.dtype[Any]] = read_header(stream)
    return found
