"""TensorBoard's logs of training jobs, brought from S3 into a folder, over and over, only what is new.

An event file is only ever appended to: what is new of it is appended here, to the file that TensorBoard has open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli import training_jobs
from cli.errors import LabError
from cli.instances import TRAINING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cli.place import Place

_EVENTS = "tfevents"  # in the name of every event file


class EventLogs:
    """The logs of the lab's jobs in a folder, one below it for each job; of those named, if any are."""

    def __init__(self, here: Place, lab: str, names: Sequence[str], folder: Path) -> None:
        """Raises LabError for a name that is none of the lab's jobs."""
        self._here, self._lab, self._names = here, lab, list(dict.fromkeys(names))
        self._folder = folder
        self._sagemaker, self._s3 = here.client("sagemaker"), here.client("s3")
        self._places: dict[str, str] = {}  # where each job's logs are; "" if it writes none
        self._tags: dict[str, str] = {}  # ETag of each object that was brought
        if names:
            training_jobs.check(names, training_jobs.of_lab(here, lab), lab)

    def sync(self) -> int:
        """Make the folder what S3 is; how many files there are. Raises LabError, ClientError."""
        there = {}
        for job in self._names or training_jobs.of_lab(self._here, self._lab):
            for name, found in self._objects(job):
                there[self._inside(f"{job}/{name}")] = found
        for path, (bucket, listed) in there.items():
            self._bring(bucket, listed, path)
        for path in self._folder.rglob("*"):
            if path.is_file() and path not in there:
                path.unlink()
        return len(there)

    def awaited(self) -> bool:
        """Whether one of the jobs at work will write logs."""
        running = training_jobs.of_lab(self._here, self._lab, StatusEquals="InProgress")
        return any(self._place(job) for job in running if not self._names or job in self._names)

    def _objects(self, job: str) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
        """A job's logs by name, with their bucket and what S3's listing says of them."""
        if place := self._place(job):
            bucket, _, key = place.removeprefix("s3://").partition("/")
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
            for page in pages:
                for each in page.get("Contents", ()):
                    if not each["Key"].endswith("/"):
                        yield each["Key"].removeprefix(key), (bucket, each)

    def _place(self, job: str) -> str:
        if job not in self._places:
            try:
                config = TRAINING.describe(self._sagemaker, job).get("TensorBoardOutputConfig")
            except ClientError:  # deleted since it was listed
                return ""
            self._places[job] = f"{config['S3OutputPath'].rstrip('/')}/{job}/tensorboard-output/" if config else ""
        return self._places[job]

    def _bring(self, bucket: str, found: dict[str, Any], path: Path) -> None:
        have = path.stat().st_size if path.exists() else 0
        known = self._tags.get(str(path), found["ETag"] if have == found["Size"] else "")
        if known == found["ETag"]:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        request = {"Bucket": bucket, "Key": found["Key"]}
        if _EVENTS in path.name and 0 < have < found["Size"]:
            answer = self._s3.get_object(**request, Range=f"bytes={have}-")
            with path.open("ab") as file:
                file.write(answer["Body"].read())
        else:
            path.write_bytes(self._s3.get_object(**request)["Body"].read())
        self._tags[str(path)] = found["ETag"]

    def _inside(self, name: str) -> Path:
        path = self._folder / name
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise LabError(f"A TensorBoard log has the name {name}, which leads out of its folder: delete that object.")
        return path
