"""IAM: whether policies are asked before a request is answered, and whose.

Always, S3 asks the policies of roles and users, so that one student can't reach another one's objects. With
enforcement, every service asks all policies: what ministack does so under AUTH=true, and what AWS does beyond it, in
the modules that have an `enforce`.

A service that assumes a role says for which account it does: `aws:SourceAccount`, which trust policies ask for.
ministack's services and ours assume roles as the account's root, which it lets pass for any service; without that key a
role that guards against the confused deputy could never be assumed. Which services send which keys: IAM's guide, "The
confused deputy problem".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions, iam_evaluator

from embedded_aws.patches import athena, iam_resources, iam_service_roles, kms, service_handlers
from embedded_aws.patches.iam_principals import caller, principal
from embedded_aws.patches.iam_statement_use import StatementRecorder
from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from embedded_aws.patches.service_handlers import Response

    Trusts = Callable[[str | dict[str, Any], str, iam_evaluator.EvalContext | None], bool]

_S3 = "s3"

enforced = Patches()


def apply() -> None:
    """Let S3 answer only what the own policies of the caller allow."""
    service_handlers.intercept(_S3, _refuse_object)


def enforce() -> Callable[[], list[dict[str, Any]]]:
    """Enforce all policies, in the place of `apply`; what comes back tells which statements have decided anything."""
    recorder = StatementRecorder()
    recorder.start()
    enforced.apply()
    iam_resources.enforce()
    kms.enforce()
    iam_service_roles.enforce()
    athena.enforce()
    return recorder.report


@enforced.wraps(iam_evaluator.evaluate_trust_policy)
def _evaluate_trust_policy(
    original: Trusts,
    trust_doc: str | dict[str, Any],
    caller_arn: str,
    ctx: iam_evaluator.EvalContext | None = None,
) -> bool:
    if ctx is not None and caller_arn.endswith(":root"):
        keys = {"aws:sourceaccount": ctx.principal_account, **ctx.service_context}
        ctx = replace(ctx, service_context=keys)
    return original(trust_doc, caller_arn, ctx)


def _refuse_object(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response | None:
    who = principal(headers, query)
    for action, resource, context in _object_questions(method, path, headers, body, query) if who else ():
        if who and who.refusal(action, resource, context):
            return who.denied(_S3, action, headers)
    return None


def _object_questions(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield actions, resources and condition keys of a request to S3; a copy also reads its source."""
    action = iam_actions.extract_iam_action(_S3, method, path, headers, body, query)
    if action is None:
        return
    account, region = caller()
    resource = iam_actions.extract_resource_arn(_S3, method, path, headers, body, query, region, account)
    yield action, resource, iam_actions.s3_service_context(action, query, path, headers)
    for further, other in iam_actions.s3_additional_checks(method, path, headers, body, query):
        yield further, other, {}
