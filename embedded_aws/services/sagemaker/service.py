"""SageMaker as a service of the gateway: its control plane and, for InvokeEndpoint, the way to the data plane."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, cast

from embedded_aws.database import StateError
from embedded_aws.services.sagemaker import api, authorization, listing, quota_usage, runtime_api, search, shapes, tags
from embedded_aws.services.sagemaker.endpoints.configurations import EndpointConfigs
from embedded_aws.services.sagemaker.endpoints.models import Models
from embedded_aws.services.sagemaker.endpoints.provider import Endpoints
from embedded_aws.services.sagemaker.errors import JSON, UNAVAILABLE, ServiceError
from embedded_aws.services.sagemaker.labeling.human_task_uis import HumanTaskUis
from embedded_aws.services.sagemaker.labeling.portal.application import Portal
from embedded_aws.services.sagemaker.labeling.provider import LabelingJobs
from embedded_aws.services.sagemaker.labeling.workforces import Workforces
from embedded_aws.services.sagemaker.labeling.workteams import Workteams
from embedded_aws.services.sagemaker.model_registry.cards import ModelCards
from embedded_aws.services.sagemaker.model_registry.groups import ModelPackageGroups
from embedded_aws.services.sagemaker.model_registry.packages import ModelPackages
from embedded_aws.services.sagemaker.monitoring.executions import MonitoringExecutions
from embedded_aws.services.sagemaker.monitoring.provider import MonitoringSchedules
from embedded_aws.services.sagemaker.notebooks.provider import NotebookInstances
from embedded_aws.services.sagemaker.pipelines.executions import PipelineExecutions
from embedded_aws.services.sagemaker.pipelines.provider import Pipelines
from embedded_aws.services.sagemaker.pipelines.version_provider import PipelineVersions
from embedded_aws.services.sagemaker.processing.provider import ProcessingJobs
from embedded_aws.services.sagemaker.provider import Provider, ServiceContext
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES, ResourceType, members
from embedded_aws.services.sagemaker.resource_types.endpoints import UPDATE_WEIGHTS_AND_CAPACITIES
from embedded_aws.services.sagemaker.resource_types.resource_type import with_defaults
from embedded_aws.services.sagemaker.restoration import Restoration
from embedded_aws.services.sagemaker.store import Record
from embedded_aws.services.sagemaker.training.provider import TrainingJobs
from embedded_aws.services.sagemaker.transform.provider import TransformJobs
from embedded_aws.services.sagemaker.tuning.provider import TuningJobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from embedded_aws.services.sagemaker.authorization import Principal

Response = tuple[int, dict[str, str], bytes]

PROVIDERS: Mapping[str, type[Provider]] = {
    "TrainingJob": TrainingJobs,
    "TransformJob": TransformJobs,
    "ProcessingJob": ProcessingJobs,
    "HyperParameterTuningJob": TuningJobs,
    "Endpoint": Endpoints,
    "NotebookInstance": NotebookInstances,
    "ModelPackageGroup": ModelPackageGroups,
    "ModelPackage": ModelPackages,
    "ModelCard": ModelCards,
    "Model": Models,
    "EndpointConfig": EndpointConfigs,
    "Pipeline": Pipelines,
    "PipelineVersion": PipelineVersions,
    "PipelineExecution": PipelineExecutions,
    "MonitoringSchedule": MonitoringSchedules,
    "MonitoringExecution": MonitoringExecutions,
    "Workforce": Workforces,
    "Workteam": Workteams,
    "HumanTaskUi": HumanTaskUis,
    "LabelingJob": LabelingJobs,
}
_WORKERS = 16
_LONG_WORKERS = 256  # a class that opens its notebooks at once
_LOCKING_VERBS = ("Update", UPDATE_WEIGHTS_AND_CAPACITIES, "Start", "Stop", "Delete")
_CONTENT_TYPES = re.compile(r"application/x-amz-json-1\.[01]\s*(;|$)", re.IGNORECASE)
_INVOCATIONS = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
_SERVING = ("InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed")


class _Host(Protocol):
    async def invoke(self, record: Record, body: bytes, headers: dict[str, str]) -> Response: ...

    async def invoke_async(self, record: Record, body: bytes, headers: dict[str, str]) -> Response: ...

    async def invoke_stream(self, record: Record, body: bytes, headers: dict[str, str]) -> Response: ...


class _Interruptible(Protocol):
    def interrupt(self, record: Record) -> None: ...


@dataclass(frozen=True)
class _System:
    """What AWS itself gives a resource that it creates."""

    tags: Mapping[str, str]
    members: Mapping[str, Any]


class SageMaker:
    """The embedded SageMaker.

    `caller` returns account and region of the current request, `principal` who signed it (None: no policies are
    checked). `providers` are the resource types' providers, by type; one without is only recorded. `quota` returns how
    many instances may be in use.
    """

    def __init__(
        self,
        context: ServiceContext,
        *,
        caller: Callable[[], tuple[str, str]],
        principal: Callable[[Mapping[str, str]], Principal | None] = lambda _headers: None,
        providers: Mapping[str, type[Provider]] = PROVIDERS,
        quota: quota_usage.QuotaLookup = quota_usage.unlimited,
    ) -> None:
        self.context = context
        self.caller = caller
        self._principal = principal
        self._quota = quota
        self._quota_lock = threading.Lock()  # held while instances are counted and the next ones are taken
        # Providers ask IAM and S3, which answer on the event loop: it must not wait for a provider.
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="sagemaker")
        self._long_workers = ThreadPoolExecutor(_LONG_WORKERS, thread_name_prefix="sagemaker-long")
        self._providers = {name: providers.get(name, Provider)(context) for name in RESOURCE_TYPES}
        for provider in self._providers.values():
            provider.bind(self)
        self._restoration = Restoration(context.store, self._providers)
        # Asked before an endpoint is updated or deleted, with the verb, the request and who wants it; ServiceError: no.
        self.check_endpoint_change: Callable[[str, Record, Mapping[str, Any], Principal | None], None] = (
            lambda _verb, _endpoint, _request, _principal: None
        )

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Response:
        """Answer one HTTP request, of the control plane (awsJson1.1) or of the runtime (restJson)."""
        del query  # neither protocol's supported operations have any
        lowered = {name.lower(): value for name, value in headers.items()}
        account, region = self.caller()
        invocation = _INVOCATIONS.fullmatch(path)
        if method == "POST" and invocation:
            return await self._invoke(invocation[1], invocation[2], body, lowered, account=account, region=region)
        if "x-amz-target" not in lowered and path != "/":
            return runtime_api.unknown(method, path)
        target = lowered.get("x-amz-target") or f"{method} {path}"
        operation = target.removeprefix(api.TARGET_PREFIX) if target.startswith(api.TARGET_PREFIX) else f"({target})"
        if not _CONTENT_TYPES.match(lowered.get("content-type", "")):
            return ServiceError("SerializationException", f"The Content-Type must be {JSON}.").response()
        loop = asyncio.get_running_loop()
        principal = self._principal(lowered)
        workers = self._long_workers if operation in api.LONG_OPERATIONS else self._workers
        return await loop.run_in_executor(workers, self._control, operation, body, account, region, principal)

    def call(
        self,
        operation: str,
        document: dict[str, Any],
        *,
        account: str,
        region: str,
        principal: Principal | None = None,
        system_tags: Mapping[str, str] | None = None,
        system_members: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Carry out an operation of the control plane; the answer has at least the members of its output shape.

        What it changes is kept when it returns. `system_tags` and `system_members` are those that only AWS may give
        what is created. Raises ServiceError.
        """
        scope = {"account": account, "region": region}
        try:
            with self.context.store.asked_for():
                system = _System(system_tags or {}, system_members or {})
                return self._carry_out(operation, document, principal, system, **scope)
        except StateError as error:
            raise ServiceError(UNAVAILABLE, str(error), HTTPStatus.SERVICE_UNAVAILABLE) from error

    def _carry_out(
        self,
        operation: str,
        document: dict[str, Any],
        principal: Principal | None,
        system: _System,
        *,
        account: str,
        region: str,
    ) -> dict[str, Any]:
        request = api.read_request(operation, document)
        permissions = authorization.required_permissions(
            operation, request, self.context.store, account=account, region=region
        )
        authorization.check(principal, permissions)
        if operation not in api.RESOURCE_OPERATIONS:
            return self._carry_out_across(operation, request, account=account, region=region)
        verb, resource_type = api.RESOURCE_OPERATIONS[operation]
        if verb in resource_type.members:
            members.check(resource_type.members[verb], request)
        if verb in resource_type.own_verbs:
            return self._providers[resource_type.name].operate(verb, request, account=account, region=region)
        if verb == "List":
            return self._list(resource_type, operation, request, account=account, region=region)
        if verb == "Create":
            return self._create(resource_type, request, system, account=account, region=region)
        record = self._named(resource_type, verb, request, account=account, region=region)
        return self._ask(record, verb, request, principal)

    def _ask(self, record: Record, verb: str, request: dict[str, Any], principal: Principal | None) -> dict[str, Any]:
        """Carry out an operation on a resource that is there."""
        resource_type = record.resource_type
        if resource_type.name == "Endpoint" and verb in ("Update", "Delete"):
            self.check_endpoint_change(verb, record, request, principal)
        if verb in _LOCKING_VERBS:
            self._change(verb, record, request)
            return self._providers[resource_type.name].changed(record, verb)
        if verb == "Describe":
            return self._providers[resource_type.name].describe(record, request)
        resource_type.check_status(verb, record.status, record.arn)
        return self._providers[resource_type.name].perform(verb, record, request)

    def _carry_out_across(
        self, operation: str, request: dict[str, Any], *, account: str, region: str
    ) -> dict[str, Any]:
        """Carry out an operation on resources of several types."""
        store, scope = self.context.store, {"account": account, "region": region}
        if operation == api.SEARCH:
            return search.search(store, api.search_record(), request, **scope)
        return tags.handle(store, operation, request, **scope)

    @contextlib.contextmanager
    def within_quotas(self, record: Record, request: Mapping[str, Any]) -> Iterator[None]:
        """Let something more be taken up in the block, which nothing else is meanwhile.

        Raises ResourceLimitExceeded if a quota of the account has no room for it.
        """
        name, scope = record.resource_type.name, {"account": record.account, "region": record.region}
        with self._quota_lock:
            if self.context.store.find(name, record.name, **scope) in (None, record):  # else its name is taken
                quota_usage.check(self.context.store, self._quota, record, request)
            yield

    def can_retain_warm_pool(self, record: Record) -> bool:
        """Return whether the account's quotas have room for an ended training job's instances in a warm pool."""
        return quota_usage.can_retain_warm_pool(self.context.store, self._quota, record)

    def interrupt(self, name: str) -> None:
        """Interrupt the spot instances of one of the caller's training jobs. Raises ServiceError."""
        account, region = self.caller()
        record = self.context.store.get("TrainingJob", name, account=account, region=region)
        cast("_Interruptible", self._providers["TrainingJob"]).interrupt(record)

    def portal(self) -> Portal:
        """Return what answers at the names of workforces' portals."""
        return Portal(self.context, cast("LabelingJobs", self._providers["LabelingJob"]))

    def discard(self, account: str) -> None:
        """Forget all that an account has, whatever its status, and end what runs of it."""
        records = self.context.store.of_account(account)
        # A type whose provider uses other types' operations comes after them in the table, and ends first.
        for name, provider in reversed(self._providers.items()):
            for record in records:
                if record.resource_type.name == name:
                    with record.lock:
                        provider.discard(record)

    def restore(self) -> None:
        """Bring back what ran before this start; to be called once the port answers."""
        self._restoration.start()

    def restored(self) -> dict[str, list[str]]:
        """Return what has not come back since the start: `pending` will still, `lost` won't, in words for people."""
        return self._restoration.report()

    def close(self) -> None:
        """End everything that runs; what is kept says that it ran, as if all had been killed."""
        self.context.store.close()
        self._restoration.close()
        self.context.clock.close()
        for workers in (self._workers, self._long_workers):
            workers.shutdown(wait=False, cancel_futures=True)
        # A type whose provider uses other types' operations comes after them in the table, and ends first.
        for provider in reversed(self._providers.values()):
            provider.close()

    def _control(self, operation: str, body: bytes, account: str, region: str, principal: Principal | None) -> Response:
        try:
            answer = self.call(operation, shapes.parse(body), account=account, region=region, principal=principal)
            return 200, {"Content-Type": JSON}, json.dumps(api.write_response(operation, answer)).encode()
        except ServiceError as error:
            return error.response()

    def _named(
        self, resource_type: ResourceType, verb: str, request: dict[str, Any], *, account: str, region: str
    ) -> Record:
        """Return the record of the resource that a request is about. Raises AWS's error if there is none."""
        name, given = resource_type.name_of(request), resource_type.given(request)
        arn = resource_type.arn(name, account=account, region=region)
        if given.startswith("arn:") and given.lower() != arn.lower():
            raise resource_type.not_found_arn(given, name, verb)
        return self.context.store.get(resource_type.name, name, account=account, region=region, verb=verb)

    def _create(
        self,
        resource_type: ResourceType,
        request: dict[str, Any],
        system: _System,
        *,
        account: str,
        region: str,
    ) -> dict[str, Any]:
        scope = {"account": account, "region": region}
        with self._providers[resource_type.name].naming(resource_type, request, **scope) as name:
            return self._create_named(name, resource_type, request, system, **scope)

    def _create_named(
        self,
        name: str,
        resource_type: ResourceType,
        request: dict[str, Any],
        system: _System,
        *,
        account: str,
        region: str,
    ) -> dict[str, Any]:
        provider = self._providers[resource_type.name]
        if made := provider.made_before(request, account=account, region=region):
            return {resource_type.arn_member: made.arn}
        arn = resource_type.arn(name, account=account, region=region)
        now = self.context.clock.now()
        status, first_status = resource_type.status, resource_type.first_status
        first = {status: first_status} if status and first_status else {}
        described = {
            **with_defaults(provider.described(resource_type, request, name), resource_type.defaults),
            resource_type.arn_member: arn,
            "CreationTime": now,
            "LastModifiedTime": now,
            **first,
            **system.members,
        }
        all_tags = {**tags.read(request.get("Tags", ())), **system.tags}
        record = Record(resource_type, name, arn, account, region, described, all_tags)
        self._check_references(resource_type, request, account=account, region=region)
        with record.lock:
            with self.within_quotas(record, request):
                self.context.store.add(record)
            try:
                start = provider.create(record, request)
                self.context.store.confirm(record)
                if start:
                    start()
            except Exception:
                self.context.store.remove(record)
                raise
        return {resource_type.arn_member: arn}

    def _change(self, verb: str, record: Record, request: dict[str, Any]) -> None:
        """Update, start, stop or delete a resource if its status allows it."""
        with record.lock:
            if not self.context.store.alive(record):
                raise record.resource_type.not_found_error(
                    record.name, account=record.account, region=record.region, verb=verb
                )
            record.resource_type.check_status(verb, record.status, record.arn)
            self._act(verb, record, request)

    def _act(self, verb: str, record: Record, request: dict[str, Any]) -> None:
        provider = self._providers[record.resource_type.name]
        match verb:
            case "Update":
                self._check_references(record.resource_type, request, account=record.account, region=record.region)
                if record.resource_type.name == "Endpoint":
                    with self.within_quotas(record, request):
                        provider.update(record, request)
                else:
                    provider.update(record, request)
            case "Start":
                with self.within_quotas(record, record.members):
                    provider.start(record)
            case "Stop":
                provider.stop(record)
            case "Delete":
                provider.delete(record)
            case _:
                with self.within_quotas(record, request):
                    provider.perform(verb, record, request)

    def _check_references(
        self, resource_type: ResourceType, request: dict[str, Any], *, account: str, region: str
    ) -> None:
        """Raise AWS's not-found error for the first resource that a request names, itself or through another."""
        for other, names in resource_type.references.items():
            for name in names(request):
                record = self.context.store.get(other, name, account=account, region=region)
                self._check_references(record.resource_type, record.members, account=account, region=region)

    def _list(
        self, resource_type: ResourceType, operation: str, request: dict[str, Any], *, account: str, region: str
    ) -> dict[str, Any]:
        records = self.context.store.all(resource_type.name, account=account, region=region)
        page, token = listing.page(resource_type, listing.select(resource_type, records, request), request)
        answer: dict[str, Any] = {api.summaries_member(operation): [record.members for record in page]}
        return {**answer, "NextToken": token} if token else answer

    async def _invoke(
        self, name: str, way: str, body: bytes, headers: dict[str, str], *, account: str, region: str
    ) -> Response:
        """Answer an invocation; `way` is the last part of its path.

        The name must match in case too (botocore's model of CreateEndpoint says so). "Endpoint … of account … not
        found." is AWS's. Not compared with AWS: the wording for one that does not serve.
        """
        record = self.context.store.find("Endpoint", name, account=account, region=region)
        try:
            arn = RESOURCE_TYPES["Endpoint"].arn(name, account=account, region=region)
            operation = "InvokeEndpointAsync" if way == "async-invocations" else "InvokeEndpoint"
            needed = authorization.permissions_to_invoke(arn, record, headers, operation)
            authorization.check(self._principal(headers), needed)
        except ServiceError as error:
            return runtime_api.refusal(error.message, code=error.code, status=HTTPStatus.FORBIDDEN)
        if record is None or record.name != name:
            return runtime_api.refusal(f"Endpoint {name} of account {account} not found.")
        if record.status not in _SERVING:
            return runtime_api.refusal(
                f"Endpoint {name} of account {account} does not serve: its status is {record.status}."
            )
        refused = runtime_api.check(headers)
        if refused:
            return refused
        host = cast("_Host", self._providers["Endpoint"])
        if way == "async-invocations":
            answer = host.invoke_async(record, body, headers)
        elif way == "invocations-response-stream":
            answer = host.invoke_stream(record, body, headers)
        else:
            answer = host.invoke(record, body, headers)
        return await answer
