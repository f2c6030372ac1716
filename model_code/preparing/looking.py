"""Look at many photos in S3: a process a core, and in each threads that only wait for what S3 takes to answer.

Every worker imports this module, so it leaves out what takes seconds to import.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from photo import Photo
from preparing import s3
from preparing.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from preparing.listed import Listed

_TOGETHER = 64  # photos that a worker gets at a time: enough to keep its threads busy, few enough to share out evenly
_THREADS = 8


def look_at(photos: Sequence[Listed]) -> Iterator[list[Entry]]:
    """Read and prepare the photos; their entries in the same order, some at a time.

    Raises ValueError, in one sentence, when S3 does not hand out one of them.
    """
    parts = [photos[start : start + _TOGETHER] for start in range(0, len(photos), _TOGETHER)]
    workers = min(os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1, len(parts))
    # A core has its process: NumPy's own threads would take turns with the others' at multiplying small matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Not forked: threads of boto3 in the parent would leave their locks behind in the children.
    start_anew = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=start_anew) as pool:
        yield from pool.map(_look_at_some, parts)


def _look_at_some(photos: Sequence[Listed]) -> list[Entry]:
    contents = _threads().map(_read, [listed.uri for listed in photos])
    return [_look(listed, content) for listed, content in zip(photos, contents, strict=True)]


def _look(listed: Listed, content: bytes) -> Entry:
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        photo = Photo(content)
    except ValueError as error:
        return Entry(path=listed.path, label=listed.label, sha256=sha256, dropped=str(error))
    return Entry(
        path=listed.path,
        label=listed.label,
        sha256=sha256,
        width=photo.width,
        height=photo.height,
        brightness=photo.brightness(),
        pixels=photo.pixels(),
    )


def _read(uri: str) -> bytes:
    try:
        return _s3().read(uri)
    except ClientError as error:
        raise ValueError(f"{uri} could not be read: {error}") from None


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS)


@cache
def _s3() -> s3.Reader:
    return s3.Reader(_THREADS)
