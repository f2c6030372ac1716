from dataclasses import dataclass
from typing import Any, TypeAlias

from ministack.core.responses import AccountScopedDict

_Policies: TypeAlias = list[list[ParsedStatement]]

@dataclass
class ParsedStatement:
    sid: str
    effect: str
    actions: list[str] = ...
    not_actions: list[str] = ...
    resources: list[str] = ...
    not_resources: list[str] = ...
    conditions: dict[str, Any] = ...

@dataclass
class EvalContext:
    principal_arn: str
    principal_type: str
    principal_account: str
    action: str
    resource_arn: str
    region: str
    source_ip: str = ...
    secure_transport: bool = ...
    request_tags: dict[str, str] = ...
    tag_keys: list[str] = ...
    service_context: dict[str, Any] = ...
    principal_keys: dict[str, Any] = ...

@dataclass
class EvalResult:
    decision: str
    principal_arn: str = ""
    matched_sid: str = ""
    reason: str = ""
    resource_policy_arn: str = ""

@dataclass
class PrincipalInfo:
    arn: str
    type: str
    account: str
    policies: _Policies | None
    keys: dict[str, Any] = ...
    limits: list[_Policies] = ...

@dataclass
class AuthError:
    code: str
    message: str
    details: dict[str, str] = ...

def _first_match(ctx: EvalContext, stmts: list[ParsedStatement], effect: str) -> ParsedStatement | None: ...
def _gather_role_policies(role_name: str, account_id: str) -> _Policies: ...
def _permissions_boundary(store: AccountScopedDict[dict[str, Any]], name: str, account_id: str) -> list[_Policies]: ...
def combine_resource_policy(
    identity: EvalResult,
    ctx: EvalContext,
    policy: str | dict[str, Any] | None,
    owner_account: str | None,
    required: bool = False,
    limits: tuple[_Policies, ...] = (),
) -> EvalResult: ...
def evaluate(ctx: EvalContext, policies: _Policies, *limits: _Policies) -> EvalResult: ...
def evaluate_resource_policy(
    doc: str | dict[str, Any] | None,
    ctx: EvalContext,
    service: str | None = None,
    named_only: bool = False,
    direct_only: bool = False,
) -> EvalResult: ...
def evaluate_trust_policy(trust_doc: str | dict[str, Any], caller_arn: str, ctx: EvalContext | None = None) -> bool: ...
def resolve_principal(access_key_id: str, account_id: str, credential: Any = None) -> PrincipalInfo | AuthError: ...
def pin_request_origin(source_ip: str, secure_transport: bool) -> None: ...
