"""A run that has no process of its own: it makes other resources through the service's operations, and waits for them.

Tuning jobs and pipeline executions are such: no instance is theirs, so they go on after a start of the embedded AWS.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from embedded_aws import faults

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext
    from embedded_aws.services.sagemaker.store import Record

log = logging.getLogger(__name__)


class Orchestration(ABC):
    """What such runs have in common: how they are stopped, and that their end is recorded once.

    A subclass looks at `_stopping` and `_killed` between its steps, and waits for `_wake` where it has nothing to do.
    `_lock` is held while the record's status changes, and whatever has to agree with it.
    """

    def __init__(self, record: Record, *, end_time: str, context: ServiceContext, service: ControlPlane) -> None:
        """Go on with what the record is about; `end_time` is the member that says when it has ended."""
        self._record, self._end_time = record, end_time
        self._context, self._service = context, service
        self._wake = threading.Event()
        self._lock = threading.RLock()
        self._stopping = record.status == "Stopping"
        self._killed = self._finished = False

    def stop(self) -> bool:
        """End early, with all that runs; return False if it has ended."""
        with self._lock:
            if self._finished:
                return False
            self._record_status("Stopping")
            self._stopping = True
        self._wake.set()
        return True

    def kill(self) -> None:
        """Start nothing more: the gateway ends."""
        self._killed = True
        self._wake.set()

    def execute(self) -> None:
        """Do the work to its end, which is recorded."""
        try:
            status, reason = self._execute()
        except Exception as error:
            log.exception("%s %s", self._record.resource_type.name, self._record.arn)
            status, reason = "Failed", faults.failure_reason(error)
        if self._killed:
            return
        with self._lock:
            self._finished = True
            end = {self._end_time: self._context.clock.now(), "FailureReason": reason or None}
            self._record_status(status, **end)

    @abstractmethod
    def _execute(self) -> tuple[str, str]:
        """Start, watch and stop what there is to do; return the last status, and the reason if it failed."""

    def _members(self, reason: str) -> dict[str, Any]:
        """Return what else changes with the status, which has changed for this reason, if any."""
        del reason
        return {}

    def _record_status(self, status: str, **members: Any) -> None:
        changes = {str(self._record.resource_type.status): status, **members}
        self._context.store.update(self._record, **changes, **self._members(members.get("FailureReason") or ""))
