"""An object becomes the requests that its job's strategy asks for."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from embedded_aws.services.sagemaker.transform.invocations import TransformError, payloads

HALF = b"x" * (512 * 1024 - 1) + b"\n"


def request(*, split: str = "Line", compression: str = "None", **more: Any) -> dict[str, Any]:
    """Return the members that matter of a CreateTransformJob."""
    return {"TransformInput": {"SplitType": split, "CompressionType": compression}, **more}


def test_a_batch_has_as_many_records_as_fit() -> None:
    """MultiRecord fills a request up to MaxPayloadInMB, and loses nothing."""
    assert payloads(HALF * 5, request(MaxPayloadInMB=1)) == [HALF * 2, HALF * 2, HALF]
    assert payloads(HALF * 5, request(MaxPayloadInMB=0)) == [HALF * 5]


def test_a_single_record_is_a_request() -> None:
    """SingleRecord sends line by line, and what is not split whole."""
    assert payloads(b"a\nb\r\nc", request(BatchStrategy="SingleRecord")) == [b"a\n", b"b\r\n", b"c"]
    assert payloads(b"a\nb", request(split="None", BatchStrategy="SingleRecord")) == [b"a\nb"]


@pytest.mark.parametrize("split", ["None", "Line"])
def test_a_record_that_is_too_large(split: str) -> None:
    """Neither an object nor a line of it may be larger than MaxPayloadInMB."""
    with pytest.raises(TransformError, match="Too much data for max payload size"):
        payloads(b"x" * (1024 * 1024 + 1), request(split=split, MaxPayloadInMB=1))


def test_gzip_is_taken_off() -> None:
    """An object in gzip's format is split as its content; one that is not fails by itself."""
    assert payloads(gzip.compress(b"a\nb\n"), request(compression="Gzip")) == [b"a\nb\n"]
    with pytest.raises(TransformError, match="not in gzip's format"):
        payloads(b"a\nb\n", request(compression="Gzip"))
