"""Notebook instances: records that pass through AWS's states. No machine is behind them, so they have no Url.

The waits are ours; AWS takes minutes. That Disabled internet access needs a subnet and that a volume cannot shrink is
said in botocore's model; the sentences that refuse it were not compared with AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.sagemaker.behaviour import Behaviour
from emulator.sagemaker.errors import validation

if TYPE_CHECKING:
    from emulator.sagemaker.store import Record

PENDING_SECONDS = 2.0
UPDATING_SECONDS = 1.0
STOPPING_SECONDS = 1.0
DELETING_SECONDS = 1.0

_DISASSOCIATED = {
    "DisassociateLifecycleConfig": "NotebookInstanceLifecycleConfigName",
    "DisassociateAcceleratorTypes": "AcceleratorTypes",
    "DisassociateDefaultCodeRepository": "DefaultCodeRepository",
    "DisassociateAdditionalCodeRepositories": "AdditionalCodeRepositories",
}


class NotebookInstances(Behaviour):
    """The life of a notebook instance on the clock."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Pending, then InService."""
        if request.get("DirectInternetAccess") == "Disabled" and "SubnetId" not in request:
            raise validation("DirectInternetAccess can be Disabled only if SubnetId is given.")
        self._later(record, PENDING_SECONDS, "Pending", "InService")

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Updating, with the new members, then Stopped."""
        size = record.members["VolumeSizeInGB"]
        if request.get("VolumeSizeInGB", size) < size:
            raise validation(f"VolumeSizeInGB cannot be decreased: the volume has {size} GB.")
        changes = record.kind.described(request)
        changes.pop(record.kind.name_member)
        for flag, member in _DISASSOCIATED.items():
            if changes.pop(flag, False):
                changes[member] = None
        self._move("Update", record, **changes)
        self._later(record, UPDATING_SECONDS, "Updating", "Stopped")

    def start(self, record: Record) -> None:
        """Pending, then InService."""
        self._move("Start", record)
        self._later(record, PENDING_SECONDS, "Pending", "InService")

    def stop(self, record: Record) -> None:
        """Stopping, then Stopped."""
        self._move("Stop", record)
        self._later(record, STOPPING_SECONDS, "Stopping", "Stopped")

    def delete(self, record: Record) -> None:
        """Deleting, then gone."""
        self._move("Delete", record)
        self.context.clock.after(DELETING_SECONDS, lambda: self.context.store.remove(record))

    def _move(self, verb: str, record: Record, **changes: Any) -> None:
        """Go over to the state that the operation leads to."""
        self.context.store.update(record, NotebookInstanceStatus=record.kind.rules[verb].target, **changes)

    def _later(self, record: Record, seconds: float, passing: str, settled: str) -> None:
        store = self.context.store
        self.context.clock.after(seconds, lambda: store.update_if(record, (passing,), NotebookInstanceStatus=settled))
