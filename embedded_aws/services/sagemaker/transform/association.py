"""DataProcessing of a transform job: filters the records, and joins the model's answers to them.

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

from embedded_aws.services.sagemaker.transform.invocations import ALGORITHM, CLIENT, TransformError
from embedded_aws.services.sagemaker.transform.jsonpath import Path, PathError

if TYPE_CHECKING:
    from collections.abc import Mapping

CSV, JSON = "CSV", "JSON"
_CELL = re.compile(r'((?:"(?:[^"]|"")*")|[^,\r\n]*)(?:,|\r?\n|\Z)')
_SHOWN = 60  # characters of a cell in a message
_FORMATS = {"text/csv": CSV, "application/json": JSON, "application/jsonlines": JSON}


def format_of(content_type: str | None) -> str | None:
    """Return CSV, JSON, or None for a content type that can't be filtered or joined."""
    return _FORMATS.get((content_type or "").partition(";")[0].strip().lower())


class Association:
    """Filters a payload's records and the model's answer, and joins them, as a job's DataProcessing says."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        """Read the request's paths. Raises PathError."""
        processing = request.get("DataProcessing", {})
        self._input_filter = Path(processing.get("InputFilter", "$"))
        self._output_filter = Path(processing.get("OutputFilter", "$"))
        self._join = processing.get("JoinSource") == "Input"
        content_type = request["TransformInput"].get("ContentType")
        self._input_format = format_of(content_type)
        self._output_format = format_of(request["TransformOutput"].get("Accept") or content_type)

    @property
    def changes_input(self) -> bool:
        """Return whether the model sees less than the records."""
        return not self._input_filter.whole

    @property
    def changes_output(self) -> bool:
        """Return whether more or less than the answer is written."""
        return self._join or not self._output_filter.whole

    def filter_input(self, payload: bytes) -> bytes:
        """Return the payload that the model gets. Raises TransformError for records that do not fit."""
        if not self.changes_input:
            return payload
        return _write(
            self._select(self._input_filter, _read(payload, self._input_format, CLIENT, "input")), self._input_format
        )

    def filter_output(self, payload: bytes, answer: bytes) -> bytes:
        """Return what is written of the answer to a payload, joined with its records. Raises TransformError."""
        if not self.changes_output:
            return answer
        rows = _read(answer, self._output_format, ALGORITHM, "output from the algorithm")
        if self._join:
            records = _read(payload, self._input_format, CLIENT, "input")
            if len(records) != len(rows):
                raise TransformError(
                    ALGORITHM,
                    "Fail to join data: Mismatched line count between the input and the output "
                    f"({len(records)} and {len(rows)})",
                )
            rows = [self._joined(record, row) for record, row in zip(records, rows, strict=True)]
        return _write(self._select(self._output_filter, rows), self._output_format)

    def _joined(self, record: Any, row: Any) -> Any:
        if self._input_format == CSV:
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
