"""recordio-protobuf written by hand: SageMaker's guide has the messages and the numbers of their fields."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from embedded_aws.algorithms import recordio

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def dense(features: Iterable[Iterable[float]], labels: Iterable[float] | None = None) -> bytes:
    """Return records of float32 tensors, with a label each if there are any."""
    marks = None if labels is None else [*labels]
    return b"".join(
        recordio.frame(
            _entry(1, _field(1, struct.pack(f"<{len(values)}f", *values)))
            + (b"" if marks is None else _entry(2, _field(1, struct.pack("<f", marks[number]))))
        )
        for number, values in enumerate([*map(float, row)] for row in features)
    )


def sparse(rows: Iterable[Mapping[int, float]], shape: int, labels: Iterable[float]) -> bytes:
    """Return records of sparse float32 tensors: of each row the values by their keys."""
    return b"".join(
        recordio.frame(
            _entry(
                1,
                _field(1, struct.pack(f"<{len(row)}f", *row.values()))
                + _field(2, b"".join(map(_varint, row)))
                + _field(3, _varint(shape)),
            )
            + _entry(2, _field(1, struct.pack("<f", label)))
        )
        for row, label in zip(rows, labels, strict=True)
    )


def _entry(number: int, tensor: bytes) -> bytes:
    """Return the entry `values` of the map of features (1) or labels (2), with a Float32Tensor (2) as its Value."""
    return _field(number, _field(1, b"values") + _field(2, _field(2, tensor)))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
