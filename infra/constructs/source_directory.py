"""The training job's code as SageMaker wants it: `sourcedir.tar.gz`."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import aws_s3_assets as assets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct


ARCHIVE = "sourcedir.tar.gz"
_INSTALLED = "requirements.txt"  # the one file that SageMaker's toolkit installs before the script starts


def pack(folder: Path, *, also: Sequence[str] = ()) -> bytes:
    """Return a tar of the folder's Python files and requirements; the same files always give the same bytes.

    requirements.txt ends with the lines of the files `also`, so that they are installed too. Order, times, owners and
    modes would differ from one checkout to the next, so none is taken from the disk.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for file in sorted([*folder.rglob("*.py"), *folder.glob("requirements*.txt")]):
            files = [file, *(folder / name for name in also if file.name == _INSTALLED)]
            content = b"".join(each.read_bytes() for each in files)
            entry = tarfile.TarInfo(file.relative_to(folder).as_posix())
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def write(folder: Path, archive: Path, *, also: Sequence[str] = ()) -> str:
    """Write the archive of a folder of code as `pack` packs it; returns the sha256 of what is in it."""
    packed = pack(folder, also=also)
    archive.write_bytes(gzip.compress(packed, mtime=0))
    return hashlib.sha256(packed).hexdigest()


class SourceDirectory(assets.Asset):
    """`sourcedir.tar.gz` of a folder of code, as a file asset; `also` as in `pack`.

    `digest` is the sha256 of what is in it, whichever zlib has compressed it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, folder: Path, also: Sequence[str] = ()) -> None:
        with tempfile.TemporaryDirectory() as place:
            archive = Path(place) / ARCHIVE
            self.digest = write(folder, archive, also=also)
            super().__init__(scope, construct_id, path=str(archive), asset_hash=self.digest)
