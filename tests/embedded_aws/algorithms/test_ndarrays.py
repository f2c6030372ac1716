"""MXNet's file of NDArrays is written and read, byte for byte."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from embedded_aws.algorithms import ndarrays

# mx.nd.save of one array [[1, 2, 3]] named `w`: list, reserved, 1 array; version 2, dense, 2 dimensions of 1 and 3, on
# the CPU 0, float32; the numbers; 1 name of 1 byte.
FILE = struct.pack("<QQQ", 0x112, 0, 1) + struct.pack("<IiIqqiii", 0xF993FAC9, 0, 2, 1, 3, 1, 0, 0)
FILE += struct.pack("<3f", 1, 2, 3) + struct.pack("<QQ", 1, 1) + b"w"


def test_a_file_of_named_arrays() -> None:
    """What is written is MXNet's format, and is read back."""
    assert ndarrays.dump({"w": np.array([[1, 2, 3]])}) == FILE
    read = ndarrays.load(FILE)
    assert isinstance(read, dict)
    assert read["w"].tolist() == [[1, 2, 3]]


def test_arrays_without_names_are_a_list() -> None:
    """As k-means leaves its centers."""
    [read] = ndarrays.load(ndarrays.dump([np.eye(2)]))
    assert np.array_equal(read, np.eye(2))


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(30), FILE[:40], FILE[:-20]])
def test_another_file_is_refused(content: bytes) -> None:
    """One that is no list of arrays, or ends too early."""
    with pytest.raises(ndarrays.NDArrayError):
        ndarrays.load(content)
