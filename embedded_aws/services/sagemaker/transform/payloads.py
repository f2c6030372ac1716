"""How an input object becomes requests: taken out of its compression, split into records, put into batches.

Source: reference of TransformInput and CreateTransformJob. Not compared with AWS: that a record keeps its
line's end; the sentences.
"""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.transform.model_client import CLIENT, TransformError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_MB = 6
_MB = 1024 * 1024


def payloads(content: bytes, request: Mapping[str, Any]) -> list[bytes]:
    """The requests' bodies for one object, in the order of its records. Raises TransformError."""
    source = request["TransformInput"]
    limit = request.get("MaxPayloadInMB", DEFAULT_MB) * _MB
    if source.get("CompressionType") == "Gzip":
        content = _decompressed(content)
    records = io.BytesIO(content).readlines() if source.get("SplitType") == "Line" else [content]
    # Without a limit, everything is sent at once.
    if limit and any(len(record) > limit for record in records):
        raise TransformError(CLIENT, f"{CLIENT}: Too much data for max payload size")
    if request.get("BatchStrategy") == "SingleRecord":
        return records
    return [*_batches(records, limit)]


def _batches(records: list[bytes], limit: int) -> Iterator[bytes]:
    batch: list[bytes] = []
    size = 0
    for record in records:
        if batch and limit and size + len(record) > limit:
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield b"".join(batch)


def _decompressed(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise TransformError(CLIENT, f"{CLIENT}: The object is not in gzip's format: {error}") from error
