"""The training jobs of one resource: found by the mark in their names, adopted, started, stopped, forgotten."""

from __future__ import annotations

import re
import time
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from botocore.exceptions import ClientError

from . import errors
from .request import named, typed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_s3 import S3Client
    from types_boto3_sagemaker import SageMakerClient

Job = dict[str, Any]

# How long a new role may take to be known everywhere, and how often to look.
_ROLE_SECONDS = 120.0
_ROLE_INTERVAL = 5.0
_LAB_TAG = "bricklab:lab"


class Jobs:
    """SageMaker's training jobs and their artifacts, told its clients and its clock."""

    def __init__(
        self,
        sagemaker: SageMakerClient,
        s3: S3Client,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sagemaker = sagemaker
        self._s3 = s3
        self.now = now
        self.sleep = sleep

    @property
    def region(self) -> str:
        """Where the jobs run."""
        return self._sagemaker.meta.region_name

    def describe(self, name: str) -> Job:
        """The job, as SageMaker describes it."""
        return dict(self._sagemaker.describe_training_job(TrainingJobName=name))

    def marked(self, mark: str) -> Iterator[Job]:
        """Every job of the resource with this mark, as a list of SageMaker sums it up."""
        ours = re.compile(rf".+-{mark}-[0-9a-f]{{16}}(-\d+)?")
        pages = self._sagemaker.get_paginator("list_training_jobs").paginate(NameContains=f"-{mark}-")
        for page in pages:
            yield from (dict(job) for job in page["TrainingJobSummaries"] if ours.fullmatch(job["TrainingJobName"]))

    def adopt_or_start(self, name: str, request: Job) -> str:
        """The name of a job that does this training: one that has done it or does it now, else a new one.

        A job that failed, was stopped or has lost its artifact keeps its name for ever, so the next attempt gets
        `-2`, `-3`, … behind it. Starting is the last thing done here: nothing may fail after it.
        """
        for attempt in count(1):
            candidate = name if attempt == 1 else f"{name}-{attempt}"
            job = self._find(candidate) or self._start(candidate, request)
            if job is None:
                return candidate
            self._refuse_foreign(job, request)
            if self._is_usable(job):
                return candidate
        raise AssertionError("count() does not end")

    def artifact(self, job: Job) -> str | None:
        """The URI of the model that the job has left in S3, if it is there.

        Listing tells "not there" from "not allowed", and needs neither to read objects nor the key.
        """
        uri = job.get("ModelArtifacts", {}).get("S3ModelArtifacts")
        if not uri:
            return None
        place = urlparse(uri)
        key = place.path.lstrip("/")
        page = self._s3.list_objects_v2(Bucket=place.netloc, Prefix=key, MaxKeys=1)
        return uri if any(item["Key"] == key for item in page.get("Contents", [])) else None

    def stop(self, name: str) -> None:
        """Ask the job to end; one that is gone or has ended is fine."""
        try:
            self._sagemaker.stop_training_job(TrainingJobName=name)
        except ClientError as error:
            # A job that has ended meanwhile is refused with a ValidationException.
            if not errors.is_not_found(error) and errors.code(error) != "ValidationException":
                raise

    def forget(self, name: str) -> None:
        """Delete the record of an ended job, where the SDK and the region know how to."""
        if not hasattr(self._sagemaker, "delete_training_job"):
            return
        try:
            self._sagemaker.delete_training_job(TrainingJobName=name)
        except ClientError as error:
            if not errors.is_not_found(error) and errors.code(error) != "UnknownOperationException":
                raise

    def _find(self, name: str) -> Job | None:
        try:
            return self.describe(name)
        except ClientError as error:
            if errors.is_not_found(error):
                return None
            raise

    def _start(self, name: str, request: Job) -> Job | None:
        """Start the job; if another call was faster (ResourceInUse), that call's job."""
        shape = self._sagemaker.meta.service_model.operation_model("CreateTrainingJob").input_shape
        complete = typed(named(request, name), shape)  # type: ignore[arg-type]
        deadline = self.now() + _ROLE_SECONDS
        while True:
            try:
                self._sagemaker.create_training_job(**complete)
            except ClientError as error:
                if errors.code(error) == "ResourceInUse":
                    return self.describe(name)
                if not errors.is_role_not_ready(error) or self.now() > deadline:
                    instance_type = request["ResourceConfig"]["InstanceType"]
                    raise errors.refused(error, instance_type=instance_type) from error
                self.sleep(_ROLE_INTERVAL)
            else:
                return None

    def _refuse_foreign(self, job: Job, request: Job) -> None:
        lab = next(tag["Value"] for tag in request["Tags"] if tag["Key"] == _LAB_TAG)
        tags = self._sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"]
        owner = next((tag["Value"] for tag in tags if tag["Key"] == _LAB_TAG), None)
        if owner != lab:
            raise errors.foreign(job["TrainingJobName"], lab=lab, owner=owner)

    def _is_usable(self, job: Job) -> bool:
        status = job["TrainingJobStatus"]
        return status == "InProgress" or (status in {"Completed", "Stopped"} and self.artifact(job) is not None)
