"""Split the photos into those to train with and to test with: by their bytes alone, so that every run does the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from data import LABELS, PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from preparing.read_photos import PhotoRecord

_HASH_DIGITS = 16
_HASHES = 1 << 4 * _HASH_DIGITS


def split(records: Iterable[PhotoRecord], *, test_fraction: float) -> list[PhotoRecord]:
    """Return the records, by path, with their splits. Of photos with the same bytes the first one, by path, is kept.

    Raises ValueError, in one sentence, when a class has no photo left, and when no photo is left for a split.
    """
    first: dict[str, PhotoRecord] = {}
    decided = []
    for record in sorted(records, key=lambda each: each.path):
        twin = first.setdefault(record.sha256, record)
        if record.dropped is None and twin is not record:
            other = "" if twin.label == record.label else ", which is in another class's folder"
            decided.append(replace(record, dropped=f"It has the same bytes as {twin.path}{other}."))
        elif record.dropped is None:
            decided.append(replace(record, split="test" if _share(record.sha256) < test_fraction else "train"))
        else:
            decided.append(record)
    _check_nothing_is_empty(decided)
    return decided


def _share(sha256: str) -> float:
    """Return a number from 0 to 1 that follows from the photo: more photos move none to the other split."""
    return int(sha256[:_HASH_DIGITS], 16) / _HASHES


def _check_nothing_is_empty(records: list[PhotoRecord]) -> None:
    for label, name in enumerate(LABELS):
        own = [record for record in records if record.label == label]
        if not any(record.split for record in own):
            found = f"all {len(own)} it has were dropped: {own[0].dropped}" if own else "it has none."
            raise ValueError(f"Class {label}, {name}, needs at least one photo; {found}")
    for part in PARTS:
        if not any(record.split == part for record in records):
            raise ValueError(
                f"No photo of {len(records)} fell to the {part} split; bring more photos, or change test_fraction."
            )
