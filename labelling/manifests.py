"""Manifests as Ground Truth reads and writes them, and each worker's answers beside them.

Sources: SageMaker's guide, "Labeling job output data" (an image classification job's line, its metadata, the folders,
a confidence of 0.00 where one person has labelled) and "Input manifest files"; its Lambda functions' requests and
responses, "Annotation consolidation" (`datasetObjectId`, `dataObject`, `annotations`); a worker's answer of
`crowd-image-classifier`, as aws-samples and users of Ground Truth have published them. That a job is called
`labeling-job/NAME` in a line: the manifest of amazon-sagemaker-examples#643.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelling.errors import LabellingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from labelling.task import Task

ELEMENT = "crowd-image-classifier"
SOURCE = "source-ref"
_TYPE = "groundtruth/image-classification"
_ITERATION = "iteration-1"
REQUESTS = f"annotations/consolidated-annotation/consolidation-request/{_ITERATION}/"
RESPONSES = f"annotations/consolidated-annotation/consolidation-response/{_ITERATION}/"
WORKERS = f"annotations/worker-response/{_ITERATION}/"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One person's answer for one photo. `label` is the number of a label, the times are as Ground Truth has them."""

    photo: int
    worker: str
    label: int
    accepted: str
    submitted: str
    seconds: float
    reviewer: bool = False

    def document(self, labels: Sequence[str]) -> dict[str, Any]:
        """Return it as Ground Truth keeps it."""
        return {
            "acceptanceTime": self.accepted,
            "answerContent": {ELEMENT: {"label": labels[self.label]}},
            "submissionTime": self.submitted,
            "timeSpentInSeconds": self.seconds,
            "workerId": self.worker,
        }


def read_answer(content: bytes, labels: Sequence[str], *, photo: int, worker: str, reviewer: bool = False) -> Answer:
    """Return the answer of a document. Raises ValueError, in one sentence, for what is none."""
    try:
        document = json.loads(content)
        label = labels.index(document["answerContent"][ELEMENT]["label"])
        return Answer(
            photo=photo,
            worker=worker,
            label=label,
            accepted=str(document["acceptanceTime"]),
            submitted=str(document["submissionTime"]),
            seconds=float(document["timeSpentInSeconds"]),
            reviewer=reviewer,
        )
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"what {worker} has answered for photo {photo} is no answer with one of the job's labels"
        ) from None


@dataclass(frozen=True)
class Line:
    """A line of a manifest: its photo's key in the bucket, and all that it says."""

    key: str
    document: Mapping[str, Any]


def read_lines(text: str, bucket: str, where: str) -> list[Line]:
    """Return the lines of an input manifest. Raises LabellingError that names the first wrong line, and says why."""
    lines = []
    own = f"s3://{bucket}/"
    for number, each in enumerate(text.splitlines(), 1):
        if not each.strip():
            continue
        try:
            document = json.loads(each)
            source = document[SOURCE]
        except (ValueError, KeyError, TypeError):
            raise LabellingError(
                f'{where}, line {number}: each line is one JSON object such as {{"{SOURCE}": "{own}raw/a.png"}}, and '
                f"this is none; mend the line, nothing was changed."
            ) from None
        if not isinstance(source, str) or not source.startswith(own) or source == own:
            raise LabellingError(
                f"{where}, line {number}: {source} is no object of the lab's bucket; photos are labelled where the lab "
                f"is, so copy it below {own} first. Nothing was changed."
            )
        lines.append(Line(source.removeprefix(own), document))
    if not lines:
        raise LabellingError(f"{where} names no photo.")
    return lines


def write_lines(documents: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a manifest, a JSON object a line."""
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in documents).encode()


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """What people have agreed on for a photo: the number of a label, and how sure that is, 0 to 1."""

    label: int
    confidence: float
    at: datetime


def labelled(task: Task, line: Line, found: Consensus | None) -> dict[str, Any]:
    """Return a line of the output manifest; without a label it is the input's."""
    own = {task.attribute, f"{task.attribute}-metadata"}
    kept = {name: value for name, value in line.document.items() if name not in own}
    return {**kept, **attributes(task, found)} if found else kept


def attributes(task: Task, found: Consensus) -> dict[str, Any]:
    """Return what the job adds to a line."""
    return {
        task.attribute: found.label,
        f"{task.attribute}-metadata": {
            "class-name": task.labels[found.label],
            "confidence": round(found.confidence, 2),
            "type": _TYPE,
            "job-name": f"labeling-job/{task.name}",
            "human-annotated": "yes",
            "creation-date": found.at.replace(tzinfo=None).isoformat(timespec="microseconds"),
        },
    }


def consolidation_request(task: Task, lines: Sequence[Line], answers: Mapping[int, Sequence[Answer]]) -> Any:
    """Return what Ground Truth hands to an annotation consolidation function: each photo with its people's answers."""
    return [
        {
            "datasetObjectId": str(photo),
            "dataObject": {"s3Uri": lines[photo].document[SOURCE]},
            "annotations": [
                {
                    "workerId": each.worker,
                    "annotationData": {"content": json.dumps(each.document(task.labels)["answerContent"])},
                }
                for each in answers[photo]
            ],
        }
        for photo in sorted(answers)
    ]


def consolidation_response(task: Task, found: Mapping[int, Consensus]) -> Any:
    """Return what an annotation consolidation function answers: each photo with its label."""
    return [
        {
            "datasetObjectId": str(photo),
            "consolidatedAnnotation": {"content": attributes(task, found[photo])},
        }
        for photo in sorted(found)
    ]
