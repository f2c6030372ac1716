"""The provider of notebook instances: records that pass through AWS's statuses, and machines that run JupyterLab.

An instance with an OnCreate script boots when it is created, and is in service when JupyterLab runs, or Failed. Any
other costs nothing until it is opened: its machine boots at the first presigned URL, which is answered when JupyterLab
runs, and only then Describe has a Url. So an OnStart script that fails makes the instance Failed then, not at Create or
Start as on AWS. JupyterLab that is shut down from within (exit code 0) ends the machine, and the next presigned URL
boots it again; one that crashes makes the instance Failed. A presigned URL is valid as long as its server runs:
SessionExpirationDurationInSeconds is not heeded.

After a start an instance is as after AWS's maintenance: in service if it was, with a machine that boots when it is next
opened; its OnStart script runs then, and OnCreate does not. One that was to be created is created anew.

The volume is as large as the disk it lies on; code repositories are recorded, not cloned. The waits are ours; AWS takes
minutes. That Disabled internet access needs a subnet and that a volume cannot shrink is said in botocore's model. Not
compared with AWS: the sentences that refuse either.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime import images
from embedded_aws.runtime.credentials import CredentialsEndpoint
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception
from embedded_aws.services.sagemaker.notebooks.folder import MachineFolder
from embedded_aws.services.sagemaker.notebooks.lifecycle import Lifecycle
from embedded_aws.services.sagemaker.notebooks.machine import BootError, Machine
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.roles import assumed_role, role_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext, Work
    from embedded_aws.services.sagemaker.store import Record

PENDING_SECONDS = 2.0
UPDATING_SECONDS = 1.0
STOPPING_SECONDS = 1.0
DELETING_SECONDS = 1.0
_PLATFORM = "notebook-"
_REASON_LENGTH = 1024
_VOLUME = "VolumeFolder"
"""Where the record holds the name of its folder, beside DescribeNotebookInstance's answer."""
_CREATED = "OnCreateIsOver"
"""Where it says that OnCreate is not to run any more."""

_DISASSOCIATED = {
    "DisassociateLifecycleConfig": "NotebookInstanceLifecycleConfigName",
    "DisassociateAcceleratorTypes": "AcceleratorTypes",
    "DisassociateDefaultCodeRepository": "DefaultCodeRepository",
    "DisassociateAdditionalCodeRepositories": "AdditionalCodeRepositories",
}


@dataclass
class _NotebookInstance:
    """What a notebook instance has besides its record; `machine` is a new one after every start."""

    folder: MachineFolder
    lifecycle: Lifecycle
    machine: Machine


class NotebookInstances(Provider):
    """Notebook instances; each has a `Machine`."""

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._credentials = CredentialsEndpoint()
        self._instances: dict[Record, _NotebookInstance] = {}
        self._lock = threading.Lock()
        self._folder = context.state_dir / "notebooks"

    def bind(self, service: ControlPlane) -> None:
        """Remove the volumes that are no record's: the gateway ended before they were, or they were half made."""
        del service
        known = {record.members.get(_VOLUME) for record in self.context.store.every()}
        orphans = [each for each in self._folder.glob("*") if each.name not in known]

        def remove() -> None:
            for folder in orphans:
                shutil.rmtree(folder, ignore_errors=True)

        threading.Thread(target=remove, name="orphaned volumes", daemon=True).start()

    def role(self, record: Record, arn: str) -> Role:
        """Return the role that a machine acts as. Raises AWS's ValidationException if SageMaker can't assume it."""
        return assumed_role(record, arn, endpoint_url=self.context.endpoint_url)

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Check what is asked for; return what makes the machine; the status is Pending, then InService."""
        if request.get("DirectInternetAccess") == "Disabled" and "SubnetId" not in request:
            raise validation_exception("DirectInternetAccess can be Disabled only if SubnetId is given.")
        self._check_platform(record.members["PlatformIdentifier"])
        self.role(record, request["RoleArn"])
        lifecycle = Lifecycle()
        lifecycle.read(record, self.context.store)
        self.context.store.update(record, **{_VOLUME: f"{record.name}-{secrets.token_hex(4)}"})
        return lambda: self._come_into_service(record, self._make(record, lifecycle))

    def restore(self, record: Record) -> Work | None:
        """Find the volume again, and make the machine, which is off."""
        lifecycle = Lifecycle()
        if record.members.get(_CREATED):
            lifecycle.completed()
        elif record.status == "Pending":
            shutil.rmtree(self._folder / record.members[_VOLUME], ignore_errors=True)
        instance = self._make(record, lifecycle)
        settled = {"Stopping": "Stopped", "Updating": "Stopped"}.get(record.status)
        if settled or "Url" in record.members:
            self.context.store.update(record, Url=None, NotebookInstanceStatus=settled or record.status)
        if record.status == "Deleting":
            return lambda: self._remove(record)
        try:
            lifecycle.read(record, self.context.store)
        except ServiceError as error:  # its configuration is gone
            if record.status in ("InService", "Pending"):
                self.context.store.update(record, NotebookInstanceStatus="Failed", FailureReason=error.message)
        if record.status == "Pending":
            self._come_into_service(record, instance)
        return None

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Record the new members; the status is Updating, then Stopped."""
        size = record.members["VolumeSizeInGB"]
        if request.get("VolumeSizeInGB", size) < size:
            raise validation_exception(f"VolumeSizeInGB cannot be decreased: the volume has {size} GB.")
        if "PlatformIdentifier" in request:
            self._check_platform(request["PlatformIdentifier"])
        if "RoleArn" in request:
            self.role(record, request["RoleArn"])
        changes = record.resource_type.described(request)
        changes.pop(record.resource_type.name_member)
        for flag, member in _DISASSOCIATED.items():
            if changes.pop(flag, False):
                changes[member] = None
        self._move("Update", record, **changes)
        self._settle_after(record, UPDATING_SECONDS, "Updating", "Stopped")

    def start(self, record: Record) -> None:
        """Make a new machine on the old volume; the status is Pending, then InService."""
        instance = self._instances[record]
        instance.lifecycle.completed()
        instance.lifecycle.read(record, self.context.store)
        instance.machine = self._machine(record, instance.folder, instance.lifecycle)
        self._move("Start", record, FailureReason=None, **{_CREATED: True})
        self._settle_after(record, PENDING_SECONDS, "Pending", "InService")

    def stop(self, record: Record) -> None:
        """End the machine; the status is Stopping, then Stopped once nothing of it runs."""
        self._move("Stop", record, Url=None)
        self._end(record, STOPPING_SECONDS, lambda: self._settle(record, "Stopping", "Stopped"))

    def delete(self, record: Record) -> None:
        """End the machine and remove it with its volume; the status is Deleting until the record is gone."""
        self._move("Delete", record)
        self._end(record, DELETING_SECONDS, lambda: self._remove(record))

    def perform(self, verb: str, record: Record, request: dict[str, Any]) -> dict[str, Any]:
        """Return the presigned URL; boot the machine if need be. Raises ValidationException if that fails."""
        del verb, request  # there is one verb, and nothing of the request is asked for
        machine = self._instances[record].machine
        try:
            port, token = machine.open()
        except BootError as error:
            self._fail(record, machine, str(error))
            raise validation_exception(str(error)) from error
        self._update(record, machine, Url=f"127.0.0.1:{port}")
        return {"AuthorizedUrl": f"http://127.0.0.1:{port}/lab?token={token}"}

    def discard(self, record: Record) -> None:
        """Forget a notebook instance; end the machine and remove it with its volume."""
        super().discard(record)
        if record in self._instances:
            self._end(record, 0, lambda: self._remove(record))

    def close(self) -> None:
        """Kill every machine."""
        with self._lock:
            instances = list(self._instances.values())
        for instance in instances:
            instance.machine.kill()
        self._credentials.close()

    def _make(self, record: Record, lifecycle: Lifecycle) -> _NotebookInstance:
        """Make the machine of a record, with its volume."""
        root = self._folder / record.members[_VOLUME]
        folder = MachineFolder(root, record, sandboxed=self.context.sandboxed)
        instance = _NotebookInstance(folder, lifecycle, self._machine(record, folder, lifecycle))
        with self._lock:
            self._instances[record] = instance
        return instance

    def _come_into_service(self, record: Record, instance: _NotebookInstance) -> None:
        if instance.lifecycle.creates:
            self.context.clock.after(PENDING_SECONDS, lambda: self._boot(record, instance.machine))
        else:
            self._settle_after(record, PENDING_SECONDS, "Pending", "InService")

    def _boot(self, record: Record, machine: Machine) -> None:
        """Boot the machine; the status goes from Pending to InService or Failed."""
        try:
            port, _ = machine.open()
        except BootError as error:
            failed = {"NotebookInstanceStatus": "Failed", "FailureReason": str(error)[:_REASON_LENGTH]}
            self.context.store.update_if(record, ("Pending",), **failed)
        else:
            serving = {"NotebookInstanceStatus": "InService", "Url": f"127.0.0.1:{port}", _CREATED: True}
            self.context.store.update_if(record, ("Pending",), **serving)

    def _machine(self, record: Record, folder: MachineFolder, lifecycle: Lifecycle) -> Machine:
        role = role_of(record, record.members["RoleArn"], endpoint_url=self.context.endpoint_url)
        return Machine(
            record,
            folder,
            lifecycle,
            context=self.context,
            role=role,
            credentials=self._credentials,
            on_end=lambda machine, reason: self._ended(record, machine, reason),
        )

    def _check_platform(self, platform: str) -> None:
        known = [name for name in images.available(self.context.images_dir) if name.startswith(_PLATFORM)]
        if platform not in known:
            raise validation_exception(
                f"The embedded AWS has not got the platform {platform}. It has: {', '.join(known)}."
            )

    def _ended(self, record: Record, machine: Machine, reason: str | None) -> None:
        """Record that the machine has ended by itself."""
        if reason:
            self._fail(record, machine, reason)
        else:
            self._update(record, machine, Url=None)

    def _fail(self, record: Record, machine: Machine, reason: str) -> None:
        reason = reason[:_REASON_LENGTH]
        self._update(record, machine, NotebookInstanceStatus="Failed", FailureReason=reason, Url=None)

    def _update(self, record: Record, machine: Machine, **members: Any) -> None:
        """Update the record if it is still in service with that machine."""
        instance = self._instances.get(record)
        if instance and instance.machine is machine:
            self.context.store.update_if(record, ("InService",), **members)

    def _end(self, record: Record, seconds: float, then: Callable[[], None]) -> None:
        """End the machine and wait, off this thread: who asks for it may run on that very machine."""
        machine = self._instances[record].machine

        def end() -> None:
            machine.stop()
            if self.context.clock.sleep(seconds):
                then()

        threading.Thread(target=end, name=f"notebook instance {record.name}", daemon=True).start()

    def _remove(self, record: Record) -> None:
        with self._lock:
            instance = self._instances.pop(record)
        instance.folder.remove()
        self.context.store.remove(record)

    def _move(self, verb: str, record: Record, **changes: Any) -> None:
        """Set the status that the operation leads to."""
        self.context.store.update(
            record, NotebookInstanceStatus=record.resource_type.preconditions[verb].target, **changes
        )

    def _settle_after(self, record: Record, seconds: float, passing: str, settled: str) -> None:
        self.context.clock.after(seconds, lambda: self._settle(record, passing, settled))

    def _settle(self, record: Record, passing: str, settled: str) -> None:
        created = {_CREATED: True} if settled == "InService" else {}
        self.context.store.update_if(record, (passing,), NotebookInstanceStatus=settled, **created)
