"""Write what photos became: the lab's four files, a report, and a table as Parquet, which Athena queries."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import awswrangler as wr
import numpy as np
import pandas as pd

from data import LABELS, PARTS, file_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from preparing.read_photos import PhotoRecord

COLUMNS = {
    "path": "string",
    "label": "int",
    "split": "string",
    "sha256": "string",
    "width": "int",
    "height": "int",
    "brightness": "double",
    "dropped": "string",
}
"""Names and Athena's types of the columns, as the lab's Glue table has them."""

_IN_PANDAS = {"string": "string", "int": "Int32", "double": "Float64"}


def write_arrays(folder: Path, records: Sequence[PhotoRecord]) -> None:
    """Write images (n, 48, 48) uint8 and labels (n,) uint8 of both splits.

    Their order is that of the hashes, which mixes the classes and is the same in every run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for split in PARTS:
        kept = sorted((record for record in records if record.split == split), key=lambda record: record.sha256)
        images = np.stack([record.pixels for record in kept if record.pixels is not None])
        np.save(folder / file_name(split, "images"), images)
        labels = np.array([record.label for record in kept], dtype=np.uint8)
        np.save(folder / file_name(split, "labels"), labels)


def write_table(folder: str, records: Sequence[PhotoRecord]) -> str:
    """Write a row for each record, in their order, to photos.parquet below an S3 address; return the file's address.

    One file under one name: a data set of awswrangler's would have another name in each run.
    """
    rows = pd.DataFrame(
        {
            name: pd.array([getattr(record, name) for record in records], dtype=_IN_PANDAS[kind])
            for name, kind in COLUMNS.items()
        }
    )
    file = f"{folder}photos.parquet"
    wr.s3.to_parquet(rows, path=file, index=False, dtype=COLUMNS)
    return file


class Report:
    """Counts of the records, and what was dropped: a photo with its reason, or a file that is in no class's folder."""

    def __init__(self, records: Sequence[PhotoRecord], strays: Sequence[str]) -> None:
        self._files = len(records) + len(strays)
        self.dropped = [
            *((path, "It is in no class's folder.") for path in strays),
            *((record.path, record.dropped) for record in records if record.dropped),
        ]
        self._counts = Counter((record.label, record.split) for record in records if record.split)

    def __str__(self) -> str:
        """Return it for people, in a sentence."""
        train, test = (self._of(split) for split in PARTS)
        return f"{self._files} photos: {train} to train with, {test} to test with, {len(self.dropped)} dropped."

    def write(self, file: Path) -> None:
        """Write it for programs, as report.json: without a time, so that equal runs give equal reports."""
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
