"""Read and write application/x-recordio-protobuf: records of features and labels, as matrices.

The messages are those of SageMaker's guide, "Common Data Formats - Training" (package aialgs.data). What the SageMaker
SDK's `write_numpy_to_dense_tensor` and `write_spmatrix_to_sparse_tensor` write is what is read here.

Not compared with AWS: that a sparse record without a shape is refused, which the guide says must have one; that dense
and sparse records in one file become a sparse matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from scipy import sparse

from embedded_aws.algorithms import recordio

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_VALUES = "values"  # the one feature, and the one label, that vectors are records of
_FIELD = descriptor_pb2.FieldDescriptorProto
_TENSORS = {"Float32Tensor": _FIELD.TYPE_FLOAT, "Float64Tensor": _FIELD.TYPE_DOUBLE, "Int32Tensor": _FIELD.TYPE_INT32}

Matrix = Any
"""A matrix of records: an ndarray, or a csr_matrix of SciPy, which has no types."""


class RecordError(ValueError):
    """The bytes are no records of which a matrix can be made, and the message says why."""


@dataclass(frozen=True)
class Records:
    """Features (n, d), dense or sparse, and labels (n, width); None where no record has any."""

    features: Matrix
    labels: np.ndarray[Any, Any] | None


def read(content: bytes) -> Records:
    """Return the records of a file or a request. Raises RecordError."""
    rows: list[_Row] = []
    labels: list[np.ndarray[Any, Any]] = []
    try:
        for number, payload in enumerate(recordio.payloads(content)):
            record = _RECORD.FromString(payload)
            rows.append(_tensor(record.features, "feature", number))
            if record.label:
                labels.append(_tensor(record.label, "label", number).values)
    except (recordio.RecordIOError, DecodeError) as error:
        raise RecordError(str(error)) from error
    if labels and len(labels) != len(rows):
        raise RecordError(f"{len(labels)} of {len(rows)} records have a label")
    widths = {len(label) for label in labels}
    if len(widths) > 1:
        raise RecordError(f"records have labels of {_listed(widths)} values")
    return Records(_matrix(rows), np.stack(labels) if labels else None)


def write(labels: Iterable[Mapping[str, Sequence[float]]]) -> bytes:
    """Return an answer: a record for each mapping, without features, its labels float32 by their names."""
    return b"".join(recordio.frame(_answer(one)) for one in labels)


def _answer(labels: Mapping[str, Sequence[float]]) -> bytes:
    record = _RECORD()
    for name, values in labels.items():
        record.label[name].float32_tensor.values.extend(values)
    return bytes(record.SerializeToString(deterministic=True))


@dataclass(frozen=True)
class _Row:
    """A vector: its values, where they are if it is sparse, and its dimension."""

    values: np.ndarray[Any, Any]
    keys: np.ndarray[Any, Any] | None
    dimension: int


def _tensor(fields: Any, what: str, number: int) -> _Row:
    """Return the vector of a map of values. Raises RecordError."""
    if _VALUES not in fields:
        raise RecordError(f"record {number} has no {what} named '{_VALUES}'")
    value = fields[_VALUES]
    kind = value.WhichOneof("value")
    if kind in {None, "bytes"}:
        raise RecordError(f"the {what} of record {number} is no tensor of numbers")
    tensor = getattr(value, kind)
    values = np.fromiter(tensor.values, np.float32, len(tensor.values))
    if not tensor.keys:
        # A sparse vector of zeros has no keys either: its shape tells it.
        dimension = int(np.prod(tensor.shape)) if tensor.shape and not tensor.values else len(values)
        return _Row(values, np.empty(0, np.int64) if dimension != len(values) else None, dimension)
    keys = np.fromiter(tensor.keys, np.int64, len(tensor.keys))
    if not tensor.shape:
        raise RecordError(f"the sparse {what} of record {number} has no shape")
    dimension = int(np.prod(tensor.shape))
    if len(keys) != len(values) or (len(keys) and keys.max() >= dimension):
        raise RecordError(f"the keys of record {number} do not fit its {len(values)} values and {dimension} dimensions")
    return _Row(values, keys, dimension)


def _matrix(rows: Sequence[_Row]) -> Matrix:
    dimensions = {row.dimension for row in rows}
    if len(dimensions) > 1:
        raise RecordError(f"records have {_listed(dimensions)} features")
    dimension = dimensions.pop() if dimensions else 0
    if all(row.keys is None for row in rows):
        return np.stack([row.values for row in rows]) if rows else np.empty((0, 0), np.float32)
    keys = [np.arange(row.dimension) if row.keys is None else row.keys for row in rows]
    ends = np.cumsum([0, *(len(row.values) for row in rows)])
    matrix = sparse.csr_matrix(
        (np.concatenate([row.values for row in rows]), np.concatenate(keys), ends), shape=(len(rows), dimension)
    )
    matrix.sum_duplicates()
    return matrix


def _listed(numbers: set[int]) -> str:
    return " and ".join(str(number) for number in sorted(numbers)[:2])


def _record_class() -> Any:
    """Make the class of Record in a pool of its own: the SageMaker SDK has its own file of these names."""
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")
    for name, kind in _TENSORS.items():
        tensor = file.message_type.add(name=name)
        for number, (field, of) in enumerate({"values": kind, "keys": _UINT64, "shape": _UINT64}.items(), 1):
            tensor.field.add(name=field, number=number, type=of, label=_FIELD.LABEL_REPEATED).options.packed = True
    content = file.message_type.add(name="Bytes")
    content.field.add(name="value", number=1, type=_FIELD.TYPE_BYTES, label=_FIELD.LABEL_REPEATED)
    content.field.add(name="content_type", number=2, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    fields = {
        "float32_tensor": (2, "Float32Tensor"),
        "float64_tensor": (3, "Float64Tensor"),
        "int32_tensor": (7, "Int32Tensor"),
        "bytes": (9, "Bytes"),
    }
    for field, (number, of) in fields.items():
        value.field.add(
            name=field,
            number=number,
            type=_FIELD.TYPE_MESSAGE,
            type_name=f".aialgs.data.{of}",
            label=_FIELD.LABEL_OPTIONAL,
            oneof_index=0,
        )
    record = file.message_type.add(name="Record")
    for number, (field, entry_name) in enumerate({"features": "FeaturesEntry", "label": "LabelEntry"}.items(), 1):
        entry = record.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
        entry.field.add(
            name="value",
            number=2,
            type=_FIELD.TYPE_MESSAGE,
            type_name=".aialgs.data.Value",
            label=_FIELD.LABEL_OPTIONAL,
        )
        record.field.add(
            name=field,
            number=number,
            type=_FIELD.TYPE_MESSAGE,
            type_name=f".aialgs.data.Record.{entry_name}",
            label=_FIELD.LABEL_REPEATED,
        )
    for number, field in enumerate(("uid", "metadata", "configuration"), 3):
        record.field.add(name=field, number=number, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    described = pool.FindMessageTypeByName("aialgs.data.Record")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(described)
    return message_factory.MessageFactory(pool).GetPrototype(described)  # protobuf 3.20, of XGBoost's older images


_UINT64 = _FIELD.TYPE_UINT64
_RECORD = _record_class()
