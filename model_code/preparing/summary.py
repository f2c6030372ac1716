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
    """Counts of the entries, and what was dropped: a photo with its reason, or a file that is in no class's folder."""

    def __init__(self, entries: Sequence[Entry], strays: Sequence[str]) -> None:
        self._files = len(entries) + len(strays)
        self.dropped = [
            *((path, "It is in no class's folder.") for path in strays),
            *((entry.path, entry.dropped) for entry in entries if entry.dropped),
        ]
        self._counts = Counter((entry.label, entry.split) for entry in entries if entry.split)

    def __str__(self) -> str:
        """For people, in a sentence."""
        train, test = (self._of(split) for split in PARTS)
        return f"{self._files} photos: {train} to train with, {test} to test with, {len(self.dropped)} dropped."

    def write(self, file: Path) -> None:
        """For programs: report.json, without a time, so that equal runs give equal reports."""
        document = {
            "photos": self._files,
            "train": self._of("train"),
            "test": self._of("test"),
            "classes": {
                name: {split: self._counts[label, split] for split in PARTS} for label, name in enumerate(LABELS)
            },
            "dropped": [{"path": path, "why": why} for path, why in self.dropped],
        }
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")

    def _of(self, split: str) -> int:
        return sum(count for (_, each), count in self._counts.items() if each == split)
