"""A class's roster: a CSV file with a header, `name` and optionally `email`, as spreadsheets and schools make it.

Other columns are left alone. Commas, semicolons and tabs are known, and so is the byte order mark of spreadsheets.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MARK = "\ufeff"
_DELIMITERS = ",;\t"
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Row:
    """One line of the roster: its number, and its fields under the header's names."""

    line: int
    fields: dict[str, str]

    def get(self, column: str) -> str:
        """Return the field of that column, whatever the header's case; empty if there is none."""
        return next((value.strip() for name, value in self.fields.items() if name.strip().lower() == column), "")


@dataclass(frozen=True)
class Roster:
    """What lies in a roster file, and how it is written there."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    delimiter: str = ","
    mark: str = ""

    def with_names(self, names: list[str]) -> Roster:
        """Return the roster with these names added at its end."""
        column = next(each for each in self.columns if each.strip().lower() == "name")
        last = self.rows[-1].line if self.rows else 1
        added = [Row(last + number, {column: name}) for number, name in enumerate(names, 1)]
        return Roster(self.columns, (*self.rows, *added), self.delimiter, self.mark)

    def without_lines(self, lines: set[int]) -> Roster:
        """Return the roster without these lines."""
        return Roster(self.columns, tuple(row for row in self.rows if row.line not in lines), self.delimiter, self.mark)

    def write(self, path: Path) -> None:
        """Replace the file, all of it or nothing."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, delimiter=self.delimiter, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(row.fields for row in self.rows)
        new = path.with_name(f".{path.name}.new")
        new.write_text(self.mark + text.getvalue(), encoding="utf-8")
        new.replace(path)


def read(path: Path) -> Roster:
    """Return the roster in a file. Raises ValueError: the rule that the file breaks, and where."""
    text = _text(path)
    mark = _MARK if text.startswith(_MARK) else ""
    text = text.removeprefix(_MARK)
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True)
    columns = tuple(reader.fieldnames or ())
    if "name" not in {column.strip().lower() for column in columns}:
        raise ValueError(f"must begin with a header that has a column name (email is optional); it begins {header!r}")
    rows = []
    try:
        for fields in reader:
            if fields.pop(None, None) is not None:  # DictReader's key for what is too much
                raise ValueError(f"line {reader.line_num} has more fields than the header: quote what holds a comma")
            given = {name: value or "" for name, value in fields.items()}
            if any(value.strip() for value in given.values()):
                rows.append(Row(reader.line_num, given))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num} is not CSV ({error}): write the file anew as CSV") from None
    return Roster(columns, tuple(rows), delimiter, mark)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"must be a roster of a class; {path} has more than {_MOST_BYTES:,} bytes")
        # Spreadsheets end lines in three ways; the csv module wants to see them as they are.
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError:
        raise ValueError('must be UTF-8 text: save it as "CSV UTF-8" in the spreadsheet') from None
    except OSError as error:
        raise ValueError(f"must be a CSV file that can be read ({error.strerror}: {path})") from None
