"""Labels that are delivered later: which answers they say were right.

Format and place: SageMaker's guide, "Ingest Ground Truth labels and merge them with predictions": JSON Lines below
prefix/yyyy/mm/dd/hh, of the hour in which a label is collected, with the inferenceId of the request, or the eventId of
one that had none. A run takes the labels of its own window, and looks for their answers in what it and the runs of the
last days have written.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from data import LABELS
from monitoring.reports import ANSWERS
from preparing.s3 import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BACK = timedelta(days=7)
_HOUR = timedelta(hours=1)


def right_answers(
    s3: Any, *, labels: str, reports: str, answers: Mapping[str, int], start: datetime, end: datetime
) -> list[bool]:
    """Return whether each answer whose label was delivered in the window was right.

    `labels` and `reports` are addresses of folders in S3; `answers` are the window's own, by identifier. Raises
    ValueError, in one sentence, for a label that is none.
    """
    wanted = dict(_delivered(s3, labels, start, end))
    right = [answers[identifier] == label for identifier, label in wanted.items() if identifier in answers]
    missing = wanted.keys() - answers.keys()
    if missing:
        for line in _earlier_answers(s3, reports, start):
            if line["id"] in missing:
                missing -= {line["id"]}
                right.append(line["class"] == wanted[line["id"]])
    return right


def _delivered(s3: Any, labels: str, start: datetime, end: datetime) -> Iterator[tuple[str, int]]:
    hour = start.replace(minute=0, second=0, microsecond=0)
    while hour < end:
        for key, line in _lines(s3, f"{labels.rstrip('/')}/{hour:%Y/%m/%d/%H}/"):
            try:
                yield line["eventMetadata"]["eventId"], _class(line["groundTruthData"]["data"])
            except (KeyError, TypeError, ValueError):
                raise ValueError(
                    f"A line of {key} is no label; it needs groundTruthData.data, a class 0 to {len(LABELS) - 1} or "
                    "its name, and eventMetadata.eventId."
                ) from None
        hour += _HOUR


def _class(text: str) -> int:
    if text in LABELS:
        return LABELS.index(text)
    number = int(text)
    if not 0 <= number < len(LABELS):
        raise ValueError(text)
    return number


def _earlier_answers(s3: Any, reports: str, start: datetime) -> Iterator[dict[str, Any]]:
    """Yield the answers that earlier runs have written, the latest run's first."""
    bucket, prefix = split(reports.rstrip("/"))
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    found = [each for page in pages for each in page.get("Contents", []) if each["Key"].endswith(f"/{ANSWERS}")]
    for each in sorted(found, key=lambda one: one["LastModified"], reverse=True):
        if each["LastModified"] >= start - _BACK:
            for _, line in _lines(s3, f"s3://{bucket}/{each['Key']}"):
                yield line


def _lines(s3: Any, address: str) -> Iterator[tuple[str, dict[str, Any]]]:
    bucket, prefix = split(address)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for key in [each["Key"] for page in pages for each in page.get("Contents", []) if each["Key"].endswith(".jsonl")]:
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        for line in content.splitlines():
            try:
                yield key, json.loads(line)
            except ValueError:
                raise ValueError(f"A line of s3://{bucket}/{key} is no JSON; write one object a line.") from None
