"""A labelling job: what is labelled, with which labels, by how many people.

Its document in the bucket has the members of SageMaker's CreateLabelingJob, and its files lie where Ground Truth has
them ("Labeling job output data" and "Label categories" of SageMaker's guide), so that what reads Ground Truth's
results reads these. Ground Truth's own files name no "Not a brick": here it is the last of the labels.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from labelling.errors import LabellingError
from model_code.data import LABELS
from teardown import names

NOT_A_BRICK = "Not a brick"
CHOICES = (*LABELS, NOT_A_BRICK)
"""The labels of a job over bricks, by their numbers."""

FOLDER = names.LABELLING_JOBS
MOST_PEOPLE = 9  # NumberOfHumanWorkersPerDataObject, botocore's model
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")  # LabelingJobName, botocore's model
_VERSION = "2018-11-28"  # of the document of label categories


@dataclass(frozen=True, kw_only=True)
class Task:
    """One labelling job. `people` is how many of them each photo goes to, `home` the folder of it and others."""

    name: str
    bucket: str
    home: str = FOLDER
    people: int = 1
    labels: tuple[str, ...] = CHOICES
    title: str = "Which brick is it?"
    description: str = "Press the number of the brick that the photo shows."

    @property
    def attribute(self) -> str:
        """Return the label attribute's name, which Ground Truth's console makes the job's."""
        return self.name

    @property
    def folder(self) -> str:
        """Return what the keys of all its objects begin with."""
        return f"{self.home}{self.name}/"

    def key(self, name: str) -> str:
        """Return the key of one of its objects."""
        return f"{self.folder}{name}"

    def uri(self, name: str) -> str:
        """Return the address of one of its objects."""
        return f"s3://{self.bucket}/{self.key(name)}"

    def request(self) -> dict[str, Any]:
        """Return it as CreateLabelingJob's members."""
        return {
            "LabelingJobName": self.name,
            "LabelAttributeName": self.attribute,
            "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": self.uri(INPUT)}}},
            "OutputConfig": {"S3OutputPath": f"s3://{self.bucket}/{self.home.rstrip('/')}"},
            "LabelCategoryConfigS3Uri": self.uri(CATEGORIES),
            "HumanTaskConfig": {
                "TaskTitle": self.title,
                "TaskDescription": self.description,
                "NumberOfHumanWorkersPerDataObject": self.people,
            },
        }

    def categories(self) -> dict[str, Any]:
        """Return its labels as a document of label categories."""
        return {"document-version": _VERSION, "labels": [{"label": each} for each in self.labels]}


ANSWERS = names.LABELLING_ANSWERS
DOCUMENT, INPUT, CATEGORIES = "job.json", "input.manifest", "labels.json"
OUTPUT = "manifests/output/output.manifest"
UNCERTAINTY = "uncertainty.json"  # of the lab's endpoint, about each photo


def read(bucket: str, home: str, request: bytes, categories: bytes) -> Task:
    """Return the job of these two documents in a folder of jobs. Raises LabellingError for what is none."""
    try:
        asked, listed = json.loads(request), json.loads(categories)
        human = asked["HumanTaskConfig"]
        return Task(
            name=asked["LabelingJobName"],
            bucket=bucket,
            home=home,
            people=int(human["NumberOfHumanWorkersPerDataObject"]),
            labels=tuple(str(each["label"]) for each in listed["labels"]),
            title=human["TaskTitle"],
            description=human["TaskDescription"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise LabellingError(f"s3://{bucket}/{home}… holds no labelling job that can be read ({error!r}).") from None


def checked_name(name: str) -> str:
    """Return a job's name. Raises LabellingError for one that SageMaker would not take."""
    if not _NAME.fullmatch(name):
        raise LabellingError(f"{name!r} is no name of a labelling job: up to 63 letters, digits and - between them.")
    return name


def name_of(prefix: str) -> str:
    """Return the name of the job over a prefix: raw/first/ gives raw-first."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", prefix).strip("-")[:63].strip("-") or "photos"


def checked_people(people: int) -> int:
    """Return how many people each photo goes to. Raises LabellingError for a number that SageMaker would not take."""
    if not 1 <= people <= MOST_PEOPLE:
        raise LabellingError(f"people {people}: each photo goes to 1 to {MOST_PEOPLE} people.")
    return people
