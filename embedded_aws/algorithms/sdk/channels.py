"""The channels of a training job: checked, and read as matrices, with AWS's sentences about what they lack.

Sources: convert_to_customer_data_errors, DataShapeError and LabelShapeError of AWS's SDK of algorithms. A channel
without a content type holds recordio-protobuf: the SageMaker SDK's own estimators send their data without one.
Not compared with AWS: what follows `Caused by:`; the sentences about a channel that is not there, one that has no
record, and a content type that an algorithm does not take (the first of them is as users quote it); that records of
several hosts, which each have their share of the data, are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from embedded_aws.algorithms import content_types
from embedded_aws.algorithms.records import Matrix, Records
from embedded_aws.algorithms.sdk import content
from embedded_aws.algorithms.sdk.content import ContentError
from embedded_aws.algorithms.sdk.errors import CustomerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from embedded_aws.algorithms.job import TrainingJob

RECORDIO = content_types.RECORDIO_PROTOBUF
TRAIN, VALIDATION, TEST = "train", "validation", "test"
_CONFIGURATION = "Unable to initialize the algorithm. Failed to validate input data configuration."
_FOUND = {
    "NaN": ("missing (NaN) values", "missing (NaN) values"),
    "Inf": ("infinite floating point values", "infinite floating point values"),
}


@dataclass(frozen=True)
class Channel:
    """A channel's data: features (n, d), and labels (n,) if the algorithm needs any."""

    name: str
    features: Matrix
    labels: np.ndarray[Any, Any]

    def __len__(self) -> int:
        """Return the number of records."""
        return int(self.features.shape[0])


@dataclass(frozen=True)
class Expected:
    """What an algorithm takes: its channels beside `train`, their content types, and whether records have a label."""

    channels: tuple[str, ...] = (TEST,)
    content_types: tuple[str, ...] = (RECORDIO, content_types.CSV)
    labeled: bool = False


def read(job: TrainingJob, expected: Expected, *, feature_dim: int | None) -> dict[str, Channel]:
    """Read all channels of a job. Raises CustomerError.

    `feature_dim` is what the hyperparameter says; None: whatever the training data has.
    """
    _check(job.channels, expected)
    channels = {}
    for name in (TRAIN, *expected.channels):
        if folder := job.channel(name):
            header = job.channels[name].get("ContentType") or RECORDIO
            channels[name] = _channel(name, folder, header, expected, feature_dim)
            feature_dim = channels[name].features.shape[1]
    return channels


def _check(config: Mapping[str, Mapping[str, str]], expected: Expected) -> None:
    known = (TRAIN, *expected.channels)
    detail = ""
    if unknown := [name for name in config if name not in known]:
        named = ", ".join(f"'{name}'" for name in unknown)
        were = "were" if len(unknown) > 1 else "was"
        detail = f"Additional properties are not allowed ({named} {were} unexpected)"
    elif TRAIN not in config:
        detail = f"'{TRAIN}' is a required property"
    for name, channel in config.items():
        kind, _ = content_types.parse((channel.get("ContentType") or RECORDIO).lower())
        if not detail and kind not in expected.content_types:
            detail = f"'{kind}' is not one of {[*expected.content_types]} (channel '{name}')"
    if detail:
        raise CustomerError(_CONFIGURATION, caused_by="ValidationError", detail=detail)


def _channel(name: str, folder: Path, header: str, expected: Expected, feature_dim: int | None) -> Channel:
    kind, _ = content_types.parse(header.lower())
    try:
        parts = [
            content.read(file.read_bytes(), header, label_size=1)
            for file in sorted(folder.rglob("*"))
            if file.is_file() and file.stat().st_size
        ]
        data = _joined([part for part in parts if part.features.shape[0]])
    except ContentError as error:
        sentence = f"Unable to read data channel '{name}'. Requested content-type is '{kind}'. "
        raise CustomerError(
            f"{sentence}Please verify the data matches the requested content-type.",
            caused_by="ContentError",
            detail=str(error),
        ) from error
    if wrong := content.check_finite(data.features):
        found, remove = _FOUND[wrong]
        raise CustomerError(
            f"Unable to read data channel '{name}'. Found {found}. Please remove any {remove} in the input data."
        )
    observed = data.features.shape[1]
    if feature_dim not in {None, observed}:
        raise CustomerError(
            f"Incorrect configuration or {name} dataset provided. The value of feature_dim hyperparameter "
            f"'{feature_dim}' doesn't match {name} data dimensionality '{observed}'. "
            f"Please set feature_dim to the number of features in {name} dataset."
        )
    return Channel(name, data.features, _labels(name, data.labels) if expected.labeled else np.empty(0))


def _joined(parts: Sequence[Records]) -> Records:
    """Return the records of all files as one. Raises ContentError."""
    if not parts:
        raise ContentError("there is no record in it")
    if len({part.features.shape[1] for part in parts}) > 1:
        raise ContentError("its files have records of different numbers of features")
    features = [part.features for part in parts]
    labels = [part.labels for part in parts if part.labels is not None]
    if any(sparse.issparse(each) for each in features):
        matrix: Matrix = sparse.csr_matrix(sparse.vstack(features))
    else:
        matrix = np.concatenate(features)
    return Records(matrix, np.concatenate(labels) if len(labels) == len(parts) else None)


def _labels(name: str, labels: np.ndarray[Any, Any] | None) -> np.ndarray[Any, Any]:
    size = 0 if labels is None else labels.shape[1]
    if labels is None or size != 1:
        raise CustomerError(
            f"Labeled {name} data required with label size equal 1. Label size on {name} dataset found to be {size}. "
            f"Please provide a properly labeled labeled {name} dataset."
        )
    return labels[:, 0]
