"""Programs that a job brings along, made to find what they call by a container's absolute paths."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from emulator.sagemaker.engine.relocate import relocate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The archive in which the SageMaker SDK's FrameworkProcessor sends a folder of programs.
_ARCHIVE = "sourcedir.tar.gz"


def relocate_programs(folder: Path, places: Mapping[str, Path]) -> None:
    """Move a container's absolute paths, in all text files below a folder, to where they lie here.

    Also in those of a `sourcedir.tar.gz`. A program in another archive, or one that puts such a path together from
    parts, is out of reach.
    """
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            moved = _archive(content, places) if path.name == _ARCHIVE else _text(content, places)
            if moved != content:
                path.write_bytes(moved)


def _text(content: bytes, places: Mapping[str, Path]) -> bytes:
    if b"\0" in content:
        return content
    try:
        return relocate(content.decode(), places).encode()
    except UnicodeDecodeError:
        return content


def _archive(content: bytes, places: Mapping[str, Path]) -> bytes:
    moved = io.BytesIO()
    try:
        with (
            tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as old,
            tarfile.open(fileobj=moved, mode="w:gz", compresslevel=1) as new,
        ):
            for member in old:
                file = old.extractfile(member) if member.isfile() else None
                data = _text(file.read(), places) if file else b""
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    except (tarfile.TarError, OSError, EOFError):  # the program that unpacks it says what is wrong
        return content
    return moved.getvalue()
