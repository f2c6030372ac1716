"""Read a channel's files as XGBoost's container reads them, into a DMatrix, with its checks and its sentences.

Source: data_utils.py of aws/sagemaker-xgboost-container, 3.0-5. CSV and libsvm are read by the library itself, so a
header is, as on AWS, a row of missing values with the label 0. Label first, then weights if csv_weights is 1.
"""

from __future__ import annotations

import csv
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xgboost as xgb

from embedded_aws.algorithms import content_types, records
from embedded_aws.algorithms.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

CSV, LIBSVM, PARQUET, RECORDIO_PROTOBUF = "csv", "libsvm", "parquet", "recordio-protobuf"
_FORMATS = {
    CSV: CSV,
    LIBSVM: LIBSVM,
    PARQUET: PARQUET,
    RECORDIO_PROTOBUF: RECORDIO_PROTOBUF,
    content_types.CSV: CSV,
    content_types.LIBSVM: LIBSVM,
    content_types.X_LIBSVM: LIBSVM,
    content_types.PARQUET: PARQUET,
    content_types.RECORDIO_PROTOBUF: RECORDIO_PROTOBUF,
}
CONTENT_TYPES = frozenset(_FORMATS)
DEFAULT_CONTENT_TYPE = content_types.LIBSVM
_MAX_DEPTH = 3  # of folders below a channel's
_SNIPPET = 50
_NO_LABELS = (
    "Got input data without labels. Please check the input data set. "
    "If training job is running on multiple instances, please switch "
    "to using single instance if number of records in the data set "
    "is less than number of workers (16 * number of instance) in the cluster."
)


def format_of(content_type: str | None) -> str:
    """Return the format that a content type stands for: of `text/csv; label_size=1`, `csv`. Raises UserError."""
    if content_type is None:
        return LIBSVM
    kind, parameters = content_types.parse(content_type.lower())
    found = _FORMATS.get(kind)
    if found is None:
        raise UserError(f"{content_type} is not an accepted ContentType: {', '.join(_FORMATS)}.")
    if found == CSV and parameters.get("label_size", "1") != "1":
        raise UserError(
            f"{content_type} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
        )
    return found


def delimiter_of(line: str) -> str:
    """Return what separates the cells of a line of CSV. Raises UserError if nothing can be told to."""
    try:
        delimiter = csv.Sniffer().sniff(line).delimiter
    except csv.Error as error:
        raise UserError(f"Could not determine delimiter on line {line[:_SNIPPET]}:\n{error}") from error
    log.info("Determined delimiter of CSV input is '%s'", delimiter)
    return delimiter


def size(folder: Path | None) -> int:
    """Return how many bytes lie in a channel's folder; 0 if it isn't there. Raises UserError for a hidden file."""
    if folder is None or not folder.exists():
        return 0
    files = [file for file in folder.rglob("*") if file.is_file()]
    if any(file.name.startswith(".") for file in files):
        raise UserError("Hidden file found in the data path! Remove that before training.")
    return sum(file.stat().st_size for file in files)


def check(folder: Path, kind: str) -> None:
    """Raise UserError unless the first lines of a channel's files look like their format."""
    for file in _files_to_check(folder):
        if kind == CSV:
            with file.open(encoding="utf-8", errors="ignore") as lines:
                delimiter_of(lines.readline())
        elif kind == LIBSVM:
            _check_libsvm(file)


def warn_of_redundancy(train: Path, validation: Path) -> None:
    """Log which files of both channels are alike by name and size."""
    for one in sorted(train.iterdir()):
        other = validation / one.name
        if one.is_file() and other.is_file() and one.stat().st_size == other.stat().st_size:
            log.warning(
                "Suspected identical files found. (%s and %swith same size %d bytes). Note: Duplicate data in the "
                "training set and validation set is usually not intentional and can impair the validity of the model "
                "evaluation by the validation score.",
                one,
                other,
                one.stat().st_size,
            )


def read(folders: list[Path], kind: str, *, csv_weights: bool = False) -> xgb.DMatrix:
    """Return the rows of all files below these folders. Raises UserError."""
    with tempfile.TemporaryDirectory(prefix="sagemaker_xgboost_input_data") as gathered:
        # The library reads the files of one folder.
        files = [*_links(folders, Path(gathered))]
        log.info("files path: %s", gathered)
        matrix = _read(Path(gathered), files, kind, csv_weights=csv_weights)
    if matrix.get_label().size == 0:
        raise UserError(_NO_LABELS)
    return matrix


def _read(folder: Path, files: list[Path], kind: str, *, csv_weights: bool) -> xgb.DMatrix:
    uri = ""
    if kind == CSV:
        with files[0].open(encoding="utf-8", errors="ignore") as lines:
            delimiter = delimiter_of(lines.readline())
        uri = f"{folder}?format=csv&label_column=0&delimiter={delimiter}{'&weight_column=1' if csv_weights else ''}"
    try:
        match kind:
            case "csv":
                return xgb.DMatrix(uri)
            case "libsvm":
                return xgb.DMatrix(f"{folder}?format=libsvm")
            case "parquet":
                return _read_parquet(folder)
        return _read_recordio(files)
    except Exception as error:
        raise UserError(f"Failed to load {kind} data with exception:\n{error}") from error


def _read_parquet(folder: Path) -> xgb.DMatrix:
    import pyarrow.parquet  # noqa: PLC0415 - a tenth of a second that other formats don't need

    rows: Any = pyarrow.parquet.read_table(folder).to_pandas().to_numpy()
    return xgb.DMatrix(rows[:, 1:], label=rows[:, 0])


def _read_recordio(files: list[Path]) -> xgb.DMatrix:
    found = records.read(b"".join(file.read_bytes() for file in sorted(files)))
    return xgb.DMatrix(found.features, label=None if found.labels is None else found.labels.ravel())


def _links(folders: list[Path], gathered: Path) -> Iterator[Path]:
    """Link all files of these folders, three folders deep, into one; yield the links."""
    for folder in folders:
        for number, file in enumerate(sorted(_files(folder, 1))):
            link = gathered / f"{file.name}{len(str(folder))}{number}"
            link.symlink_to(file)
            yield link


def _files(folder: Path, depth: int) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_file():
            yield entry
        elif depth < _MAX_DEPTH:
            yield from _files(entry, depth + 1)
        else:
            log.warning(
                "The depth of folder %s exceed the limit %d. Files in deeper sub dirs won't be loaded. "
                "Please adjust the folder structure accordingly.",
                entry,
                _MAX_DEPTH,
            )


def _files_to_check(folder: Path) -> Iterator[Path]:
    """Yield the files of the first folder that has none in it, but for hidden ones and the library's caches."""
    deepest = next(Path(root) for root, folders, _ in os.walk(folder) if not folders)
    for file in sorted(deepest.iterdir()):
        cache = ".cache" in file.name and ("dtrain" in file.name or "dval" in file.name)
        if file.is_file() and not file.name.startswith((".", "_")) and not cache:
            yield file


def _check_libsvm(file: Path) -> None:
    with file.open(encoding="utf-8", errors="ignore") as lines:
        for line in lines:
            features = _libsvm_features(line)
            if features > 1:
                return
            if features < 0:
                raise UserError(
                    f"First line '{line[:_SNIPPET]}...' of file '{file.name}' is not 'LIBSVM' format. "
                    "Please ensure the file is in 'LIBSVM' format."
                )
    log.warning("File %s is not an invalid LIBSVM file but has no features. Accepting simple validation.", file.name)


def _libsvm_features(line: str) -> int:
    """Return how many features a line of libsvm has, `<label>(:<weight>) <index>:<value> …`; -1 if it is none."""
    label, *features = line.split(" ")
    if not _is_label(label):
        log.error("%s does not follow LIBSVM label format <label>(:<weight>).", label)
        return -1
    first = features[0].split(":") if features else ["", ""]
    two = 2
    return len(features) if len(first) == two and all(":" in each for each in features) else -1


def _is_label(text: str) -> bool:
    parts = text.split(":")
    try:
        [float(part) for part in parts]
    except ValueError:
        return False
    return len(parts) <= len(("label", "weight"))
