"""TensorBoard's logs of training jobs, downloaded from S3 into a folder, over and over, only what is new.

An event file is only ever appended to: what is new of it is appended here, to the file that TensorBoard has open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli.aws import training_jobs
from cli.aws.instance_counts import JOB_WITH_INSTANCES, TRAINING
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cli.aws.session import Session

_EVENTS = "tfevents"  # in the name of every event file


@dataclass(frozen=True, kw_only=True)
class _LogFile:
    """One as S3 lists it."""

    bucket: str
    key: str
    size: int
    tag: str


class EventLogs:
    """The logs of the lab's jobs in a folder, one below it for each job; of those named, if any are."""

    def __init__(self, session: Session, lab: str, names: Sequence[str], folder: Path) -> None:
        """Raise LabError for a name that is none of the lab's jobs."""
        self._session, self._lab, self._names = session, lab, list(dict.fromkeys(names))
        self._folder = folder
        self._sagemaker, self._s3 = session.client("sagemaker"), session.client("s3")
        self._objects: dict[str, dict[Path, _LogFile]] = {}  # of each job, where they go
        self._ended: set[str] = set()  # jobs whose objects were listed after their end
        self._awaited = False
        self._tags: dict[Path, str] = {}  # ETag of each object that was brought
        if names:
            training_jobs.check(names, training_jobs.of_lab(session, lab), lab)

    def sync(self) -> bool:
        """Make the folder what S3 is; return whether there is or will be anything. Raises LabError, ClientError."""
        jobs = self._names or training_jobs.of_lab(self._session, self._lab)
        self._awaited = False
        for job in jobs:
            if job not in self._ended:
                self._objects[job] = self._list(job)
        there = {path: found for job in jobs for path, found in self._objects[job].items()}
        for path, found in there.items():
            self._download(found, path)
        for path in self._folder.rglob("*"):
            if path.is_file() and path not in there:
                path.unlink()
        return bool(there) or self._awaited

    def _list(self, job: str) -> dict[Path, _LogFile]:
        try:
            described = TRAINING.describe(self._sagemaker, job)
        except ClientError:  # deleted since it was listed
            return {}
        config = described.get("TensorBoardOutputConfig")
        if TRAINING.status(described) not in JOB_WITH_INSTANCES:
            self._ended.add(job)
        elif config:
            self._awaited = True
        if not config:
            return {}
        place = f"{config['S3OutputPath'].rstrip('/')}/{job}/tensorboard-output/"
        bucket, _, key = place.removeprefix("s3://").partition("/")
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        return {
            self._local_path(f"{job}/{each['Key'].removeprefix(key)}"): _LogFile(
                bucket=bucket, key=each["Key"], size=each["Size"], tag=each["ETag"]
            )
            for page in pages
            for each in page.get("Contents", ())
            if not each["Key"].endswith("/")
        }

    def _download(self, found: _LogFile, path: Path) -> None:
        have = path.stat().st_size if path.exists() else 0
        if self._tags.get(path, found.tag if have == found.size else "") == found.tag:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if _EVENTS in path.name and 0 < have < found.size:
            with path.open("ab") as file:
                file.write(self._read(found, Range=f"bytes={have}-"))
        else:
            path.write_bytes(self._read(found))
        self._tags[path] = found.tag

    def _read(self, found: _LogFile, **part: str) -> bytes:
        return bytes(self._s3.get_object(Bucket=found.bucket, Key=found.key, **part)["Body"].read())

    def _local_path(self, name: str) -> Path:
        path = self._folder / name
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise LabError(f"A TensorBoard log has the name {name}, which leads out of its folder: delete that object.")
        return path
