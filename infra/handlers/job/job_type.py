"""What tells a type of job from another: its names in SageMaker's API, and what to say of it."""

from __future__ import annotations

from dataclasses import dataclass

from botocore import xform_name


@dataclass(frozen=True, kw_only=True)
class JobType:
    """A type of job: what it is called in SageMaker's API, and in sentences for the person who deploys.

    `result` is what it is to leave, `faster` what to do if it takes longer than it may, `shorter` if none may take
    as long.
    """

    api_name: str
    result: str
    again: str
    faster: str
    shorter: str

    def __str__(self) -> str:
        """Return how people read of it."""
        return self.noun.replace("_", " ")

    @property
    def noun(self) -> str:
        """Return what the client's methods end with, such as "training_job"."""
        return xform_name(self.api_name)

    @property
    def log_group(self) -> str:
        """Return the group that SageMaker writes their logs to."""
        return f"/aws/sagemaker/{self.api_name}s"

    @property
    def start_time(self) -> str:
        """Return the member that tells since when it has had its instances."""
        return f"{self.api_name.removesuffix('Job')}StartTime"

    def member(self, end: str) -> str:
        """Return the member of a request, description or list with this end, such as "Name"."""
        return f"{self.api_name}{end}"
