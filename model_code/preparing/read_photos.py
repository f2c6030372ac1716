"""Read many photos from S3: a process a core, and in each threads that only wait for what S3 takes to answer.

Few photos, or small ones, are read faster than a process starts, so they are read in this one. Every worker imports
this module, so it leaves out what takes seconds to import.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from photo import Photo
from preparing import s3

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

_TOGETHER = 64  # photos that a worker gets at a time: enough to keep its threads busy, few enough to share out evenly
_THREADS = 8
_TRIED = 2 * _THREADS  # photos that are read before it is known how long one takes
_WORTH_WORKERS = 4.0  # seconds of reading that are left: to start a worker took half a second of a fast processor


@dataclass(frozen=True, kw_only=True)
class PhotoFile:
    """A file in S3 that a photo is expected in.

    `uri` is its S3 address, `path` its path below the photos' folder or its key, `label` its class 0..9.
    """

    uri: str
    path: str
    label: int


@dataclass(frozen=True, kw_only=True)
class PhotoRecord:
    """What became of one photo: a row of the table, and the picture that the network gets.

    One that could not be read has `dropped`, the reason, and no size. `pixels` is (48, 48) uint8; `split` is "train",
    "test", or None for what is dropped.
    """

    path: str
    label: int
    sha256: str
    width: int | None = None
    height: int | None = None
    brightness: float | None = None
    pixels: npt.NDArray[np.uint8] | None = None
    split: str | None = None
    dropped: str | None = None


def read_photos(files: Sequence[PhotoFile]) -> Iterator[list[PhotoRecord]]:
    """Read and prepare the photos; yield their records in the same order, some at a time.

    Raises ValueError, in one sentence, when S3 does not hand out one of them.
    """
    _s3()  # what its client takes to start is no photo's time
    before = time.perf_counter()
    records = _read_some(files[:_TRIED])
    each = (time.perf_counter() - before) / max(1, len(records))
    yield records
    left = files[_TRIED:]
    parts = [left[start : start + _TOGETHER] for start in range(0, len(left), _TOGETHER)]
    if each * len(left) < _WORTH_WORKERS:
        yield from map(_read_some, parts)
    else:
        yield from _read_in_workers(parts)


def _read_in_workers(parts: Sequence[Sequence[PhotoFile]]) -> Iterator[list[PhotoRecord]]:
    workers = min(os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1, len(parts))
    # A core has its process: NumPy's own threads would take turns with the others' at multiplying small matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Not forked: threads of boto3 in the parent would leave their locks behind in the children.
    start_anew = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=start_anew) as pool:
        yield from pool.map(_read_some, parts)


def _read_some(files: Sequence[PhotoFile]) -> list[PhotoRecord]:
    contents = _threads().map(_download, [file.uri for file in files])
    return [record_of(file, content) for file, content in zip(files, contents, strict=True)]


def record_of(file: PhotoFile, content: bytes) -> PhotoRecord:
    """Return what becomes of a photo."""
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        photo = Photo(content)
    except ValueError as error:
        return PhotoRecord(path=file.path, label=file.label, sha256=sha256, dropped=str(error))
    return PhotoRecord(
        path=file.path,
        label=file.label,
        sha256=sha256,
        width=photo.width,
        height=photo.height,
        brightness=photo.brightness(),
        pixels=photo.pixels(),
    )


def _download(uri: str) -> bytes:
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
