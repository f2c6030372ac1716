"""Photos that come in one ZIP archive, as a deployment brings them, put where photos are looked for."""

from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import awswrangler as wr

from preparing import s3

if TYPE_CHECKING:
    from pathlib import Path

_UPLOADS = 16  # at a time
_PHOTO_BYTES = 64 * 1024**2  # of which 16 are in memory at a time


def deliver(folder: Path, photos: str) -> None:
    """Put the files of the archive in `folder` below the S3 address `photos`, and delete what else lies there.

    Raises ValueError, in one sentence, when the folder does not hold one ZIP archive, or a file in it is too large.
    """
    found = list(folder.glob("*.zip"))
    if len(found) != 1 or not zipfile.is_zipfile(found[0]):
        raise ValueError(f"{folder} needs to hold one ZIP archive of photos; it holds {len(found)} files that end so.")
    with zipfile.ZipFile(found[0]) as archive, ThreadPoolExecutor(_UPLOADS) as pool:
        names = [each.filename for each in archive.infolist() if not each.is_dir()]
        if large := [each.filename for each in archive.infolist() if each.file_size > _PHOTO_BYTES]:
            raise ValueError(f"{large[0]} has more than {_PHOTO_BYTES:,} bytes; a photo has fewer.")
        before = set(wr.s3.list_objects(photos))
        bucket, prefix = s3.split(photos)
        client = s3.client(_UPLOADS)
        uploads = pool.map(
            lambda name: client.put_object(Bucket=bucket, Key=prefix + name, Body=archive.read(name)), names
        )
        for _ in uploads:
            pass
    wr.s3.delete_objects(sorted(before - {photos + name for name in names}))
    print(f"{len(names)} files to {photos}", flush=True)
