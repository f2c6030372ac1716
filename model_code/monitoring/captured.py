"""What an endpoint has captured: images that were asked about, and what was answered.

Format: SageMaker's guide, "Capture data from real-time endpoint"; data are text as they were sent, or in base64.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from data import LABELS, scaled
from photo import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[np.float32]

_JSON, _NPY = "application/json", "application/x-npy"


@dataclass(frozen=True, kw_only=True)
class Captured:
    """Images (n, 48, 48) 0..1, the probabilities (n, 10) answered, and the identifier of the request of each (n).

    `known` is whether each was said to be a brick that the model knows, of those of which that was said; `unread` is
    how many requests were none that could be read.
    """

    images: Array
    probabilities: Array
    identifiers: list[str]
    known: list[bool]
    unread: int


@dataclass
class _Rows:
    images: list[Array] = field(default_factory=list)
    probabilities: list[Array] = field(default_factory=list)
    identifiers: list[str] = field(default_factory=list)
    known: list[bool] = field(default_factory=list)
    unread: int = 0


def read(folder: Path, *, start: datetime | None = None, end: datetime | None = None) -> Captured:
    """Read all requests below a folder that were answered from `start` on and before `end`.

    Raises ValueError, in one sentence, for a file that data capture has not written.
    """
    rows = _Rows()
    for record in _records(folder):
        metadata = record["eventMetadata"]
        moment = datetime.fromisoformat(metadata["inferenceTime"])
        if (start and moment < start) or (end and moment >= end):
            continue
        try:
            images = _images(record["captureData"]["endpointInput"])
            probabilities, known = _answers(record["captureData"]["endpointOutput"])
        except (ValueError, KeyError, TypeError):
            rows.unread += 1
            continue
        if len(images) != len(probabilities):
            rows.unread += 1
            continue
        rows.images.append(images)
        rows.probabilities.append(probabilities)
        rows.known += known
        rows.identifiers += [metadata.get("inferenceId", metadata["eventId"])] * len(images)
    return Captured(
        images=np.concatenate(rows.images) if rows.images else np.empty((0, 48, 48), np.float32),
        probabilities=np.concatenate(rows.probabilities) if rows.images else np.empty((0, len(LABELS)), np.float32),
        identifiers=rows.identifiers,
        known=rows.known,
        unread=rows.unread,
    )


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.rglob("*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield json.loads(line)
                except ValueError:
                    raise ValueError(
                        f"Line {number} of {file.name} is no JSON; data capture writes one object a line."
                    ) from None


def _images(side: dict[str, str]) -> Array:
    """Return the images of a request (n, 48, 48). Raises ValueError for what the endpoint would not have taken."""
    kind = side["observedContentType"].partition(";")[0].strip().lower()
    body = _body(side)
    if kind == _JSON:
        document = json.loads(body)
        instances = document["instances"] if isinstance(document, dict) else document
        return scaled(np.array(instances, dtype=np.float64), "The request")
    if kind == _NPY:
        return scaled(np.load(io.BytesIO(body), allow_pickle=False), "The request", one=True)
    return prepare(body)[np.newaxis]


def _answers(side: dict[str, str]) -> tuple[Array, list[bool]]:
    """Return the probabilities of an answer (n, 10), and whether each brick is known where it says so."""
    predictions = json.loads(_body(side))["predictions"]
    if isinstance(predictions[0], dict):
        rows = [[each["probabilities"][label] for label in LABELS] for each in predictions]
        return np.array(rows, np.float32), [each["known"] for each in predictions if "known" in each]
    return np.array(predictions, np.float32).reshape(-1, len(LABELS)), []


def _body(side: dict[str, str]) -> bytes:
    return base64.b64decode(side["data"]) if side["encoding"] == "BASE64" else side["data"].encode()
