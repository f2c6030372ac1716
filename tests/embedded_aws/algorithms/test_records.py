"""recordio-protobuf is read and written as SageMaker's guide and SDK have it."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from scipy import sparse as matrices

from embedded_aws.algorithms import recordio, records
from tests.embedded_aws.algorithms.wire import dense, sparse


def test_dense_records_are_rows() -> None:
    """Each record is a row of features and has its label."""
    read = records.read(dense([[1.5, 2], [3, 4]], labels=[0, 7]))
    assert isinstance(read.features, np.ndarray)
    assert read.labels is not None
    assert (read.features.tolist(), read.labels.tolist()) == ([[1.5, 2], [3, 4]], [[0], [7]])
    assert records.read(dense([[1.0]])).labels is None


def test_sparse_records_are_rows_of_a_sparse_matrix() -> None:
    """Keys say where values are, the shape how many there are; a record without values is a row of zeros."""
    read = records.read(sparse([{2: 1.0, 300: 2.0}, {}], 1000, labels=[1, 0]))
    assert isinstance(read.features, matrices.csr_matrix)
    assert read.features.shape == (2, 1000)
    assert dict(read.features.todok()) == {(0, 2): 1.0, (0, 300): 2.0}


def test_what_is_written_is_framed_and_padded() -> None:
    """An answer has the magic number, its length, and zeros up to four bytes; its labels stand by their names."""
    written = records.write([{"score": [0.25, 0.75], "predicted_label": [1.0]}])
    magic, length = struct.unpack("<II", written[:8])
    assert (magic, len(written) % 4) == (0xCED7230A, 0)
    [payload] = recordio.payloads(written)
    assert len(payload) == length
    assert struct.pack("<2f", 0.25, 0.75) in payload
    assert b"predicted_label" in payload


def test_a_record_in_parts_is_put_together() -> None:
    """A payload that has the magic number in it was written in two parts, without it."""
    first, last = (struct.pack("<II", 0xCED7230A, kind << 29 | 4) for kind in (1, 3))
    content = first + b"abcd" + last + b"efgh"
    assert [*recordio.payloads(content)] == [b"abcd" + struct.pack("<I", 0xCED7230A) + b"efgh"]
    assert recordio.split(content + recordio.frame(b"x")) == [content, recordio.frame(b"x")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"1,2,3,4,5\n", "no record begins at byte 0"),
        (dense([[1.0]])[:-4], "ends after"),
        (dense([[1.0]]) + b"\0", "1 bytes are left"),
        (dense([[1.0, 2.0]]) + dense([[1.0]]), "records have 1 and 2 features"),
        (dense([[1.0]], labels=[1]) + dense([[1.0]]), "1 of 2 records have a label"),
        (recordio.frame(b""), "record 0 has no feature named 'values'"),
        (sparse([{5: 1.0}], 5, labels=[0]), "the keys of record 0 do not fit"),
        (recordio.frame(b"\xff\xff"), "rror parsing"),
    ],
)
def test_what_is_no_record_is_refused(content: bytes, sentence: str) -> None:
    """The message says where, and what is wrong."""
    with pytest.raises(records.RecordError, match=sentence):
        records.read(content)
