"""Asynchronous endpoints: requests wait in a queue until an instance takes them, and are answered to S3 and SNS.

Sources: SageMaker's guide, "Asynchronous Inference" (its pages on invoking, on monitoring for the log stream, and its
troubleshooting for MaxConcurrentInvocationsPerInstance); botocore's model of InvokeEndpointAsync (TTL, timeout, names
of files) and of AsyncInferenceConfig. A log line as awsdocs/amazon-sagemaker-developer-guide#203 shows it. Not compared
with AWS: every sentence that refuses; the name of a failure's file; that an endpoint which is deleted drops its
requests; the four invocations at a time that SageMaker is said to choose; that a request which expires is told to the
error topic.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws import faults
from embedded_aws.database import StateError
from embedded_aws.runtime.logs import LogStream
from embedded_aws.services.sagemaker import runtime_api
from embedded_aws.services.sagemaker.endpoints import notifications
from embedded_aws.services.sagemaker.endpoints.async_invocation import AsyncInvocation, Outcome
from embedded_aws.services.sagemaker.endpoints.async_requests import AsyncRequest, RequestQueues
from embedded_aws.services.sagemaker.errors import UNAVAILABLE, ServiceError, validation_exception
from embedded_aws.services.sagemaker.metrics.async_inference import AsyncMetrics
from embedded_aws.services.sagemaker.roles import role_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.endpoints.fleet import Fleet, Traffic
    from embedded_aws.services.sagemaker.endpoints.hosts import ModelHost
    from embedded_aws.services.sagemaker.endpoints.variant import Instance
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

    Response = tuple[int, dict[str, str], bytes]

log = logging.getLogger(__name__)

CONFIG = "AsyncInferenceConfig"
OPERATION = "InvokeEndpointAsync"
_TTL_SECONDS, _TIMEOUT_SECONDS = 21_600, 900
_AT_A_TIME = 4
_LOOK_SECONDS = 0.05  # between two looks for an instance that is free
_HEADERS = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
}


class AsyncEndpoints:
    """Takes requests of InvokeEndpointAsync, and has the instances that `traffic` names answer them."""

    def __init__(self, context: ServiceContext, traffic: Traffic) -> None:
        self._context, self._traffic = context, traffic
        self._queues = RequestQueues(context.database)
        self._metrics = AsyncMetrics(context.metrics.samples)
        self._served: dict[Record, _Served] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        context.metrics.gauges.append(self._tell_backlogs)

    def accept(self, record: Record, body: bytes, headers: Mapping[str, str]) -> Response:
        """Answer InvokeEndpointAsync: the request waits from then on. Header names in lower case. For a thread."""
        if CONFIG not in record.members:
            return runtime_api.refusal(
                f"Endpoint {record.name} of account {record.account} is not asynchronous: it has no {CONFIG}."
            )
        try:
            asked = runtime_api.read(OPERATION, record.name, body, headers)
            if ("InputLocation" in asked) == ("Body" in asked):
                raise validation_exception(
                    "Body and InputLocation are mutually exclusive: provide exactly one of them."
                )
            request = _request(asked, record.members[CONFIG]["OutputConfig"])
            self._queues.put(record, request)
        except ServiceError as error:
            return runtime_api.refusal(error.message)
        except StateError as error:
            return runtime_api.refusal(str(error), code=UNAVAILABLE, status=HTTPStatus.SERVICE_UNAVAILABLE)
        self.serve(record)
        locations = {"X-Amzn-SageMaker-OutputLocation": request.output}
        if request.failure:
            locations["X-Amzn-SageMaker-FailureLocation"] = request.failure
        document = json.dumps({"InferenceId": request.inference_id}).encode()
        return HTTPStatus.ACCEPTED, {"Content-Type": "application/json", **locations}, document

    def serve(self, record: Record) -> None:
        """Have an endpoint's requests answered from now on."""
        with self._lock:
            if CONFIG in record.members and record not in self._served and not self._closed.is_set():
                self._served[record] = served = _Served(record, self._context.endpoint_url)
                name = f"asynchronous endpoint {record.name}"
                threading.Thread(target=self._dispatch, args=(record, served), name=name, daemon=True).start()

    def remove(self, record: Record) -> None:
        """Drop the requests of an endpoint that is gone."""
        with self._lock:
            served = self._served.pop(record, None)
        if served:
            served.ended.set()
            served.close()
        try:
            self._queues.discard(record)
        except StateError as error:
            log.error("requests of %s stay in the database: %s", record.arn, error)  # noqa: TRY400

    def close(self) -> None:
        """Begin with nothing more; what is under way is as if it had not been begun."""
        self._closed.set()

    def _dispatch(self, record: Record, served: _Served) -> None:
        """Give each request that waits to an instance that is free, one after the other."""
        while not self._closed.is_set() and not served.ended.is_set():
            with self._queues.changed:
                self._queues.changed.wait_for(lambda: self._queues.waiting(record), timeout=1.0)
            while expired := self._queues.take(record, matching=self._is_expired):
                self._spawn(self._expire, record, served, expired)
            place = self._free_instance(record) if self._queues.waiting(record) else None
            if place is None:
                self._closed.wait(_LOOK_SECONDS)
                continue
            request = self._queues.take(record)
            if request is None:
                place.instance.leave()
            else:
                self._spawn(self._answer, record, served, request, place)

    def _free_instance(self, record: Record) -> _Place | None:
        """Enter an instance that has less to do than it may; None if there is none."""
        fleet = self._traffic.choose(record)
        variant = fleet.choose(None) if fleet else None
        if fleet is None or variant is None or not variant.instances:
            return None
        config = fleet.deployment.get(CONFIG, {})
        most = config.get("ClientConfig", {}).get("MaxConcurrentInvocationsPerInstance", _AT_A_TIME)
        instance = min(variant.instances, key=lambda instance: instance.requests)
        if instance.requests >= most or not instance.enter():
            return None
        return _Place(fleet, variant.name, instance)

    def _answer(self, record: Record, served: _Served, request: AsyncRequest, place: _Place) -> None:
        config = place.fleet.deployment[CONFIG]
        role = served.role(place.fleet)
        queued = time.time() - request.received
        folder = self._context.state_dir / "async"
        key_id = config["OutputConfig"].get("KmsKeyId")
        invocation = AsyncInvocation(request, lambda: served.client(role, "s3"), folder, key_id)
        try:
            outcome = invocation.run(place.instance.host.first.port, notifications.INCLUDED_BYTES)
        except Exception as error:
            log.exception("an invocation of %s", record.arn)
            outcome = Outcome(reason=faults.failure_reason(error))
        finally:
            place.instance.leave()
        if self._closed.is_set() or served.ended.is_set():
            return
        if outcome.lost and place.instance.retired:
            self._queues.give_back(record, request)
            return
        if outcome.model_seconds is not None:
            self._metrics.answered(record, place.variant, status=outcome.status, seconds=outcome.model_seconds)
        if outcome.reason:
            served.log(role, place.instance.host.first, f"[{request.inference_id}] {outcome.reason}")
        status = "Failed" if outcome.reason else "Completed"
        self._end(record, served, place.fleet, place.variant, _Ended(request, outcome, status, queued))

    def _expire(self, record: Record, served: _Served, request: AsyncRequest) -> None:
        fleets = self._traffic.fleets(record)
        if fleets:
            outcome = Outcome(reason=f"The request expired: it waited for more than {request.ttl:.0f} seconds.")
            ended = _Ended(request, outcome, "Expired", time.time() - request.received)
            self._end(record, served, fleets[0], fleets[0].variants[0].name, ended)
        else:
            self._queues.give_back(record, request)

    def _end(self, record: Record, served: _Served, fleet: Fleet, variant: str, ended: _Ended) -> None:
        """Tell the topic, count, and forget the request."""
        told = self._notify(record, served.client(served.role(fleet), "sns"), fleet.deployment[CONFIG], ended)
        outcome = ended.outcome
        self._metrics.ended(
            record,
            variant,
            counts={
                "InvocationsProcessed": True,
                "InvocationFailures": ended.status != "Completed",
                "ExpiredRequests": ended.status == "Expired",
                "RequestDownloadFailures": outcome.download_failed,
                "ResponseUploadFailures": outcome.upload_failed,
                "NotificationFailures": not told,
            },
            times={
                "TimeInBacklog": ended.queued,
                "RequestDownloadLatency": outcome.download_seconds,
                "ResponseUploadLatency": outcome.upload_seconds,
            },
            total=time.time() - ended.request.received,
        )
        try:
            self._queues.done(record, ended.request)
        except StateError as error:
            log.error("an answered request of %s will be asked once more: %s", record.arn, error)  # noqa: TRY400

    def _notify(self, record: Record, sns: Any, config: Mapping[str, Any], ended: _Ended) -> bool:
        """Publish how a request has ended, if there is a topic for it; return False if that failed."""
        request, outcome, status = ended.request, ended.outcome, ended.status
        completed = status == "Completed"
        topic = notifications.topics(config).get("SuccessTopic" if completed else "ErrorTopic")
        if not topic:
            return True
        response = {"contentType": outcome.content_type, "outputLocation": request.output} if completed else {}
        if not completed and request.failure:
            response = {"failureLocation": request.failure}
        told = notifications.message(
            request, record.name, record.region, status=status, response=response, reason=outcome.reason
        )
        told |= notifications.included(config, status=status, answer=outcome.answer)
        try:
            sns.publish(TopicArn=topic, Message=json.dumps(told, separators=(",", ":")))
        except (ClientError, BotoCoreError) as error:
            log.warning("the end of a request of %s was not published: %s", record.arn, error)
            return False
        return True

    def _tell_backlogs(self) -> None:
        with self._lock:
            records = list(self._served)
        for record in records:
            requests = self._queues.all(record)
            instances = sum(
                len(variant.instances) for fleet in self._traffic.fleets(record) for variant in fleet.variants
            )
            oldest = min((request.received for request in requests), default=time.time())
            self._metrics.backlog(
                record,
                size=len(requests),
                waiting=self._queues.waiting(record),
                age=time.time() - oldest,
                instances=instances,
            )

    def _is_expired(self, request: AsyncRequest) -> bool:
        return time.time() - request.received > self._context.clock.scaled(request.ttl)

    def _spawn(self, work: Any, *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, name=f"asynchronous {OPERATION}", daemon=True).start()


class _Place:
    """An instance that an invocation has entered."""

    def __init__(self, fleet: Fleet, variant: str, instance: Instance) -> None:
        self.fleet, self.variant, self.instance = fleet, variant, instance


@dataclass(frozen=True)
class _Ended:
    """A request that has ended: how, as Completed, Failed or Expired, and how many seconds it had waited."""

    request: AsyncRequest
    outcome: Outcome
    status: str
    queued: float


class _Served:
    """What belongs to one endpoint: clients of its roles, and the log streams of its instances."""

    def __init__(self, record: Record, endpoint_url: str) -> None:
        self.ended = threading.Event()
        self._record, self._endpoint_url = record, endpoint_url
        self._roles: dict[str, Role] = {}
        self._clients: dict[tuple[str, str], Any] = {}
        self._streams: dict[str, LogStream] = {}
        self._lock = threading.Lock()

    def role(self, fleet: Fleet) -> Role:
        """Return the execution role of a fleet."""
        arn = fleet.deployment["Models"][0]["ExecutionRoleArn"]
        with self._lock:
            if arn not in self._roles:
                self._roles[arn] = role_of(self._record, arn, endpoint_url=self._endpoint_url)
            return self._roles[arn]

    def client(self, role: Role, service: str) -> Any:
        """Return a client that acts as the role."""
        key = (role.arn, service)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = role.client(service)
            return self._clients[key]

    def log(self, role: Role, host: ModelHost, line: str) -> None:
        """Write a line to an instance's data log."""
        group, stream = host.log_stream
        with self._lock:
            if stream not in self._streams:
                self._streams[stream] = LogStream(role, group=group, stream=f"{stream}/data-log")
            now = datetime.now(UTC)
            self._streams[stream].put(f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}:[sagemaker logs] {line}")

    def close(self) -> None:
        """Write what is left of the logs, and end them."""
        with self._lock:
            streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.close()


def _request(asked: Mapping[str, Any], output: Mapping[str, Any]) -> AsyncRequest:
    """Return the request that the members of an InvokeEndpointAsync ask for."""
    inference_id = asked.get("InferenceId") or str(uuid.uuid4())
    folder = asked.get("S3OutputPathExtension", "").strip("/")
    name = asked.get("Filename") or f"{inference_id}.out"
    stem = name.removesuffix(".out")
    below = f"{folder}/" if folder else ""
    failure = output.get("S3FailurePath")
    return AsyncRequest(
        inference_id=inference_id,
        received=time.time(),
        ttl=asked.get("RequestTTLSeconds", _TTL_SECONDS),
        timeout=asked.get("InvocationTimeoutSeconds", _TIMEOUT_SECONDS),
        headers={header: asked[member] for member, header in _HEADERS.items() if member in asked}
        | {"X-Amzn-SageMaker-Inference-Id": inference_id},
        output=f"{output['S3OutputPath'].rstrip('/')}/{below}{name}",
        failure=f"{failure.rstrip('/')}/{below}{stem}-error.out" if failure else None,
        input_location=asked.get("InputLocation"),
        body=asked.get("Body"),
    )


def refusal(record: Record) -> Response | None:
    """Return the refusal of an invocation that an asynchronous endpoint is to answer at once; None of any other."""
    if CONFIG not in record.members:
        return None
    return runtime_api.refusal(
        f"Endpoint {record.name} of account {record.account} is asynchronous: it can only be invoked by {OPERATION}."
    )


def check_update(deployment: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise ValidationException if a DesiredWeightAndCapacity leaves a variant that is not asynchronous no instance."""
    if wanted.get("DesiredInstanceCount") == 0 and CONFIG not in deployment:
        raise validation_exception(
            f"DesiredInstanceCount 0 of variant {wanted['VariantName']} is for asynchronous endpoints only."
        )


def check_config(request: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> None:
    """Raise ValidationException for a CreateEndpointConfig whose AsyncInferenceConfig can't be had.

    `models` are the members of the variants' models.
    """
    config = request.get(CONFIG)
    if config is None:
        return
    if not config["OutputConfig"].get("S3OutputPath"):
        raise validation_exception("The embedded AWS writes answers to S3: give S3OutputPath.")
    several = any(len(model.get("Containers", ())) > 1 for model in models)
    excluded = [
        *(member for member in ("ShadowProductionVariants", "DataCaptureConfig") if request.get(member)),
        *(["models of more than one container"] if several else ()),
        *(["Mode MultiModel"] if any("MultiModel" in json.dumps(model, default=str) for model in models) else ()),
    ]
    if excluded:
        raise validation_exception(f"The embedded AWS does not offer {', '.join(excluded)} with {CONFIG}.")


def check_conversion(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raise ValidationException for an update between a real-time and an asynchronous configuration."""
    if (CONFIG in before) != (CONFIG in after):
        raise validation_exception(
            "The embedded AWS updates an asynchronous endpoint to an asynchronous configuration only, and no other to "
            "one: create a new endpoint."
        )
