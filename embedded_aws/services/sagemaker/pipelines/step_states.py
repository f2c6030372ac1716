"""The steps of an execution as its record has them: the status of each, and what has come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.failure import REASON_LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from embedded_aws.services.sagemaker.pipelines.definition import Step
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

ENDED = ("Succeeded", "Failed", "Stopped")
"""The statuses in which an execution or a step has ended."""


class StepStates:
    """What is kept of the steps that have begun. `lock` is held while it changes."""

    def __init__(
        self,
        record: Record,
        steps: Mapping[str, Step],
        *,
        context: ServiceContext,
        lock: AbstractContextManager[object],
    ) -> None:
        self._record, self._steps = record, steps
        self._context, self._lock = context, lock

    @property
    def all(self) -> dict[str, dict[str, Any]]:
        """Return what is kept of each step that has begun, by its name."""
        states: dict[str, dict[str, Any]] = self._record.members["Steps"]
        return states

    def __getitem__(self, name: str) -> dict[str, Any]:
        """Return what is kept of a step. Raises KeyError if it has not begun."""
        return self.all[name]

    def has_ended(self, name: str) -> bool:
        """Return whether a step that has begun has ended."""
        return self[name]["StepStatus"] in ENDED

    def has_succeeded(self, name: str) -> bool:
        """Return whether a step has ended well."""
        return self.all.get(name, {}).get("StepStatus") == "Succeeded"

    def running(self) -> list[Step]:
        """Return the steps that have begun, and not ended."""
        return [self._steps[name] for name in self.all if not self.has_ended(name)]

    def has_failed(self) -> bool:
        """Return whether a step has failed."""
        return bool(self._failed())

    def terminated(self) -> bool:
        """Return whether a Fail step has ended the execution."""
        return any(self._steps[name].type == "Fail" for name in self._failed())

    def set(self, step: Step, **members: Any) -> None:
        """Record what is new of a step; None removes a member."""
        with self._lock:
            before = self.all.get(step.name) or self._fresh(step)
            after = {name: value for name, value in {**before, **members}.items() if value is not None}
            if before.get("StepStatus") != after.get("StepStatus"):
                after["PreviousStatus"] = before.get("StepStatus", "")
            self._context.store.update(self._record, Steps={**self.all, step.name: after}, ChangedStep=step.name)

    def end(self, step: Step, status: str, **members: Any) -> None:
        """Record a step's end."""
        reason = members.pop("FailureReason", None)
        self.set(
            step,
            StepStatus=status,
            EndTime=self._context.clock.now(),
            FailureReason=reason[:REASON_LENGTH] if reason else None,
            **members,
        )

    def _failed(self) -> list[str]:
        return [name for name, state in self.all.items() if state["StepStatus"] == "Failed"]

    def _fresh(self, step: Step) -> dict[str, Any]:
        told = {"StepDisplayName": step.raw.get("DisplayName"), "StepDescription": step.raw.get("Description")}
        return {
            "StepName": step.name,
            "StepType": step.type,
            "StartTime": self._context.clock.now(),
            "Metadata": {},
            **{name: value for name, value in told.items() if value is not None},
        }
