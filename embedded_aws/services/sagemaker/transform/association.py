"""DataProcessing of a transform job: the records' part that the model sees, and its answers joined to the records.

Source: SageMaker's guide, Associate Prediction Results with Input Records, and the reference of DataProcessing. An
answer is read as Accept says, else as the records' own ContentType. "Failed to parse output from the algorithm as CSV"
is AWS's (aws/amazon-sagemaker-examples#821), and so is what it says of a quote within an unquoted cell, which is where
an answer in JSON is found out (#898). Not compared with AWS: the other sentences, and that the rows of one payload must
be of one length.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.transform.jsonpath import Path, PathError
from embedded_aws.services.sagemaker.transform.model_client import ALGORITHM, CLIENT, TransformError

if TYPE_CHECKING:
    from collections.abc import Mapping

CSV, JSON = "CSV", "JSON"
_CELL = re.compile(r'((?:"(?:[^"]|"")*")|[^,\r\n]*)(?:,|\r?\n|\Z)')
_SHOWN = 60  # characters of a cell in a message
_FORMATS = {"text/csv": CSV, "application/json": JSON, "application/jsonlines": JSON}


def format_of(content_type: str | None) -> str | None:
    """CSV, JSON, or None for a type that can't be filtered or joined."""
    return _FORMATS.get((content_type or "").partition(";")[0].strip().lower())


class Association:
    """What a job's DataProcessing does to a payload's records and to the answer."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        """Read the paths. Raises PathError."""
        wanted = request.get("DataProcessing", {})
        self._before = Path(wanted.get("InputFilter", "$"))
        self._after = Path(wanted.get("OutputFilter", "$"))
        self._join = wanted.get("JoinSource") == "Input"
        content_type = request["TransformInput"].get("ContentType")
        self._format = format_of(content_type)
        self._answered = format_of(request["TransformOutput"].get("Accept") or content_type)

    @property
    def changes_input(self) -> bool:
        """Whether the model sees less than the records."""
        return not self._before.whole

    @property
    def changes_output(self) -> bool:
        """Whether more or less than the answer is written."""
        return self._join or not self._after.whole

    def asked(self, payload: bytes) -> bytes:
        """What the model is asked. Raises TransformError for records that do not fit."""
        if not self.changes_input:
            return payload
        return _write(self._select(self._before, _read(payload, self._format, CLIENT, "input")), self._format)

    def written(self, payload: bytes, answer: bytes) -> bytes:
        """What is written of the answer to a payload. Raises TransformError."""
        if not self.changes_output:
            return answer
        rows = _read(answer, self._answered, ALGORITHM, "output from the algorithm")
        if self._join:
            records = _read(payload, self._format, CLIENT, "input")
            if len(records) != len(rows):
                raise TransformError(
                    ALGORITHM,
                    "Fail to join data: Mismatched line count between the input and the output "
                    f"({len(records)} and {len(rows)})",
                )
            rows = [self._joined(record, row) for record, row in zip(records, rows, strict=True)]
        return _write(self._select(self._after, rows), self._answered)

    def _joined(self, record: Any, row: Any) -> Any:
        if self._format == CSV:
            return record + row
        return {**(record if isinstance(record, dict) else {"SageMakerInput": record}), "SageMakerOutput": row}

    def _select(self, path: Path, rows: list[Any]) -> list[Any]:
        try:
            return [path.select(row) for row in rows]
        except PathError as error:
            raise TransformError(CLIENT, f"{CLIENT}: {error}") from error


def _read(content: bytes, form: str | None, fault: str, what: str) -> list[Any]:
    """Return the records: a CSV's rows; one JSON value, or one a line. Raises TransformError."""
    try:
        text = content.decode()
        if form == CSV:
            return _rows(text)
        try:
            return [json.loads(text)]
        except ValueError:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, csv.Error) as error:
        raise TransformError(fault, f"Failed to parse {what} as {form}: {error}") from error


def _rows(text: str) -> list[list[str]]:
    """Return a CSV's rows. Raises ValueError or csv.Error where Python's own reader would guess."""
    for cell in _CELL.finditer(text) if '"' in text else ():
        if not cell[1].startswith('"') and '"' in cell[1]:
            raise ValueError(f'bare " in non quoted field found near: {cell[1][:_SHOWN]}')
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise ValueError(f"wrong number of fields: row {number} has {len(row)}, the first {len(rows[0])}")
    return rows


def _write(rows: list[Any], form: str | None) -> bytes:
    if form == JSON:
        return "\n".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) for row in rows).encode()
    text = io.StringIO(newline="")
    # A path to a single cell gives no list, but is a row of one.
    csv.writer(text, lineterminator="\n").writerows(row if isinstance(row, list) else [row] for row in rows)
    return text.getvalue().removesuffix("\n").encode()
