"""Matrices out of what is sent in a content type: channels' files and requests' bodies alike.

Source: SageMaker's guide, "Common Data Formats" for training and for inference. CSV has its labels first, as many as
the content type's `label_size` says.
"""

from __future__ import annotations

import io
import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from embedded_aws.algorithms import content_types, records
from embedded_aws.algorithms.records import Records

if TYPE_CHECKING:
    from collections.abc import Sequence


class ContentError(ValueError):
    """A body is not what its content type says, and the message says where."""


def read(content: bytes, content_type: str, *, label_size: int) -> Records:
    """Return what a body holds; `label_size` is a CSV's where its content type has none. Raises ContentError."""
    kind, parameters = content_types.parse(content_type.lower())
    if kind == content_types.CSV:
        return _csv(content, _label_size(parameters.get("label_size", str(label_size))))
    try:
        if kind == content_types.RECORDIO_PROTOBUF:
            return records.read(content)
        document = json.loads(content) if kind == content_types.JSON else _lines(content)
    except ValueError as error:
        raise ContentError(str(error)) from error
    if not isinstance(document, dict) or not isinstance(document.get("instances"), list):
        raise ContentError("the document has no list named 'instances'")
    return Records(_matrix([_vector(each) for each in document["instances"]]), None)


def check_finite(features: records.Matrix) -> str:
    """Return what is wrong with the values, `NaN` or `Inf`; empty if nothing is."""
    values = features.data if sparse.issparse(features) else features
    if np.isnan(values).any():
        return "NaN"
    return "Inf" if np.isinf(values).any() else ""


def _label_size(text: str) -> int:
    if not text.isdecimal():
        raise ContentError(f"label_size is {text}, and not a number of columns")
    return int(text)


def _csv(content: bytes, label_size: int) -> Records:
    if not content.strip():
        return Records(np.empty((0, 0), np.float32), None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = np.loadtxt(io.BytesIO(content), np.float32, delimiter=",", comments=None, ndmin=2, quotechar='"')
    except (ValueError, UserWarning) as error:
        raise ContentError(str(error)) from error
    if table.shape[1] < label_size:
        raise ContentError(f"rows have {table.shape[1]} columns, and label_size is {label_size}")
    return Records(table[:, label_size:], table[:, :label_size] if label_size else None)


def _lines(content: bytes) -> dict[str, Any]:
    return {"instances": [json.loads(line) for line in content.splitlines() if line.strip()]}


def _vector(instance: Any) -> Any:
    """Return an instance's vector: a list of numbers, or a mapping of keys, shape and values."""
    if isinstance(instance, dict) and "data" in instance:
        instance = instance["data"]
    if not isinstance(instance, dict) or "features" not in instance:
        raise ContentError("an instance has no 'features'")
    vector = instance["features"]
    return vector["values"] if isinstance(vector, dict) and not vector.get("keys") and "values" in vector else vector


def _matrix(vectors: Sequence[Any]) -> records.Matrix:
    """Return the vectors as rows, sparse if one of them is. Raises ContentError."""
    if not vectors:
        raise ContentError("there is no instance")
    try:
        if not any(isinstance(vector, dict) for vector in vectors):
            dense = np.array(vectors, dtype=np.float32)
            if dense.ndim != 2:  # noqa: PLR2004 - rows and columns
                raise ContentError("an instance's features are no vector")
            return dense
        return sparse.csr_matrix(sparse.vstack([_sparse_row(vector) for vector in vectors]))
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise ContentError(f"an instance's features are no vector of numbers: {error}") from error


def _sparse_row(vector: Any) -> sparse.csr_matrix:
    if not isinstance(vector, dict):
        return sparse.csr_matrix(np.array([vector], dtype=np.float32))
    values = np.array(vector["values"], dtype=np.float32)
    keys = np.array(vector["keys"], dtype=np.int64)
    return sparse.csr_matrix((values, (np.zeros(len(keys), dtype=np.int64), keys)), shape=(1, int(vector["shape"][0])))
