"""Endpoints: fleets of hosts behind a name, deployed, replaced without a lost request, and invoked."""

from __future__ import annotations

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
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception
from embedded_aws.services.sagemaker.metrics.datum import of_variant
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.runtime_api import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.services.sagemaker.endpoints.invocation import Response
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

log = logging.getLogger(__name__)

_VARIANT = "x-amzn-sagemaker-target-variant"


class Endpoints(Provider):
    """SageMaker's endpoints: each has a fleet that serves and, while it is updated, one that comes up beside it."""

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._credentials = CredentialsEndpoint()
        self._forwarder = Forwarder()
        self._serving: dict[Record, Fleet] = {}
        self._starting: dict[Record, Fleet] = {}
        self._lock = threading.Lock()

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Bring the configuration's hosts up; InService once all answer /ping."""
        self._deploy(record, request["EndpointConfigName"])

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Bring another configuration's hosts up beside those that serve, then switch; a failure changes nothing."""
        config = request.get("DeploymentConfig", record.members.get("LastDeploymentConfig"))
        members = {"EndpointStatus": "Updating", "FailureReason": None, "LastDeploymentConfig": config}
        self._deploy(record, request["EndpointConfigName"], **members)

    def delete(self, record: Record) -> None:
        """End the hosts, then forget the endpoint."""
        self.context.store.update(record, EndpointStatus="Deleting")
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
        fleet = self._enter(record)
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

    def _enter(self, record: Record) -> Fleet | None:
        # The fleet may be retired between the look-up and the entry: then its successor is there already.
        while fleet := self._serving.get(record):
            if fleet.enter():
                return fleet
        return None

    def _deploy(self, record: Record, config: str, **members: Any) -> None:
        """Check what the configuration asks for and start bringing it up. Raises ServiceError."""
        fleet = self._fleet(record, config)
        self.context.store.update(record, **members)
        with self._lock:
            self._starting[record] = fleet
        self._spawn(record, lambda: self._bring_up(record, fleet))

    def _bring_up(self, record: Record, fleet: Fleet) -> None:
        try:
            fleet.start()
        except HostError as error:
            self._fail(record, str(error))
        except ServiceError as error:
            self._fail(record, error.message)
        except Exception as error:
            log.exception("endpoint %s", record.name)
            self._fail(record, faults.failure_reason(error))
        else:
            self._switch(record, fleet)
        finally:
            with self._lock:
                self._starting.pop(record, None)

    def _switch(self, record: Record, fleet: Fleet) -> None:
        with self._lock:
            previous = self._serving.get(record)
            self._serving[record] = fleet
        updated = self.context.store.update_if(
            record,
            ("Creating", "Updating"),
            EndpointStatus="InService",
            EndpointConfigName=fleet.config,
            ProductionVariants=fleet.describe(),
            DataCaptureConfig=fleet.capture.describe() if fleet.capture else None,
            FailureReason=None,
        )
        if previous:
            previous.retire()
        if not updated:
            self._remove(record)

    def _fail(self, record: Record, reason: str) -> None:
        """Mark a new endpoint Failed; one that was updated goes on with what it had, as AWS rolls back."""
        status = "InService" if record in self._serving else "Failed"
        self.context.store.update_if(record, ("Creating", "Updating"), EndpointStatus=status, FailureReason=reason)

    def _remove(self, record: Record) -> None:
        with self._lock:
            fleets = [self._serving.pop(record, None), self._starting.get(record)]
        for fleet in filter(None, fleets):
            fleet.stop()
        self.context.store.remove(record)

    def _fleet(self, record: Record, name: str) -> Fleet:
        scope = {"account": record.account, "region": record.region}
        config = self.context.store.get("EndpointConfig", name, **scope).members
        hosts = [
            ModelHost(record, model, _identity(record, model), context=self.context, credentials=self._credentials)
            for model in self._models(record, config)
        ]
        wanted = config.get("DataCaptureConfig")
        capture = None
        if wanted and wanted.get("EnableCapture", True):
            capture = DataCapture(wanted, endpoint=record.name, role=hosts[0].model.role)
        return Fleet(name, hosts, capture)

    def _models(self, record: Record, config: dict[str, Any]) -> Iterator[HostedModel]:
        scope = {"account": record.account, "region": record.region}
        for variant in config["ProductionVariants"]:
            if "ModelName" not in variant:
                raise validation_exception("The embedded AWS offers variants with a model only.")
            model = self.context.store.get("Model", variant["ModelName"], **scope)
            yield hosted_model(model, variant, endpoint_url=self.context.endpoint_url)

    def _spawn(self, record: Record, work: Any) -> None:
        threading.Thread(target=work, name=f"endpoint {record.name}", daemon=True).start()


def _identity(record: Record, model: HostedModel) -> HostIdentity:
    return HostIdentity(
        title=f"production variant {model.variant_name}",
        log_group=f"{GROUP}/{record.name}",
        log_stream=f"{model.variant_name}/i-{secrets.token_hex(8)}0",
        metrics_source=of_variant(record, model.variant_name),
    )
