"""A service that assumes a role says for which account it does: `aws:SourceAccount`, which trust policies ask for.

ministack's services and ours assume roles as the account's root, which it lets pass for any service; without that key a
role that guards against the confused deputy could never be assumed. Which services send which keys: IAM's guide, "The
confused deputy problem".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator

if TYPE_CHECKING:
    from collections.abc import Mapping


def name_source_account() -> None:
    """Let trust policies see it."""
    trusts = iam_evaluator.evaluate_trust_policy

    def with_source(document: str | Mapping[str, Any], caller: str, context: Any = None) -> bool:
        if context is not None and caller.endswith(":root"):
            keys = {"aws:sourceaccount": context.principal_account, **context.service_context}
            context = replace(context, service_context=keys)
        return bool(trusts(document, caller, context))

    iam_evaluator.evaluate_trust_policy = with_source
