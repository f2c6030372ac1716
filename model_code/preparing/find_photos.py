"""Find the photos below an address in S3, each in the folder of its class; put those of a ZIP archive there first."""

from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import awswrangler as wr

from data import class_of_folder, folder_names
from preparing import s3
from preparing.read_photos import PhotoFile

if TYPE_CHECKING:
    from pathlib import Path

_UPLOADS = 16  # at a time
_PHOTO_BYTES = 64 * 1024**2  # of which 16 are in memory at a time


def upload_archive(folder: Path, photos: str) -> None:
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


def list_photos(folder: str) -> tuple[list[PhotoFile], list[tuple[str, str]]]:
    """Return every file in a class's folder, by path, but hidden ones; and those beside the folders, each with why.

    `folder` is an S3 address that ends with a slash.
    Raises ValueError, in one sentence, when there is no file, when all are in no folder, and for a folder of no class.
    """
    paths = sorted(path for uri in wr.s3.list_objects(folder) if _is_file(path := uri.removeprefix(folder)))
    if not paths:
        raise ValueError(
            f"There is no photo below {folder}; put one folder a class there, named like {folder_names()}."
        )
    strays = [path for path in paths if "/" not in path]
    photos = [path for path in paths if "/" in path]
    if not photos:
        raise ValueError(f"{folder}{strays[0]} is in no class's folder; put it into the folder of its class.")
    labels = {name: _label(name, folder) for name in dict.fromkeys(path.partition("/")[0] for path in photos)}
    files = [PhotoFile(uri=f"{folder}{path}", path=path, label=labels[path.partition("/")[0]]) for path in photos]
    return files, [(path, "It is in no class's folder.") for path in strays]


def _is_file(path: str) -> bool:
    """Return False for folders, which a console makes as empty objects, and hidden files, such as .DS_Store."""
    return not path.endswith("/") and not any(part.startswith(".") for part in path.split("/"))


def _label(name: str, folder: str) -> int:
    try:
        return class_of_folder(name)
    except ValueError as advice:
        raise ValueError(f"{folder}{name}/ is no class's folder; {advice}") from None
