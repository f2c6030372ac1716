"""What a preparation did, in numbers, and which photos it dropped and why."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from bricks import LABELS
from data import PARTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from preparing.entry import Entry


class Summary:
    """Counts of the entries."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._dropped = [entry for entry in entries if entry.dropped]
        self._counts = Counter((entry.label, entry.split) for entry in entries if entry.split)

    def __str__(self) -> str:
        """For people, in a sentence."""
        train, test = (self._of(split) for split in PARTS)
        return f"{len(self._entries)} photos: {train} to train with, {test} to test with, {len(self._dropped)} dropped."

    def write(self, file: Path) -> None:
        """For programs: report.json, without a time, so that equal runs give equal reports."""
        document = {
            "photos": len(self._entries),
            "train": self._of("train"),
            "test": self._of("test"),
            "classes": {
                name: {split: self._counts[label, split] for split in PARTS} for label, name in enumerate(LABELS)
            },
            "dropped": [{"path": entry.path, "why": entry.dropped} for entry in self._dropped],
        }
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    def _of(self, split: str) -> int:
        return sum(count for (_, each), count in self._counts.items() if each == split)
