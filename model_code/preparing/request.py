"""What a preparation may be told, checked."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^*?\[]*/)?")


@dataclass(frozen=True, kw_only=True)
class Request:
    """`photos` and `table` are S3 addresses that end with a slash, `output` and `archive` folders of this machine."""

    photos: str
    table: str
    output: Path
    test_fraction: float
    archive: Path | None = None

    @classmethod
    def parse(cls, *, photos: str, table: str, output: Path, test_fraction: str, archive: Path | None) -> Self:
        """Read the command line's words; raise ValueError with one sentence for the first thing wrong with them."""
        request = cls(
            photos=_address("photos", photos),
            table=_address("table", table),
            output=output,
            test_fraction=_share("test_fraction", test_fraction),
            archive=archive,
        )
        if request.table.startswith(request.photos):
            raise ValueError(
                f"table is {table!r}, below photos ({photos!r}); it needs a place of its own, or the next run would "
                "take the table for a photo."
            )
        return request


def _address(name: str, text: str) -> str:
    address = text if text.endswith("/") else f"{text}/"
    if not _ADDRESS.fullmatch(address):
        raise ValueError(
            f"{name} is {text!r}; it needs to be a folder in S3 without * ? [, such as s3://bucket/{name}/."
        )
    return address


def _share(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise ValueError(f"{name} is {text!r}; it needs to be a number above 0 and below 1, such as 0.15.")
    return value
