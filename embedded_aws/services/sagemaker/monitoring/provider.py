"""Monitoring schedules: checked when they are made or changed, then each waits for its hours on a thread of its own.

Not compared with AWS: how long a schedule is Pending; that one of NOW stays Scheduled after its run, and runs again
when it is started; that a stop leaves an execution that is at work alone; whether an endpoint is looked at before the
first run.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import container_images, image_pull
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.monitoring.executions import Execution
from embedded_aws.services.sagemaker.monitoring.timing import Timing
from embedded_aws.services.sagemaker.processing import validation
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.resource_types.monitoring import LAST_EXECUTION
from embedded_aws.services.sagemaker.roles import assumed_role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext, Work
    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.store import Record

_PENDING_SECONDS = 2
_CONFIG, _TYPE = "MonitoringScheduleConfig", "MonitoringType"


class MonitoringSchedules(Provider):
    """The provider of monitoring schedules."""

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._waiting: dict[Record, threading.Event] = {}
        self._lock = threading.Lock()

    def bind(self, service: ControlPlane) -> None:
        """Take the service whose own operations start the jobs."""
        self._service = service

    def described(self, resource_type: ResourceType, request: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return what Describe tells, the endpoint and the type among it."""
        return {**super().described(resource_type, request, name), **_told(request[_CONFIG])}

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Check the schedule and its role; return what lets it wait for its hours. Raises ServiceError."""
        self._check(record, request[_CONFIG])
        return lambda: self.settle(record)

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Take another configuration. Raises ServiceError."""
        self._check(record, request[_CONFIG])
        self._forget(record)
        self.context.store.update(
            record, MonitoringScheduleStatus="Pending", **{_CONFIG: request[_CONFIG]}, **_told(request[_CONFIG])
        )
        self.settle(record)

    def start(self, record: Record) -> None:
        """Go on with the runs."""
        self.context.store.update(record, MonitoringScheduleStatus="Pending")
        self.settle(record)

    def stop(self, record: Record) -> None:
        """Begin no more runs."""
        self._forget(record)
        self.context.store.update(record, MonitoringScheduleStatus="Stopped")

    def delete(self, record: Record) -> None:
        """Begin no more runs, and remove the schedule; its executions stay on record."""
        self._forget(record)
        super().delete(record)

    def discard(self, record: Record) -> None:
        """Forget the schedule."""
        self._forget(record)
        super().discard(record)

    def restore(self, record: Record) -> Work | None:
        """Wait for the next hour; one run that there was of NOW is not repeated."""
        if record.status == "Pending":
            self.context.store.update(record, MonitoringScheduleStatus="Scheduled")
        timing = _timing(record.members[_CONFIG])
        if record.status == "Scheduled" and not (timing.once and LAST_EXECUTION in record.members):
            return lambda: self._wait_for_hours(record)
        return None

    def close(self) -> None:
        """Begin no more runs."""
        for record in [*self._waiting]:
            self._forget(record)

    def role(self, record: Record, arn: str) -> None:
        """Look whether SageMaker can assume the role. Raises ServiceError."""
        assumed_role(record, arn, endpoint_url=self.context.endpoint_url)

    def _check(self, record: Record, config: Mapping[str, Any]) -> None:
        if "MonitoringJobDefinition" not in config:
            raise validation_exception("MonitoringScheduleConfig must have a MonitoringJobDefinition.")
        definition = config["MonitoringJobDefinition"]
        if "EndpointInput" not in definition["MonitoringInputs"][0]:
            raise validation_exception("MonitoringInputs must have an EndpointInput.")
        _timing(config)
        image = definition["MonitoringAppSpecification"]["ImageUri"]
        container_images.check(
            image,
            record=record,
            role=definition["RoleArn"],
            context=self.context,
            elsewhere=container_images.PROCESSING,
        )
        validation.check(
            {
                "AppSpecification": definition["MonitoringAppSpecification"],
                "ProcessingResources": definition["MonitoringResources"],
            },
            own_entrypoint=image_pull.run_by_engine(image, self.context),
        )
        self.role(record, definition["RoleArn"])

    def settle(self, record: Record) -> None:
        """Let a schedule be Scheduled after a while, and wait for its hours from then on."""

        def settle() -> None:
            if self.context.store.update_if(record, ("Pending",), MonitoringScheduleStatus="Scheduled"):
                self._wait_for_hours(record)

        self.context.clock.after(_PENDING_SECONDS, settle)

    def _wait_for_hours(self, record: Record) -> None:
        stopped = threading.Event()
        with self._lock:
            self._waiting[record] = stopped
        arguments = (record, _timing(record.members[_CONFIG]), stopped)
        threading.Thread(target=self._run, args=arguments, name=f"schedule {record.name}", daemon=True).start()

    def _run(self, record: Record, timing: Timing, stopped: threading.Event) -> None:
        now = self.context.clock.now()
        if timing.once:
            self._begin(record, timing, stopped, now)
            return
        due = timing.next_after(now)
        # On a hurried clock the hours pass faster than the time of day: each wait begins where the last one ended.
        while not stopped.wait(self.context.clock.scaled((due - now).total_seconds())):
            self._begin(record, timing, stopped, due)
            now, due = max(due, self.context.clock.now()), timing.next_after(due)

    def _begin(self, record: Record, timing: Timing, stopped: threading.Event, due: Any) -> None:
        if not stopped.is_set() and self.context.store.alive(record):
            Execution(self.context, self._service, record, timing.window(due)).begin()

    def _forget(self, record: Record) -> None:
        with self._lock:
            stopped = self._waiting.pop(record, None)
        if stopped:
            stopped.set()


def _timing(config: Mapping[str, Any]) -> Timing:
    return Timing(config, config["MonitoringJobDefinition"]["MonitoringInputs"][0]["EndpointInput"])


def _told(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Describe and List tell of a configuration beside it."""
    inputs = config.get("MonitoringJobDefinition", {}).get("MonitoringInputs", [{}])
    endpoint = inputs[0].get("EndpointInput", {}).get("EndpointName")
    return {**({"EndpointName": endpoint} if endpoint else {}), _TYPE: config.get(_TYPE, "DataQuality")}
