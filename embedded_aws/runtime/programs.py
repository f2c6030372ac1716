"""Programs that a job brings along, made to find what they call by a container's absolute paths."""

from __future__ import annotations

import io
import tarfile
from functools import partial
from typing import TYPE_CHECKING

from embedded_aws.runtime import archives
from embedded_aws.runtime.paths import rewrite_paths

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The archive in which the SageMaker SDK's FrameworkProcessor sends a folder of programs.
_ARCHIVE = "sourcedir.tar.gz"
_PROGRAM_BYTES = 16 * 1024**2  # what is larger is data
_PIECE = 64 * 1024


def rewrite_programs(folder: Path, mounts: Mapping[str, Path]) -> None:
    """Rewrite a container's absolute paths, in all text files below a folder, to where they lie here.

    Also in those of a `sourcedir.tar.gz`. A program in another archive, or one that puts such a path together from
    parts, is out of reach. Nothing is touched where there is nothing to rewrite.
    """
    for path in sorted(folder.rglob("*")) if mounts else ():
        if not path.is_file():
            continue
        if path.name == _ARCHIVE:
            _rewrite_archive(path, mounts)
        elif path.stat().st_size <= _PROGRAM_BYTES:
            content = path.read_bytes()
            moved = _rewritten(content, mounts)
            if moved != content:
                path.write_bytes(moved)


def _rewritten(content: bytes, mounts: Mapping[str, Path]) -> bytes:
    if b"\0" in content:
        return content
    try:
        return rewrite_paths(content.decode(), mounts).encode()
    except UnicodeDecodeError:
        return content


def _rewrite_archive(path: Path, mounts: Mapping[str, Path]) -> None:
    moved = path.with_name(f"{path.name}.moved")
    try:
        with archives.open_archive(path) as members, tarfile.open(moved, mode="w:gz", compresslevel=1) as new:
            for member in members:
                file = members.tar.extractfile(member) if member.isfile() else None
                if file and member.size <= _PROGRAM_BYTES:
                    content = _rewritten(b"".join(iter(partial(file.read, _PIECE), b"")), mounts)
                    member.size = len(content)
                    new.addfile(member, io.BytesIO(content))
                else:
                    new.addfile(member, file)
    except archives.ArchiveError:  # the program that unpacks it says what is wrong
        moved.unlink()
    else:
        moved.replace(path)
