"""Read and write MXNet's file of NDArrays, in which k-means, PCA and others leave their model as `model_algo-1`.

The format is that of `mx.nd.save` in MXNet 1.x (src/ndarray/ndarray.cc, NDArray::Save, version 2): a list of arrays and
a list of their names, which may be empty. MXNet itself is no longer built for the Pythons of today.
Sources of what lies in `model_algo-1`: the algorithm's own module names them.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Array = np.ndarray[Any, Any]

_LIST = 0x112
_VERSION_2 = 0xF993FAC9
_DENSE = 0
_CPU = 1
_TYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8"}  # mshadow's TypeFlag
_FLOAT32 = 0


class NDArrayError(ValueError):
    """The bytes are no file of NDArrays that can be read here."""


def dump(arrays: Sequence[Array] | Mapping[str, Array]) -> bytes:
    """Return the file of arrays, as float32, with their names if they have any."""
    names, values = ([*arrays], [*arrays.values()]) if isinstance(arrays, Mapping) else ([], arrays)
    parts = [struct.pack("<QQQ", _LIST, 0, len(values)), *map(_dump, values), struct.pack("<Q", len(names))]
    parts += [struct.pack("<Q", len(name.encode())) + name.encode() for name in names]
    return b"".join(parts)


def load(content: bytes) -> list[Array] | dict[str, Array]:
    """Return the arrays of a file, by their names if they have any. Raises NDArrayError."""
    file = io.BytesIO(content)
    try:
        magic, _, count = _read(file, "<QQQ")
        if magic != _LIST:
            raise NDArrayError(f"the file begins with {magic:#x}, and not as MXNet's list of arrays does")
        arrays = [_load(file) for _ in range(count)]
        names = [file.read(_read(file, "<Q")[0]).decode() for _ in range(_read(file, "<Q")[0])]
    except (struct.error, ValueError) as error:
        raise error if isinstance(error, NDArrayError) else NDArrayError(f"the file ends too early: {error}") from error
    return dict(zip(names, arrays, strict=True)) if names else arrays


def _dump(array: Array) -> bytes:
    values = np.ascontiguousarray(array, dtype="<f4")
    shape = struct.pack(f"<I{values.ndim}q", values.ndim, *values.shape)
    return struct.pack("<Ii", _VERSION_2, _DENSE) + shape + struct.pack("<iii", _CPU, 0, _FLOAT32) + values.tobytes()


def _load(file: io.BytesIO) -> Array:
    version, storage = _read(file, "<Ii")
    if version != _VERSION_2 or storage != _DENSE:
        raise NDArrayError(
            f"an array of version {version:#x} and storage type {storage} can't be read, only dense ones"
        )
    (dimensions,) = _read(file, "<I")
    shape = _read(file, f"<{dimensions}q")
    _, _, kind = _read(file, "<iii")
    if kind not in _TYPES:
        raise NDArrayError(f"an array of type {kind} can't be read")
    size = int(np.prod(shape)) * np.dtype(_TYPES[kind]).itemsize
    return np.frombuffer(file.read(size), _TYPES[kind]).reshape(shape)


def _read(file: io.BytesIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))
