"""Application Auto Scaling's operations on the variants of SageMaker's endpoints.

Sources: botocore's model; the user guide and SageMaker's guide, as the modules name them. Scheduled actions are not
offered: there are none, and none can be put.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.services import json_protocol
from embedded_aws.services.application_autoscaling import activities, alarms, authorization, policies, targets
from embedded_aws.services.application_autoscaling.activities import Activities
from embedded_aws.services.application_autoscaling.deregistration import Deregistration
from embedded_aws.services.application_autoscaling.records import POLICY, TARGET
from embedded_aws.services.application_autoscaling.scaler import Scaler
from embedded_aws.services.application_autoscaling.variants import Variants
from embedded_aws.services.records import Records, Scope
from embedded_aws.services.sagemaker import tags
from embedded_aws.services.sagemaker.authorization import check
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.metrics.datum import of_invocations_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from botocore.model import ServiceModel

    from embedded_aws.database import Database
    from embedded_aws.services.application_autoscaling.variants import SageMakerApi
    from embedded_aws.services.json_protocol import Request, Response
    from embedded_aws.services.records import Document
    from embedded_aws.services.root_clients import RootClients
    from embedded_aws.services.sagemaker.authorization import Principal
    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.events import Event
    from embedded_aws.services.sagemaker.metrics.datum import MetricSource

_PAGE = 50
_MAX_TAGS = 50
_WORKERS = 8


class ApplicationAutoScaling:
    """The embedded Application Auto Scaling.

    `caller` returns account and region of the current request, `principal` who signed it (None: no policies are
    checked). `publish` takes events for the accounts' default buses. `deregistration` is to be told of endpoints.
    """

    def __init__(
        self,
        sagemaker: SageMakerApi,
        *,
        clock: Clock,
        clients: RootClients,
        caller: Callable[[], tuple[str, str]],
        principal: Callable[[Mapping[str, str]], Principal | None] = lambda _headers: None,
        publish: Callable[[Event], object] = lambda _event: None,
        database: Database | None = None,
    ) -> None:
        self._clock, self._clients, self._caller, self._principal = clock, clients, caller, principal
        self._records = Records("application_autoscaling", database)
        self._activities = Activities(self._records)
        self._variants = Variants(sagemaker)
        self.deregistration = Deregistration(self._records, self._variants, clients)
        self._scaler = Scaler(
            self._records, self._activities, self._variants, clock=clock, clients=clients, publish=publish
        )
        self._protocol = json_protocol.JsonProtocol(
            "application-autoscaling",
            title="Application Auto Scaling",
            operations=_OPERATIONS,
            unavailable="InternalServiceException",
        )
        self._changing = threading.Lock()  # held while a target or a policy is put or goes
        # It asks SageMaker, IAM and CloudWatch, which answer on the event loop.
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="autoscaling")

    @property
    def model(self) -> ServiceModel:
        """Return botocore's model of it."""
        return self._protocol.model

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Response:
        """Answer one HTTP request (awsJson1.1)."""
        del method, path, query  # the protocol has one of each
        scope, principal = Scope(*self._caller()), self._principal(headers)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._workers,
            lambda: self._protocol.answer(
                headers, body, lambda operation, request: self._carry_out(operation, request, scope, principal)
            ),
        )

    def call(self, operation: str, document: dict[str, Any], *, account: str, region: str) -> Request:
        """Carry out an operation without a check of policies. Raises ServiceError, StateError."""
        request = self._protocol.read(operation, document)
        return self._carry_out(operation, request, Scope(account, region), None)

    def scale(self, account: str, region: str, action: str, alarm: Mapping[str, Any], values: Sequence[float]) -> None:
        """Take note that an alarm is off whose action names a policy; returns at once."""
        self._scaler.alarm(Scope(account, region), alarm, alarms.policy_arn(action), values)

    def restore(self) -> None:
        """Go on with what was under way when the embedded AWS ended, now that it answers."""
        self._scaler.restore()

    def watched(self) -> Iterator[MetricSource]:
        """Yield of each target what its invocations are the metrics of."""
        for scope, target in self._records.every(TARGET):
            key = targets.key_of(target)
            yield of_invocations_named(key.endpoint, key.variant, **scope._asdict())

    def discard(self, account: str) -> None:
        """Forget all that an account has."""
        self._records.forget(account)

    def close(self) -> None:
        """End; what is under way is so at the next start."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _carry_out(self, operation: str, request: Request, scope: Scope, principal: Principal | None) -> Request:
        return _OPERATIONS[operation](self, request, scope, principal)

    def _register(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        key = targets.key_of(request)
        with self._changing:
            before = self._records.find(TARGET, scope, key.resource_id)
            check(principal, authorization.on_target("RegisterScalableTarget", request, before, scope))
            check(principal, authorization.on_endpoint(key, scope))
            instance_type = self._variants.instance_type(scope, key)
            target = targets.registered(before, request, key, instance_type, scope=scope, now=self._clock.now())
            self._make_linked_role(scope, principal)
            self._records.put(TARGET, scope, key.resource_id, target)
        self._scaler.enforce_bounds(scope, key)
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def _deregister(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        key = targets.key_of(request)
        with self._changing:
            found = self._records.find(TARGET, scope, key.resource_id)
            check(principal, authorization.on_target("DeregisterScalableTarget", request, found, scope))
            targets.required(self._records, scope, key, words="found")
            self.deregistration.deregister(scope, key)
        return {}

    def _describe_targets(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        check(principal, authorization.to_describe("DescribeScalableTargets"))
        targets.check_offered(request)
        wanted = request.get("ResourceIds")
        found = [each for each in self._records.all(TARGET, scope) if wanted is None or each["ResourceId"] in wanted]
        return _page("ScalableTargets", found, request)

    def _put_policy(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        key = targets.key_of(request)
        with self._changing:
            target = self._records.find(TARGET, scope, key.resource_id)
            check(principal, authorization.on_target("PutScalingPolicy", request, target, scope))
            targets.required(self._records, scope, key)
            name = policies.name_of(key, request["PolicyName"])
            before = self._records.find(POLICY, scope, name)
            all_others = policies.of_target(self._records, scope, key.resource_id)
            others = [each for each in all_others if each["PolicyName"] != request["PolicyName"]]
            policy = policies.put(before, others, request, key, scope=scope, now=self._clock.now())
            wanted = alarms.wanted(policy, key)
            if wanted:
                check(principal, authorization.on_alarms("PutMetricAlarm", key, scope))
            made = self._put_alarms(scope, wanted)
            self._records.put(POLICY, scope, name, {**policy, "Alarms": made})
            kept = {each["AlarmName"] for each in made}
            self.deregistration.delete_alarms(
                scope, [one["AlarmName"] for one in policy["Alarms"] if one["AlarmName"] not in kept]
            )
        return {"PolicyARN": policy["PolicyARN"], "Alarms": made}

    def _delete_policy(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        key = targets.key_of(request)
        with self._changing:
            target = self._records.find(TARGET, scope, key.resource_id)
            check(principal, authorization.on_target("DeleteScalingPolicy", request, target, scope))
            policy = policies.required(self._records, scope, key, request["PolicyName"])
            self._records.remove(POLICY, scope, policies.name_of(key, policy["PolicyName"]))
            self.deregistration.delete_alarms(scope, [each["AlarmName"] for each in policy["Alarms"]])
        return {}

    def _describe_policies(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        check(principal, authorization.to_describe("DescribeScalingPolicies"))
        targets.check_offered(request)
        names, resource = request.get("PolicyNames"), request.get("ResourceId")
        found = [
            each
            for each in self._records.all(POLICY, scope)
            if resource in (None, each["ResourceId"]) and (names is None or each["PolicyName"] in names)
        ]
        return _page("ScalingPolicies", found, request)

    def _describe_activities(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        check(principal, authorization.to_describe("DescribeScalingActivities"))
        targets.check_offered(request)
        every = request.get("IncludeNotScaledActivities", False)
        found = self._activities.latest(scope, request.get("ResourceId"))
        return _page("ScalingActivities", [each for each in found if every or activities.was_scaled(each)], request)

    def _describe_scheduled_actions(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        del scope
        check(principal, authorization.to_describe("DescribeScheduledActions"))
        targets.check_offered(request)
        return {"ScheduledActions": []}

    def _tag(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        target = self._tagged("TagResource", request, scope, principal)
        tags.check_keys(request["Tags"])
        tagged = {**target["Tags"], **request["Tags"]}
        if len(tagged) > _MAX_TAGS:
            raise ServiceError("TooManyTagsException", f"A scalable target can have at most {_MAX_TAGS} tags.")
        self._records.put(TARGET, scope, target["ResourceId"], {**target, "Tags": tagged})
        return {}

    def _untag(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        target = self._tagged("UntagResource", request, scope, principal)
        left = {name: value for name, value in target["Tags"].items() if name not in request["TagKeys"]}
        self._records.put(TARGET, scope, target["ResourceId"], {**target, "Tags": left})
        return {}

    def _list_tags(self, request: Request, scope: Scope, principal: Principal | None) -> Request:
        return {"Tags": self._tagged("ListTagsForResource", request, scope, principal)["Tags"]}

    def _tagged(self, operation: str, request: Request, scope: Scope, principal: Principal | None) -> Document:
        arn = request["ResourceARN"]
        found = next((one for one in self._records.all(TARGET, scope) if one["ScalableTargetARN"] == arn), None)
        check(principal, authorization.on_target(operation, request, found, scope))
        if found is None:
            raise ServiceError("ResourceNotFoundException", f"The resource {arn} can't be found.")
        return found

    def _make_linked_role(self, scope: Scope, principal: Principal | None) -> None:
        iam = self._clients.client("iam", *scope)
        try:
            iam.get_role(RoleName=targets.LINKED_ROLE)
        except iam.exceptions.NoSuchEntityException:
            check(principal, authorization.on_linked_role(scope))
            iam.create_service_linked_role(AWSServiceName=targets.LINKED_ROLE_SERVICE)

    def _put_alarms(self, scope: Scope, wanted: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
        cloudwatch = self._clients.client("cloudwatch", *scope)
        try:
            for each in wanted:
                cloudwatch.put_metric_alarm(**each)
        except (ClientError, BotoCoreError) as error:
            raise ServiceError("FailedResourceAccessException", str(error)) from error
        arn = f"arn:aws:cloudwatch:{scope.region}:{scope.account}:alarm:"
        return [{"AlarmName": each["AlarmName"], "AlarmARN": f"{arn}{each['AlarmName']}"} for each in wanted]


_OPERATIONS: Mapping[str, Callable[[ApplicationAutoScaling, Request, Scope, Principal | None], Request]] = {
    "DeleteScalingPolicy": ApplicationAutoScaling._delete_policy,  # noqa: SLF001 - the class's own table
    "DeregisterScalableTarget": ApplicationAutoScaling._deregister,  # noqa: SLF001
    "DescribeScalableTargets": ApplicationAutoScaling._describe_targets,  # noqa: SLF001
    "DescribeScalingActivities": ApplicationAutoScaling._describe_activities,  # noqa: SLF001
    "DescribeScalingPolicies": ApplicationAutoScaling._describe_policies,  # noqa: SLF001
    "DescribeScheduledActions": ApplicationAutoScaling._describe_scheduled_actions,  # noqa: SLF001
    "ListTagsForResource": ApplicationAutoScaling._list_tags,  # noqa: SLF001
    "PutScalingPolicy": ApplicationAutoScaling._put_policy,  # noqa: SLF001
    "RegisterScalableTarget": ApplicationAutoScaling._register,  # noqa: SLF001
    "TagResource": ApplicationAutoScaling._tag,  # noqa: SLF001
    "UntagResource": ApplicationAutoScaling._untag,  # noqa: SLF001
}


def _page(member: str, items: Sequence[Any], request: Request) -> Request:
    invalid = ServiceError("InvalidNextTokenException", "The next token supplied was invalid.")
    asked = {**request, "MaxResults": min(request.get("MaxResults") or _PAGE, _PAGE)}
    return json_protocol.page(member, items, asked, size=_PAGE, invalid_token=invalid)
