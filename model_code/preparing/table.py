"""The table of all photos, as Parquet: what Athena queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awswrangler as wr
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from preparing.entry import Entry

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


def write_table(folder: str, entries: Sequence[Entry]) -> str:
    """Write a row for each entry, in their order, to photos.parquet below an S3 address; return the file's address.

    One file under one name: a data set of awswrangler's would have another name in each run.
    """
    rows = pd.DataFrame(
        {
            name: pd.array([getattr(entry, name) for entry in entries], dtype=_IN_PANDAS[kind])
            for name, kind in COLUMNS.items()
        }
    )
    file = f"{folder}photos.parquet"
    wr.s3.to_parquet(rows, path=file, index=False, dtype=COLUMNS)
    return file
