"""What a kind of job is called: in SageMaker's API, and in sentences for the person who deploys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Words:
    """`stem` begins its members' names, `aim` is what it is to leave, `faster` what to do if it takes too long."""

    stem: str
    noun: str
    aim: str
    again: str
    faster: str

    def __str__(self) -> str:
        """For people."""
        return self.noun.replace("_", " ")

    @property
    def log_group(self) -> str:
        """Where SageMaker writes their logs."""
        return f"/aws/sagemaker/{self.stem}s"

    def member(self, end: str) -> str:
        """The member of a request, description or list with this end, such as "Name"."""
        return f"{self.stem}{end}"
