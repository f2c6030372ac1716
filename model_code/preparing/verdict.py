"""Which photos are kept, and for what: decided by their bytes alone, so that every run decides the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bricks import LABELS
from data import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from preparing.entry import Entry

_HASH_DIGITS = 16
_HASHES = 1 << 4 * _HASH_DIGITS


def decide(entries: Iterable[Entry], *, test_fraction: float) -> list[Entry]:
    """Return the entries with their splits. Of photos with the same bytes the first one, by path, is kept.

    Raises ValueError, in one sentence, when a class has no photo left, and when no photo is left for a split.
    """
    first: dict[str, Entry] = {}
    decided = []
    for entry in sorted(entries, key=lambda each: each.path):
        twin = first.setdefault(entry.sha256, entry)
        if entry.dropped is None and twin is not entry:
            other = "" if twin.label == entry.label else ", which is in another class's folder"
            decided.append(replace(entry, dropped=f"It has the same bytes as {twin.path}{other}."))
        elif entry.dropped is None:
            decided.append(replace(entry, split="test" if _share(entry.sha256) < test_fraction else "train"))
        else:
            decided.append(entry)
    _refuse_emptiness(decided)
    return decided


def _share(sha256: str) -> float:
    """Return a number from 0 to 1 that follows from the photo: more photos move none to the other split."""
    return int(sha256[:_HASH_DIGITS], 16) / _HASHES


def _refuse_emptiness(entries: list[Entry]) -> None:
    for label, name in enumerate(LABELS):
        own = [entry for entry in entries if entry.label == label]
        if not any(entry.split for entry in own):
            found = f"all {len(own)} it has were dropped: {own[0].dropped}" if own else "it has none."
            raise ValueError(f"Class {label}, {name}, needs at least one photo; {found}")
    for split in PARTS:
        if not any(entry.split == split for entry in entries):
            raise ValueError(
                f"No photo of {len(entries)} fell to the {split} split; bring more photos, or change test_fraction."
            )
