"""Read the body of a request as XGBoost's container reads it, into a DMatrix, with its sentences.

Source: algorithm_mode/serve_utils.py and encoder.py of aws/sagemaker-xgboost-container, 3.0-5.
"""

from __future__ import annotations

import csv
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost as xgb
from scipy.sparse import csr_matrix

from embedded_aws.algorithms import records
from embedded_aws.algorithms.xgboost import data

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_SNIFFED = 512  # characters of the first line


class RequestError(Exception):
    """A body that can't be read; the message is the answer."""


def read(body: bytes, content_type: str | None) -> tuple[xgb.DMatrix, str]:
    """Return a body's rows and its format. Raises RequestError or UserError."""
    kind = data.format_of(content_type)
    if kind not in _READERS:
        raise RequestError(f"Content-type {content_type} is not supported.")
    try:
        return xgb.DMatrix(_READERS[kind](body)), kind
    except Exception as error:
        end = f"please ensure data is in {kind} format:\n {type(error)}\n {error}"
        raise RequestError(f"Loading {kind} data failed with Exception, {end}") from error


def _read_csv(body: bytes) -> Any:
    """Return the rows of CSV without labels; an empty cell is a missing value."""
    lines = body.strip().decode().split("\n")
    found = csv.Sniffer().sniff(lines[0][:_SNIFFED]).delimiter
    delimiter = "," if found.isalnum() else found
    log.info("Determined delimiter of CSV input is '%s'", delimiter)
    return np.array([[cell or "nan" for cell in line.split(delimiter)] for line in lines]).astype(float)


def _read_libsvm(body: bytes) -> Any:
    """Return the rows of libsvm, with labels or without; where all indices are 1 or more, they count from 1."""
    cells = [
        (row, *cell.split(":")[:2])
        for row, line in enumerate(body.strip().decode().split("\n"))
        for cell in line.split(" ")
        if ":" in cell
    ]
    rows, columns, values = zip(*cells, strict=True) if cells else ((), (), ())
    indices = np.array(columns).astype(int)
    if indices.size and indices.min() >= 1:
        indices -= 1
    return csr_matrix((np.array(values).astype(float), (np.array(rows), indices)))


def _read_recordio(body: bytes) -> Any:
    return records.read(body).features


_READERS: dict[str, Callable[[bytes], Any]] = {
    data.CSV: _read_csv,
    data.LIBSVM: _read_libsvm,
    data.RECORDIO_PROTOBUF: _read_recordio,
}
