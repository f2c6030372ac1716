"""Tasks that a state machine leaves to a service: those whose Resource is `arn:aws:states:::<service>:<action>`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task: `action` is what comes behind the service in its Resource, such as createTrainingJob.sync.

    `is_wanted` returns whether its execution still runs; `role` is the state machine's.
    """

    resource: str
    action: str
    parameters: dict[str, Any]
    execution_arn: str
    role: str
    is_wanted: Callable[[], bool]


class TaskError(Exception):
    """A task has failed: the error's name, as Retry and Catch know it, and its cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause


TaskIntegration: TypeAlias = "Callable[[Task], dict[str, Any]]"
"""Carries out a task on the execution's thread, and returns its result. Raises TaskError."""
