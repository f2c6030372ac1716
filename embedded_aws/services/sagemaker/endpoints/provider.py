"""Endpoints: fleets of instances behind a name, deployed, updated without a lost request, scaled, and invoked.

After a start the hosts of each come up again, from the configuration and the models as they were when they served: both
may be gone since, as on AWS. Meanwhile the endpoint is SystemUpdating, AWS's word for its own maintenance (botocore's
model of EndpointStatus), and an invocation waits; an update that was under way begins anew. Not compared with AWS: that
it waits; its words if that takes too long; the words for a variant that is not there.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

from embedded_aws import faults
from embedded_aws.services.sagemaker.endpoints import async_inference, deployment, serverless
from embedded_aws.services.sagemaker.endpoints.async_inference import AsyncEndpoints
from embedded_aws.services.sagemaker.endpoints.data_plane import DataPlane
from embedded_aws.services.sagemaker.endpoints.deployment import (
    Deployment,
    InterruptedDeploymentError,
    RollbackFailedError,
    RolledBackError,
)
from embedded_aws.services.sagemaker.endpoints.fleets import Fleets
from embedded_aws.services.sagemaker.endpoints.hosts import HostError
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.resource_types.endpoints import DEPLOYMENT, PENDING_DEPLOYMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from embedded_aws.services.sagemaker.endpoints.fleet import AnyVariant, Fleet
    from embedded_aws.services.sagemaker.endpoints.invocation import Response
    from embedded_aws.services.sagemaker.provider import ServiceContext, Work
    from embedded_aws.services.sagemaker.store import Record

log = logging.getLogger(__name__)

_SUMMARY = "PendingDeploymentSummary"
# As users quote it; not compared with AWS: that it also holds for an endpoint whose rollback failed.
_IN_USE = 'Cannot update endpoint with the currently in use endpoint configuration "{}"'
_CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack")


class Endpoints(Provider):
    """SageMaker's endpoints: each has a fleet that serves and, while it is updated, one that comes up beside it."""

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._fleets = Fleets(context)
        self._data_plane = DataPlane(context.metrics.invocations)
        self._traffic = self._data_plane.traffic
        self._async = AsyncEndpoints(context, self._traffic)
        self._coming_back = self._data_plane.coming_back
        self._starting: dict[Record, Fleet] = {}
        self._lock = threading.Lock()

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Return what brings the configuration's hosts up; InService once all answer /ping."""
        wanted = self._fleets.deployment(record, request)
        deployment.check(request.get("DeploymentConfig", {}), None, wanted["ProductionVariants"])
        fleet = self._fleets.make(record, wanted)
        self.context.store.update(record, **self._pending(fleet))
        return lambda: self._spawn(record, lambda: self._deploy(record, lambda: fleet))

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Bring another configuration's fleet up beside the one that serves, and traffic to it."""
        retained = record.members.get("LastDeploymentConfig") if request.get("RetainDeploymentConfig") else None
        config = request.get("DeploymentConfig", retained)
        serving = record.members[DEPLOYMENT]
        if request["EndpointConfigName"] == record.members["EndpointConfigName"]:
            raise validation_exception(_IN_USE.format(request["EndpointConfigName"]))
        wanted = self._fleets.deployment(record, request, serving)
        deployment.check(config or {}, serving["ProductionVariants"], wanted["ProductionVariants"])
        serverless.check_conversion(serving["ProductionVariants"], wanted["ProductionVariants"])
        async_inference.check_conversion(serving, wanted)
        fleet = self._fleets.make(record, wanted)
        members = {"EndpointStatus": "Updating", "FailureReason": None, "LastDeploymentConfig": config}
        self.context.store.update(record, **members, **self._pending(fleet))
        self._spawn(record, lambda: self._deploy(record, lambda: fleet))

    def perform(self, verb: str, record: Record, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out UpdateEndpointWeightsAndCapacities: change weights and instance counts of variants that serve."""
        del verb  # there is one
        wanted = {each["VariantName"]: each for each in request["DesiredWeightsAndCapacities"]}
        fleet = self._traffic.fleets(record)[0]
        if unknown := wanted.keys() - {variant.name for variant in fleet.all_variants}:
            raise validation_exception(f"Variant {', '.join(sorted(unknown))} not found for endpoint {record.name}.")
        for variant in fleet.deployment["ProductionVariants"]:
            if variant["VariantName"] in wanted:
                serverless.check_update(variant, wanted[variant["VariantName"]])
                async_inference.check_update(fleet.deployment, wanted[variant["VariantName"]])
        before = fleet.desired()
        fleet.desire(wanted)
        members = {"EndpointStatus": "Updating", "FailureReason": None}
        self.context.store.update(record, **members, **_as_is(fleet, self.context.clock.now()))
        self._spawn(record, lambda: self._scale(record, fleet, before))
        return record.members

    def restore(self, record: Record) -> Work | None:
        """Return what brings the hosts up again, goes on with an update, or ends a deletion."""
        match record.status:
            case "InService" | "SystemUpdating":
                self.context.store.update(record, EndpointStatus="SystemUpdating")
                self._coming_back.add(record)
                return lambda: self._serve_again(record)
            case "Updating" | "RollingBack":
                self._coming_back.add(record)
                return lambda: self._serve_again(record)
            case "Creating":
                return lambda: self._deploy(record, lambda: self._pending_fleet(record))
            case "Deleting":
                return lambda: self._remove(record)
        return None

    def delete(self, record: Record) -> None:
        """End the hosts, then forget the endpoint."""
        self.context.store.update(record, EndpointStatus="Deleting")
        self._spawn(record, lambda: self._remove(record))

    def discard(self, record: Record) -> None:
        """Forget an endpoint, and end its hosts, also those that come up."""
        super().discard(record)
        self._spawn(record, lambda: self._remove(record))

    def close(self) -> None:
        """Kill every host."""
        self._async.close()
        with self._lock:
            fleets = [*self._starting.values(), *self._traffic.all()]
        for fleet in fleets:
            fleet.kill()
        self._data_plane.close()
        self._fleets.close()

    async def invoke(self, record: Record, body: bytes, headers: dict[str, str]) -> Response:
        """Answer InvokeEndpoint. Header names in lower case."""
        return async_inference.refusal(record) or await self._data_plane.invoke(record, body, headers)

    async def invoke_stream(self, record: Record, body: bytes, headers: dict[str, str]) -> Response:
        """Answer InvokeEndpointWithResponseStream. Header names in lower case."""
        return async_inference.refusal(record) or await self._data_plane.stream(record, body, headers)

    async def invoke_async(self, record: Record, body: bytes, headers: dict[str, str]) -> Response:
        """Answer InvokeEndpointAsync. Header names in lower case."""
        return await asyncio.to_thread(self._async.accept, record, body, headers)

    def _deploy(self, record: Record, make: Callable[[], Fleet]) -> None:
        """Bring a fleet up and all traffic to it; if that fails, leave all as it was, as AWS rolls back."""
        serving = self._traffic.fleets(record)
        green = None
        try:
            green = make()
            self._fleets.prepare(record, green.deployment)
            with self._lock:
                self._starting[record] = green
            if serving:
                self._shift(record, serving[0], green)
            else:
                green.start()
        except RollbackFailedError as error:
            self._fail(record, str(error), status="UpdateRollbackFailed")
        except Exception as error:  # noqa: BLE001 - `_reason` tells of it, and logs what nobody foresaw
            if not isinstance(error, InterruptedDeploymentError):
                self._fail(record, _reason(record, error))
            if green:
                green.retire()
        else:
            self._serve(record, green)
            for fleet in serving:
                fleet.retire()
            if not self.context.store.alive(record):
                self._remove(record)
        finally:
            with self._lock:
                self._starting.pop(record, None)

    def _shift(self, record: Record, blue: Fleet, green: Fleet) -> None:
        """Carry an update out by the endpoint's DeploymentConfig; raise what made it roll back, once it has."""

        def route(part: float) -> None:
            shares = ((blue, 1 - part), (green, part))
            if record in self._traffic:
                self._traffic.route(record, *(share for share in shares if share[1] > 0))

        def tell(status: str, message: Callable[[AnyVariant], str], part: float) -> None:
            if not self.context.store.alive(record):
                raise InterruptedDeploymentError
            self._note_stage(record, green, status, message, part)

        Deployment(
            record.members.get("LastDeploymentConfig"),
            self._fleets.role(record, green.deployment),
            self.context.clock,
            tell=tell,
            route=route,
        ).run(blue, green)

    def _serve(self, record: Record, fleet: Fleet) -> None:
        """Say that a fleet serves all traffic."""
        self._traffic.route(record, (fleet, 1.0))
        self.context.store.update_if(
            record,
            ("Creating", "Updating"),
            AsyncInferenceConfig=fleet.deployment.get(async_inference.CONFIG),
            EndpointStatus="InService",
            EndpointConfigName=fleet.config_name,
            DataCaptureConfig=fleet.capture.describe() if fleet.capture else None,
            FailureReason=None,
            **{PENDING_DEPLOYMENT: None, _SUMMARY: None},
            **_as_is(fleet),
        )

    def _scale(self, record: Record, fleet: Fleet, before: Mapping[str, Any]) -> None:
        """Bring a fleet's variants to what is desired; to what was `before` if that fails."""
        reason = None
        try:
            self._fleets.prepare(record, fleet.deployment)
            fleet.scale()
        except Exception as error:  # noqa: BLE001 - `_reason` tells of it, and logs what nobody foresaw
            reason = _reason(record, error)
            fleet.desire(before)
            self.context.store.update_if(record, _CHANGING, EndpointStatus="RollingBack", **_as_is(fleet))
            fleet.scale()  # those that are too many end: nothing can fail
        self.context.store.update_if(
            record, _CHANGING, EndpointStatus="InService", FailureReason=reason, **_as_is(fleet)
        )

    def _serve_again(self, record: Record) -> None:
        """Bring the hosts up that served, then those that an update wanted."""
        fleet = None
        try:
            fleet = self._fleets.make(record, record.members[DEPLOYMENT], record.members["ProductionVariants"])
            with self._lock:
                self._starting[record] = fleet
            fleet.start()
            self._traffic.route(record, (fleet, 1.0))
            self._async.serve(record)
        except Exception as error:  # noqa: BLE001 - `_reason` tells of it, and logs what nobody foresaw
            self._fail(record, _reason(record, error))
        finally:
            with self._lock:
                self._starting.pop(record, None)
            self._coming_back.discard(record)
        if not self.context.store.alive(record):
            self._remove(record)
        elif PENDING_DEPLOYMENT in record.members:
            self._deploy(record, lambda: self._pending_fleet(record))
        elif fleet and record in self._traffic:
            self.context.store.update_if(record, _CHANGING, EndpointStatus="InService", **_as_is(fleet))

    def _fail(self, record: Record, reason: str, status: str = "") -> None:
        """Mark a new endpoint Failed; one that was updated goes on with what it had, as AWS rolls back."""
        status = status or ("InService" if record in self._traffic else "Failed")
        failed = {"EndpointStatus": status, "FailureReason": reason, PENDING_DEPLOYMENT: None, _SUMMARY: None}
        self.context.store.update_if(record, _CHANGING, **failed)

    def _remove(self, record: Record) -> None:
        with self._lock:
            fleets = [*self._traffic.remove(record), self._starting.get(record)]
        self._async.remove(record)
        for fleet in filter(None, fleets):
            fleet.stop()
        self.context.store.remove(record)

    def _note_stage(
        self, record: Record, fleet: Fleet, status: str, message: Callable[[AnyVariant], str], part: float
    ) -> None:
        """Note for DescribeEndpoint how far the fleet that comes up is."""
        now = self.context.clock.now()
        summary = _summary(fleet, record.members.get(_SUMMARY, {}).get("StartTime", now))
        described_all = [*summary["ProductionVariants"], *summary.get("ShadowProductionVariants", ())]
        for described, variant in zip(described_all, fleet.all_variants, strict=True):
            described["CurrentInstanceCount"] = deployment.active(variant, part)
            stage = {"Status": status, "StatusMessage": message(variant), "StartTime": now}
            described["VariantStatus"] = [stage]
        self.context.store.update_if(record, ("Updating",), **{_SUMMARY: summary})

    def _pending_fleet(self, record: Record) -> Fleet:
        return self._fleets.make(record, record.members[PENDING_DEPLOYMENT])

    def _pending(self, fleet: Fleet) -> dict[str, Any]:
        """Return the members that tell what comes up: to who asks, and after a kill."""
        return {_SUMMARY: _summary(fleet, self.context.clock.now()), PENDING_DEPLOYMENT: fleet.deployment}

    def _spawn(self, record: Record, work: Callable[[], object]) -> None:
        threading.Thread(target=work, name=f"endpoint {record.name}", daemon=True).start()


def _as_is(fleet: Fleet, changing_since: datetime | None = None) -> dict[str, Any]:
    """Return the members that tell of the fleet that serves, and changes since then: to who asks, and after a kill."""
    variants = fleet.describe()
    if changing_since:
        variants = {
            kind: [{**each, **deployment.scaling(each, changing_since)} for each in those]
            for kind, those in variants.items()
        }
    return {"ShadowProductionVariants": None, **variants, DEPLOYMENT: fleet.deployment}


def _summary(fleet: Fleet, began: datetime) -> dict[str, Any]:
    """Return DescribeEndpoint's PendingDeploymentSummary."""
    variants = {
        kind: [{**each, "CurrentInstanceCount": 0} for each in those] for kind, those in fleet.describe().items()
    }
    return {"EndpointConfigName": fleet.config_name, "StartTime": began, **variants}


def _reason(record: Record, error: Exception) -> str:
    """Return the FailureReason for what went wrong."""
    if isinstance(error, ServiceError):
        return error.message
    if isinstance(error, (HostError, RolledBackError)):
        return str(error)
    log.error("endpoint %s", record.name, exc_info=error)
    return faults.failure_reason(error)
