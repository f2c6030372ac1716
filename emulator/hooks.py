"""The one module that touches ministack's internals: it makes SageMaker an ordinary service of its port.

The names used here are private to ministack 1.5.33, which is pinned exactly; `tests/emulator/test_hooks.py`
says which one is gone when that pin moves.
"""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from xml.sax.saxutils import escape

import ministack.app
from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import budgets as budgets_service
from ministack.services import cloudwatch_logs, iam, ssm, stepfunctions, tagging
from ministack.services.cloudformation import provisioners, stacks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from emulator.provisioning import ResourceType

    Response = tuple[int, dict[str, str], bytes]
    Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Response]]

_S3 = "s3"
_DECISIONS = {"Allow": "allowed", "Deny": "explicitDeny", "ImplicitDeny": "implicitDeny"}
_SIMULATED: ContextVar[Mapping[str, Any]] = ContextVar("simulated")


def caller() -> tuple[str, str]:
    """Account and region of the request that is being answered (also inside CloudFormation's threads)."""
    return responses.get_account_id(), responses.get_region()


@dataclass(frozen=True)
class Principal:
    """A user or role whose own policies decide what it may do; ministack itself asks them under AUTH=true only.

    Resource policies are not asked: a bucket of the lab denies whatever does not come over TLS, and here nothing does.
    """

    info: Any  # ministack's PrincipalInfo
    region: str

    def refusal(self, action: str, resource: str, context: Mapping[str, Any]) -> str | None:
        """AWS's sentence if no policy of the principal's allows the action, or one denies it."""
        decision = self.decision(action, resource, context)
        if decision == "Allow":
            return None
        return str(iam_actions.identity_denial_message(action, self.info.arn, resource, decision == "Deny"))

    def decision(self, action: str, resource: str, context: Mapping[str, Any]) -> str:
        """Allow, Deny, or ImplicitDeny."""
        asked = iam_evaluator.EvalContext(
            principal_arn=self.info.arn,
            principal_type=self.info.type,
            principal_account=self.info.account,
            action=action,
            resource_arn=resource,
            region=self.region,
            service_context={"aws:tagkeys": None, **{key.lower(): value for key, value in context.items()}},
            principal_keys=self.info.keys,
        )
        return str(iam_evaluator.evaluate(asked, self.info.policies, *self.info.limits).decision)


def principal(headers: Mapping[str, str], query: Mapping[str, list[str]] | None = None) -> Principal | None:
    """Who signed a request; None for root, and for keys that the embedded AWS did not give out."""
    key = router.extract_access_key_id({name.lower(): value for name, value in headers.items()}, query or {})
    found = iam_evaluator.resolve_principal(key, responses.get_account_id())
    if isinstance(found, iam_evaluator.AuthError) or found.policies is None:
        return None
    return Principal(found, responses.get_region())


def budgets(operation: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Carry out an operation of AWS Budgets for the caller; HTTP status and document of its answer."""
    status, _, body = budgets_service._DISPATCH[operation](request)
    return status, json.loads(body)


def application() -> Any:
    """Ministack's ASGI application."""
    return ministack.app.app


class Tagged(Protocol):
    """The tagged resources of a service; `tag` and `untag` raise LookupError for one that is not there."""

    def all(self) -> Iterable[tuple[str, dict[str, str]]]:
        """ARN and tags of each."""

    def tag(self, arn: str, given: dict[str, str], /) -> None:
        """Set tags."""

    def untag(self, arn: str, keys: Iterable[str], /) -> None:
        """Take tags away."""


def install(sagemaker: Handler, resource_types: Mapping[str, ResourceType], tagged: Tagged) -> None:
    """Answer SageMaker's calls with `sagemaker` and provision `resource_types`, by name, in CloudFormation.

    `tagged` are the resources that the Resource Groups Tagging API lists under sagemaker.
    """
    ministack.app.SERVICE_HANDLERS["sagemaker"] = sagemaker
    router.SERVICE_PATTERNS["sagemaker"] = {
        "target_prefixes": ["SageMaker."],
        "host_patterns": [r"sagemaker\.", r"runtime\.sagemaker\."],
        "credential_scope": "sagemaker",
    }
    stepfunctions._AWS_SDK_SERVICE_MAP["sagemaker"] = {"target_prefix": "SageMaker", "protocol": "json"}
    stepfunctions._AWS_SDK_ERROR_PREFIX["sagemaker"] = "SageMaker"
    _provision(resource_types)
    for service, resources in (("sagemaker", tagged), ("logs", _LogGroups()), ("ssm", _Parameters())):
        _list_tagged(service, resources)
    tagging._matches_type_filters = _of_types
    _ask_before_objects()
    _simulate_with_context()


def _provision(types: Mapping[str, ResourceType]) -> None:
    for name, one in types.items():
        provisioners._RESOURCE_HANDLERS[name] = {"create": one.create, "update": one.update, "delete": one.delete}
        provisioners._REPLACING_PROPERTIES[name] = one.replacing
        provisioners._STACK_TAG_PROPERTY[name] = (one.tags, "list")
        if one.name:
            provisioners._CUSTOM_NAME_REPLACEMENT[name] = {"name": one.name}
    waiting = {name for name, one in types.items() if one.waits}
    blocks = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda name: name in waiting or bool(blocks(name))


def _list_tagged(service: str, resources: Tagged) -> None:
    """Let the Resource Groups Tagging API list, tag and untag them."""

    def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
        for arn, tags in resources.all():
            yield arn, [{"Key": key, "Value": value} for key, value in tags.items()]

    def changing(change: Callable[[str, Any], None]) -> Callable[[Any, str, Any], None]:
        def change_or_tell(_spec: Any, arn: str, given: Any) -> None:
            try:
                change(arn, given)
            except LookupError as error:
                raise tagging._ResourceNotFound(arn) from error

        return change_or_tell

    tagging._COLLECTORS[service] = collect
    tagging._WRITERS[service] = changing(resources.tag)
    tagging._REMOVERS[service] = changing(resources.untag)


class _LogGroups:
    """CloudWatch's log groups, under ARNs without the `:*` that DescribeLogGroups adds."""

    def all(self) -> Iterator[tuple[str, dict[str, str]]]:
        for group in cloudwatch_logs._log_groups.values():
            if group["tags"]:
                yield group["arn"].removesuffix(":*"), group["tags"]

    def tag(self, arn: str, given: dict[str, str]) -> None:
        self._tags(arn).update(given)

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        for key in keys:
            self._tags(arn).pop(key, None)

    def _tags(self, arn: str) -> dict[str, str]:
        found: dict[str, str] | None = cloudwatch_logs._resolve_tag_record_by_arn(arn)
        if found is None:
            raise LookupError(arn)
        return found


class _Parameters:
    """Systems Manager's parameters."""

    def all(self) -> Iterator[tuple[str, dict[str, str]]]:
        for parameter in ssm._parameters.values():
            if tags := ssm._tags.get(parameter["ARN"]):
                yield parameter["ARN"], tags

    def tag(self, arn: str, given: dict[str, str]) -> None:
        ssm._tags.setdefault(self._known(arn), {}).update(given)

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        for key in keys:
            ssm._tags.get(self._known(arn), {}).pop(key, None)

    def _known(self, arn: str) -> str:
        if arn not in (parameter["ARN"] for parameter in ssm._parameters.values()):
            raise LookupError(arn)
        return arn


def _of_types(arn: str, filters: list[str]) -> bool:
    """Whether an ARN is of one of the types, `logs` or `logs:log-group`; ministack stumbles over names with slashes."""
    _, _, service, _, _, resource = arn.split(":", 5)
    kind = re.split("[:/]", resource, maxsplit=1)[0]
    return not filters or service in filters or f"{service}:{kind}" in filters


def _ask_before_objects() -> None:
    """Let S3 ask the policies of roles and users, so that one student can't reach another one's objects."""
    answer = ministack.app.SERVICE_HANDLERS[_S3]

    async def ask_first(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        who = principal(headers, query)
        for action, resource, context in _object_questions(method, path, headers, body, query) if who else ():
            if who and who.refusal(action, resource, context):
                return _no_access(action, who, headers)
        answered: Response = await answer(method, path, headers, body, query)
        return answered

    ministack.app.SERVICE_HANDLERS[_S3] = ask_first


def _no_access(action: str, who: Principal, headers: dict[str, str]) -> Response:
    answer: Response = iam_actions.access_denied_response(_S3, action, who.info.arn, "", headers=headers)
    return answer


def _object_questions(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Actions, resources and condition keys of a request to S3; a copy also reads its source."""
    action = iam_actions.extract_iam_action(_S3, method, path, headers, body, query)
    if action is None:
        return
    account, region = caller()
    resource = iam_actions.extract_resource_arn(_S3, method, path, headers, body, query, region, account)
    yield action, resource, iam_actions.s3_service_context(action, query, path, headers)
    for further, other in iam_actions.s3_additional_checks(method, path, headers, body, query):
        yield further, other, {}


def _simulate_with_context() -> None:
    """Let IAM's policy simulator take ContextEntries and every ResourceArn; ministack's looks at neither."""
    for operation in ("SimulatePrincipalPolicy", "SimulateCustomPolicy"):
        iam._IAM_HANDLERS[operation] = _simulating(iam._IAM_HANDLERS[operation])
    iam._build_simulate_results_real = _simulated


def _simulating(answer: Callable[[Any], Response]) -> Callable[[Any], Response]:
    def with_request(parameters: Mapping[str, Any]) -> Response:
        token = _SIMULATED.set(parameters)
        try:
            return answer(parameters)
        finally:
            _SIMULATED.reset(token)

    return with_request


def _simulated(actions: list[str], _resource: str, arn: str, account: str, policies: list[Any]) -> str:
    """The results, one for each action and resource. That AWS lists several resources so was not checked."""
    asked = _SIMULATED.get()
    info = iam_evaluator.PrincipalInfo(arn, "AssumedRole" if ":role/" in arn else "User", account, policies)
    who = Principal(info, responses.get_region())
    resources = _members(asked, "ResourceArns.member.{}") or ["*"]
    names = _members(asked, "ContextEntries.member.{}.ContextKeyName")
    values = [
        _members(asked, f"ContextEntries.member.{number}.ContextKeyValues.member.{{}}")
        for number in range(1, len(names) + 1)
    ]
    kinds = _members(asked, "ContextEntries.member.{}.ContextKeyType")
    context = {
        name: given if kind.endswith("List") else given[0]
        for name, kind, given in zip(names, kinds, values, strict=True)
    }
    return "".join(
        f"<member><EvalActionName>{escape(action)}</EvalActionName>"
        f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
        f"<EvalDecision>{_DECISIONS[who.decision(action, resource, context)]}</EvalDecision>"
        "<MatchedStatements></MatchedStatements><MissingContextValues></MissingContextValues></member>"
        for action in actions
        for resource in resources
    )


def _members(parameters: Mapping[str, Any], pattern: str) -> list[str]:
    """A list as the Query protocol writes it: one parameter an element, counted from 1."""
    found: list[str] = []
    while value := iam._p(parameters, pattern.format(len(found) + 1)):
        found.append(value)
    return found
