"""Find the photos that people have labelled: the lines of an augmented manifest, as Ground Truth writes them.

A line: {"source-ref": "s3://bucket/raw/a.png", "bricks": 0, "bricks-metadata": {"class-name": "2x3 Brick", "type":
"groundtruth/image-classification", …}}; the label is the number of a class. SageMaker's guide, "Labeling job output
data", has it as 0 and as "0".
"""

from __future__ import annotations

import json
from typing import Any

from data import LABELS
from preparing import s3
from preparing.read_photos import PhotoFile

_SOURCE, _METADATA = "source-ref", "-metadata"
_TYPE = "groundtruth/image-classification"
_UNLABELLED = "It has no label yet."
_NO_BRICK = "People say that it is none of the bricks."


def list_labelled(manifest: str, attribute: str | None) -> tuple[list[PhotoFile], list[tuple[str, str]]]:
    """Return the photos of the manifest at an S3 address, by its lines, and those without a brick, each with why.

    `attribute` is the label attribute's name; without it the only one that there is.
    Raises ValueError, in one sentence that names the line, for a line that is none, a photo outside the manifest's
    bucket, and a label that is no class; and when there is no label at all, or attributes to choose from.
    """
    lines = _read(manifest)
    attribute = attribute or _only_attribute(manifest, lines)
    files, left_out = [], []
    for number, line in lines:
        where = f"{manifest}, line {number}"
        uri = _source(line, where, bucket=s3.split(manifest)[0])
        path = s3.split(uri)[1]
        if attribute not in line:
            left_out.append((path, _UNLABELLED))
        elif (label := label_of(line[attribute], where)) is None:
            left_out.append((path, _NO_BRICK))
        else:
            files.append(PhotoFile(uri=uri, path=path, label=label))
    if not files:
        raise ValueError(f"No line of {manifest} has a brick's number as {attribute!r}; label photos first.")
    return files, left_out


def label_of(value: Any, where: str) -> int | None:
    """Return the class of a label, 0 or "0" to 9; None for the number after them, by which people say "none of these".

    Raises ValueError, in one sentence that begins with `where`, for any other.
    """
    try:
        number = int(value) if isinstance(value, str) or type(value) is int else -1
    except ValueError:
        number = -1
    if not 0 <= number <= len(LABELS):
        raise ValueError(
            f"{where}: the label is {value!r}; it needs to be a class, 0 to {len(LABELS) - 1}, or {len(LABELS)} for "
            "what is no brick."
        )
    return number if number < len(LABELS) else None


def _read(manifest: str) -> list[tuple[int, dict[str, Any]]]:
    try:
        text = s3.Reader(1).read(manifest).decode()
    except UnicodeDecodeError:
        raise ValueError(f"{manifest} is no text; a manifest is UTF-8, with a JSON object a line.") from None
    lines = []
    for number, each in enumerate(text.splitlines(), 1):
        try:
            line = json.loads(each) if each.strip() else None
        except ValueError:
            line = each
        if line is not None and not isinstance(line, dict):
            raise ValueError(f"{manifest}, line {number}: it is no JSON object; each line of a manifest is one.")
        if line is not None:
            lines.append((number, line))
    return lines


def _source(line: dict[str, Any], where: str, *, bucket: str) -> str:
    uri = line.get(_SOURCE)
    if not isinstance(uri, str) or not uri.startswith(f"s3://{bucket}/"):
        raise ValueError(f"{where}: {_SOURCE} is {uri!r}; it needs to be a photo in the manifest's bucket, {bucket}.")
    return uri


def _only_attribute(manifest: str, lines: list[tuple[int, dict[str, Any]]]) -> str:
    found = {
        name.removesuffix(_METADATA)
        for _, line in lines
        for name, value in line.items()
        if name.endswith(_METADATA) and isinstance(value, dict) and value.get("type") == _TYPE
    }
    if len(found) == 1:
        return found.pop()
    there = f"it has {', '.join(sorted(found))}: say which as attribute" if found else "label photos first"
    raise ValueError(f"{manifest} needs one label attribute of an image classification; {there}.")
