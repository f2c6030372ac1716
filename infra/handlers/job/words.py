"""What a kind of job is called: in SageMaker's API, and in sentences for the person who deploys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Words:
    """What begins its members' names, and what to say of it.

    `aim` is what it is to leave, `faster` what to do if it takes longer than it may, `shorter` if none may take
    as long.
    """

    stem: str
    noun: str
    aim: str
    again: str
    faster: str
    shorter: str

    def __str__(self) -> str:
        """For people."""
        return self.noun.replace("_", " ")

    @property
    def log_group(self) -> str:
        """Where SageMaker writes their logs."""
        return f"/aws/sagemaker/{self.stem}s"

    @property
    def start_time(self) -> str:
        """Return the member that tells since when it has had its instances."""
        return f"{self.stem.removesuffix('Job')}StartTime"

    def member(self, end: str) -> str:
        """The member of a request, description or list with this end, such as "Name"."""
        return f"{self.stem}{end}"
