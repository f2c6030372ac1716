"""Endpoints: fleets of hosts behind a name, deployed, replaced without a lost request, and invoked.

After a start the hosts of each come up again, from the configuration and the models as they were when they served: both
may be gone since, as on AWS. Meanwhile the endpoint is SystemUpdating, AWS's word for its own maintenance (botocore's
model of EndpointStatus), and an invocation waits. Not compared with AWS: that it waits; its words if that takes too
long.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws import faults
from embedded_aws.runtime.credentials import CredentialsEndpoint
from embedded_aws.services.sagemaker.endpoints.data_capture import CapturedMessage, DataCapture
from embedded_aws.services.sagemaker.endpoints.fleet import Fleet
from embedded_aws.services.sagemaker.endpoints.hosts import GROUP, HostedModel, HostError, HostIdentity, ModelHost
from embedded_aws.services.sagemaker.endpoints.invocation import BODY_BYTES, Forwarder, Measured
from embedded_aws.services.sagemaker.endpoints.models import hosted_model
from embedded_aws.services.sagemaker.errors import UNAVAILABLE, ServiceError, validation_exception
from embedded_aws.services.sagemaker.metrics.datum import of_variant
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.runtime_api import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from embedded_aws.services.sagemaker.endpoints.invocation import Response
    from embedded_aws.services.sagemaker.provider import ServiceContext, Work
    from embedded_aws.services.sagemaker.store import Record

log = logging.getLogger(__name__)

_VARIANT = "x-amzn-sagemaker-target-variant"
_DEPLOYMENT = "Deployment"
"""Where the record holds what the fleet that serves was made of, beside DescribeEndpoint's answer."""
_PENDING = "PendingDeploymentSummary"
_WAIT_SECONDS = 60
_POLL_SECONDS = 0.05


class Endpoints(Provider):
    """SageMaker's endpoints: each has a fleet that serves and, while it is updated, one that comes up beside it."""

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._credentials = CredentialsEndpoint()
        self._forwarder = Forwarder()
        self._serving: dict[Record, Fleet] = {}
        self._starting: dict[Record, Fleet] = {}
        self._coming_back: set[Record] = set()
        self._lock = threading.Lock()

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Return what brings the configuration's hosts up; InService once all answer /ping."""
        fleet = self._configured_fleet(record, request["EndpointConfigName"])
        self.context.store.update(record, **{_PENDING: self._pending(fleet)})
        return lambda: self._start(record, fleet)

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Bring another configuration's hosts up beside those that serve, then switch; a failure changes nothing."""
        config = request.get("DeploymentConfig", record.members.get("LastDeploymentConfig"))
        fleet = self._configured_fleet(record, request["EndpointConfigName"])
        members = {"EndpointStatus": "Updating", "FailureReason": None, "LastDeploymentConfig": config}
        self.context.store.update(record, **members, **{_PENDING: self._pending(fleet)})
        self._start(record, fleet)

    def restore(self, record: Record) -> Work | None:
        """Return what brings the hosts up again, goes on with an update, or ends a deletion."""
        match record.status:
            case "InService" | "SystemUpdating":
                self.context.store.update(record, EndpointStatus="SystemUpdating")
                self._coming_back.add(record)
                return lambda: self._serve_again(record)
            case "Updating":
                self._coming_back.add(record)
                return lambda: self._serve_again(record)
            case "Creating":
                return lambda: self._bring_up(record, lambda: self._pending_fleet(record), self._switch)
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
        with self._lock:
            fleets = [*self._serving.values(), *self._starting.values()]
        for fleet in fleets:
            fleet.kill()
        self._forwarder.close()
        self._credentials.close()

    async def invoke(self, record: Record, body: bytes, headers: dict[str, str]) -> Response:
        """Answer InvokeEndpoint: the model's answer, ModelError or ValidationError. Header names in lower case."""
        began = time.perf_counter()
        if len(body) > BODY_BYTES:
            # boto3 shows the status in the place of a code: aws/sagemaker-python-sdk#171.
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return refusal(f"HTTP content length exceeded {BODY_BYTES} bytes.", code="", status=status)
        fleet = await self._entered(record)
        if fleet is None and record in self._coming_back:
            sentence = (
                f"The hosts of endpoint {record.name} are still coming up after maintenance. Try your call again."
            )
            return refusal(sentence, code=UNAVAILABLE, status=HTTPStatus.SERVICE_UNAVAILABLE)
        if fleet is None:
            return refusal(f"Endpoint {record.name} of account {record.account} not found.")
        try:
            return await self._invoke(fleet, record, body, headers, began)
        finally:
            fleet.leave()

    async def _invoke(
        self, fleet: Fleet, record: Record, body: bytes, headers: dict[str, str], began: float
    ) -> Response:
        host = fleet.choose(headers.get(_VARIANT))
        if host is None:
            return refusal(f"Variant {headers.get(_VARIANT)} not found for endpoint {record.name}.")
        variant = host.model.variant_name
        measured = Measured()
        status, answered, content = await self._forwarder.send(record, host.port, body, headers, measured)
        if "x-amzn-ErrorType" not in answered:
            answered["x-Amzn-Invoked-Production-Variant"] = variant
            if fleet.capture:
                request = CapturedMessage(headers.get("content-type", ""), body)
                fleet.capture.put(variant, request, CapturedMessage(answered.get("Content-Type", ""), content), headers)
        self.context.metrics.invocations.count(
            record,
            variant,
            status=measured.status,
            model=measured.seconds,
            overhead=time.perf_counter() - began - measured.seconds,
            instances=host.model.variant.get("InitialInstanceCount", 1),
        )
        return status, answered, content

    async def _entered(self, record: Record) -> Fleet | None:
        """Enter the fleet that serves, once it does if it is coming back."""
        deadline = time.monotonic() + _WAIT_SECONDS
        fleet = self._enter(record)
        while fleet is None and record in self._coming_back and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
            fleet = self._enter(record)
        return fleet

    def _enter(self, record: Record) -> Fleet | None:
        # The fleet may be retired between the look-up and the entry: then its successor is there already.
        while fleet := self._serving.get(record):
            if fleet.enter():
                return fleet
        return None

    def _start(self, record: Record, fleet: Fleet) -> None:
        self._spawn(record, lambda: self._bring_up(record, lambda: fleet, self._switch))

    def _serve_again(self, record: Record) -> None:
        """Bring the hosts up that served, then those that an update wanted."""
        self._bring_up(record, lambda: self._fleet(record, record.members[_DEPLOYMENT]), self._switch_back)
        self._coming_back.discard(record)
        if record.status == "Updating":
            self._bring_up(record, lambda: self._pending_fleet(record), self._switch)

    def _bring_up(self, record: Record, make: Callable[[], Fleet], switch: Callable[[Record, Fleet], object]) -> None:
        try:
            fleet = make()
            with self._lock:
                self._starting[record] = fleet
            fleet.start()
        except HostError as error:
            self._fail(record, str(error))
        except ServiceError as error:
            self._fail(record, error.message)
        except Exception as error:
            log.exception("endpoint %s", record.name)
            self._fail(record, faults.failure_reason(error))
        else:
            switch(record, fleet)
        finally:
            with self._lock:
                self._starting.pop(record, None)

    def _switch_back(self, record: Record, fleet: Fleet) -> None:
        with self._lock:
            self._serving[record] = fleet
        self.context.store.update_if(record, ("SystemUpdating",), EndpointStatus="InService")
        if not self.context.store.alive(record):
            self._remove(record)

    def _switch(self, record: Record, fleet: Fleet) -> None:
        with self._lock:
            previous = self._serving.get(record)
            self._serving[record] = fleet
        updated = self.context.store.update_if(
            record,
            ("Creating", "Updating"),
            EndpointStatus="InService",
            EndpointConfigName=fleet.deployment["EndpointConfigName"],
            ProductionVariants=fleet.describe(),
            DataCaptureConfig=fleet.capture.describe() if fleet.capture else None,
            FailureReason=None,
            **{_DEPLOYMENT: fleet.deployment, _PENDING: None},
        )
        if previous:
            previous.retire()
        if not updated:
            self._remove(record)

    def _fail(self, record: Record, reason: str) -> None:
        """Mark a new endpoint Failed; one that was updated goes on with what it had, as AWS rolls back."""
        status = "InService" if record in self._serving else "Failed"
        changing = ("Creating", "Updating", "SystemUpdating")
        failed = {"EndpointStatus": status, "FailureReason": reason, _PENDING: None}
        self.context.store.update_if(record, changing, **failed)

    def _remove(self, record: Record) -> None:
        with self._lock:
            fleets = [self._serving.pop(record, None), self._starting.get(record)]
        for fleet in filter(None, fleets):
            fleet.stop()
        self.context.store.remove(record)

    def _pending(self, fleet: Fleet) -> dict[str, Any]:
        """Return DescribeEndpoint's PendingDeploymentSummary."""
        return {
            "EndpointConfigName": fleet.deployment["EndpointConfigName"],
            "StartTime": self.context.clock.now(),
            "ProductionVariants": [
                {
                    "VariantName": variant["VariantName"],
                    "DesiredWeight": variant.get("InitialVariantWeight", 1.0),
                    "DesiredInstanceCount": variant.get("InitialInstanceCount", 1),
                }
                for variant in fleet.deployment["ProductionVariants"]
            ],
        }

    def _pending_fleet(self, record: Record) -> Fleet:
        return self._configured_fleet(record, record.members[_PENDING]["EndpointConfigName"])

    def _configured_fleet(self, record: Record, name: str) -> Fleet:
        """Return the fleet that a configuration asks for. Raises ServiceError."""
        scope = {"account": record.account, "region": record.region}
        config = self.context.store.get("EndpointConfig", name, **scope).members
        models = []
        for variant in config["ProductionVariants"]:
            if "ModelName" not in variant:
                raise validation_exception("The embedded AWS offers variants with a model only.")
            models.append(self.context.store.get("Model", variant["ModelName"], **scope).members)
        return self._fleet(record, {**config, "EndpointConfigName": name, "Models": models})

    def _fleet(self, record: Record, deployment: Mapping[str, Any]) -> Fleet:
        """Return a fleet of a configuration's members, with those of the variants' models. Raises ServiceError."""
        hosts = [
            ModelHost(record, model, _identity(record, model), context=self.context, credentials=self._credentials)
            for model in self._models(record, deployment)
        ]
        wanted = deployment.get("DataCaptureConfig")
        capture = None
        if wanted and wanted.get("EnableCapture", True):
            capture = DataCapture(wanted, endpoint=record.name, role=hosts[0].model.role)
        return Fleet(deployment, hosts, capture)

    def _models(self, record: Record, deployment: Mapping[str, Any]) -> Iterator[HostedModel]:
        for variant, model in zip(deployment["ProductionVariants"], deployment["Models"], strict=True):
            yield hosted_model(record, model, variant, endpoint_url=self.context.endpoint_url)

    def _spawn(self, record: Record, work: Any) -> None:
        threading.Thread(target=work, name=f"endpoint {record.name}", daemon=True).start()


def _identity(record: Record, model: HostedModel) -> HostIdentity:
    return HostIdentity(
        title=f"production variant {model.variant_name}",
        log_group=f"{GROUP}/{record.name}",
        log_stream=f"{model.variant_name}/i-{secrets.token_hex(8)}0",
        metrics_source=of_variant(record, model.variant_name),
    )
