"""Write what photos became, beside the four files: a report, and a table as Parquet, which Athena queries."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import awswrangler as wr
import pandas as pd

from data import LABELS, PARTS

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
    """Counts of the records, and what was dropped or left out before, each photo with its reason."""

    def __init__(self, records: Sequence[PhotoRecord], left_out: Sequence[tuple[str, str]]) -> None:
        self._files = len(records) + len(left_out)
        self.dropped = [
            *left_out,
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
