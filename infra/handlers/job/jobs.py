"""The jobs of one resource: found by the mark in their names, adopted, started, stopped, forgotten.

What a type of job has of its own, `training` and `processing` tell.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

from botocore.exceptions import ClientError

from infra.handlers.job import errors
from infra.handlers.job.request import typed
from teardown.names import LAB_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from types_boto3_s3 import S3Client

    from infra.handlers.job.job_type import JobType

Job = dict[str, Any]

# Secondary states of a training job. Source: botocore, DescribeTrainingJobResponse.
_WAITING = {"Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack"}
_ENDING = {"Stopping", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded"}


class Jobs(ABC):
    """SageMaker's jobs of one type and what they leave in S3, with its clients and its clock."""

    type: ClassVar[JobType]

    def __init__(
        self,
        sagemaker: Any,
        s3: S3Client,
        *,
        now: Callable[[], float] = time.time,  # SageMaker's times are the clock's too
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sagemaker = sagemaker
        self._s3 = s3
        self.now = now
        self.sleep = sleep

    @abstractmethod
    def result(self, job: Job) -> dict[str, str] | None:
        """Return the attributes of a job that has ended; None if what it should have made is not there."""

    @abstractmethod
    def instance_type(self, request: Job) -> str:
        """Return the instance type that a request or a description asks for."""

    def details(self, job: Job) -> dict[str, str]:
        """Return the attributes that take a look into what a job has made; asked once it is there."""
        del job
        return {}

    def named(self, request: Job, name: str) -> Job:
        """Return the request of the job of this name."""
        return {**request, self.type.member("Name"): name}

    @property
    def region(self) -> str:
        """Return the region that the jobs run in."""
        return str(self._sagemaker.meta.region_name)

    def name(self, job: Job) -> str:
        """Return its name."""
        return str(job[self.type.member("Name")])

    def status(self, job: Job) -> str:
        """Return its state: InProgress, Completed, Failed, Stopping or Stopped."""
        return str(job[self.type.member("Status")])

    def age(self, job: Job) -> float:
        """Return the seconds since its creation."""
        return self.now() - float(job["CreationTime"].timestamp())

    def last_state(self, job: Job) -> str:
        """Return what it did before it was stopped, in SageMaker's word; "" if it did not get its instances."""
        steps = [step["Status"] for step in job.get("SecondaryStatusTransitions", ()) if step["Status"] not in _ENDING]
        if (steps and steps[-1] in _WAITING) or self.type.start_time not in job:
            return ""
        return str(steps[-1]) if steps else "InProgress"  # only training jobs tell their steps

    def marked(self, mark: str) -> Iterator[Job]:
        """Yield every job of the resource with this mark, as a list of SageMaker sums it up."""
        ours = re.compile(rf".+-{mark}-[0-9a-f]{{16}}(-\d+)?")
        pages = self._sagemaker.get_paginator(f"list_{self.type.noun}s").paginate(NameContains=f"-{mark}-")
        for page in pages:
            yield from (dict(job) for job in page[self.type.member("Summaries")] if ours.fullmatch(self.name(job)))

    def choose(self, name: str, request: Job) -> str:
        """Return the name of the job for this work: of one that has done it or does it now, else of none that there is.

        A job that failed, was stopped or has lost its result keeps its name for ever, so the next attempt gets
        `-2`, `-3`, … behind it.
        """
        for attempt in count(1):
            candidate = name if attempt == 1 else f"{name}-{attempt}"
            job = self.find(candidate)
            if job is None:
                return candidate
            self._refuse_foreign(job, request)
            if self.status(job) == "InProgress" or self.result(job) is not None:
                return candidate
        raise AssertionError("count() does not end")

    def find(self, name: str) -> Job | None:
        """Return the job, as SageMaker describes it; None if there is none of this name."""
        try:
            return dict(self._call("describe", name))
        except ClientError as error:
            if errors.is_not_found(error):
                return None
            raise

    def start(self, name: str, request: Job) -> None:
        """Start the job; fine if it is there already, as it is when the answer to a call before this one got lost."""
        shape = self._sagemaker.meta.service_model.operation_model(f"Create{self.type.api_name}").input_shape
        try:
            getattr(self._sagemaker, f"create_{self.type.noun}")(**typed(self.named(request, name), shape))
        except ClientError as error:
            if errors.code(error) != "ResourceInUse":
                raise

    def stop(self, name: str) -> None:
        """Ask the job to end; one that is gone or has ended is fine."""
        try:
            self._call("stop", name)
        except ClientError as error:
            # A job that has ended meanwhile is refused with a ValidationException.
            if not errors.is_not_found(error) and errors.code(error) != "ValidationException":
                raise

    def forget(self, name: str) -> None:
        """Delete the record of an ended job, where the SDK and the region know how to."""
        if not hasattr(self._sagemaker, f"delete_{self.type.noun}"):
            return
        try:
            self._call("delete", name)
        except ClientError as error:
            if not errors.is_not_found(error) and errors.code(error) != "UnknownOperationException":
                raise

    def has_object(self, bucket: str, key: str) -> bool:
        """Return whether it is there. Listing tells "not there" from "not allowed", and needs no right to read it."""
        page = self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        return any(item["Key"] == key for item in page.get("Contents", []))

    def _call(self, verb: str, name: str) -> Any:
        return getattr(self._sagemaker, f"{verb}_{self.type.noun}")(**{self.type.member("Name"): name})

    def _refuse_foreign(self, job: Job, request: Job) -> None:
        lab = next(tag["Value"] for tag in request["Tags"] if tag["Key"] == LAB_TAG)
        tags = self._sagemaker.list_tags(ResourceArn=job[self.type.member("Arn")])["Tags"]
        owner = next((tag["Value"] for tag in tags if tag["Key"] == LAB_TAG), None)
        if owner != lab:
            raise errors.foreign(self.name(job), self.type, lab=lab, owner=owner)
