"""Which statements of roles' policies decided anything: one that never does is told from one that is needed.

A statement is needed by a request that it alone allowed, or that it alone denied though others allowed it: without it
the answer would have been another. One that only ever agreed with others is used, and yet may go.
"""

from __future__ import annotations

import json
import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.services import iam
from ministack.services.cloudformation import provisioners

from embedded_aws.patches import patching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_OF_A_RESOURCE: ContextVar[bool] = ContextVar("of_a_resource", default=False)
_SESSION = ":assumed-role/"
_EXAMPLES = 3


@dataclass
class StatementUse:
    """How often a statement decided, how often alone, and the first few requests of the latter kind."""

    decided: int = 0
    alone: int = 0
    requests: list[str] = field(default_factory=list)


class StatementRecorder:
    """Remembers, for each role by name, its policies' statements and their use; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._roles: dict[str, dict[str, StatementUse]] = {}

    def start(self) -> None:
        """Begin to look on at every decision about a role's request."""
        enforced = patching.Patches()

        @enforced.wraps(iam_evaluator.evaluate)
        def _evaluate(
            original: Callable[..., iam_evaluator.EvalResult],
            ctx: iam_evaluator.EvalContext,
            policies: list[list[iam_evaluator.ParsedStatement]],
            *limits: Any,
        ) -> iam_evaluator.EvalResult:
            result = original(ctx, policies, *limits)
            if _SESSION in ctx.principal_arn and not _OF_A_RESOURCE.get():
                self._record(ctx, [each for policy in policies for each in policy], result.decision)
            return result

        @enforced.wraps(iam_evaluator.evaluate_resource_policy)
        def _evaluate_resource_policy(original: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            token = _OF_A_RESOURCE.set(True)
            try:
                return original(*arguments, **options)
            finally:
                _OF_A_RESOURCE.reset(token)

        enforced.apply()
        for kind in ("AWS::IAM::Role", "AWS::IAM::Policy"):
            called = f"ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS[{kind!r}]"
            patching.wrap_item(provisioners._RESOURCE_HANDLERS[kind], "delete", called, self._collect_before)

    def report(self) -> list[dict[str, Any]]:
        """Return every statement of every role, also of those that stacks have deleted, and its use."""
        self._collect()
        with self._lock:
            return [
                {"role": role, "statement": json.loads(text), **vars(use)}
                for role, uses in sorted(self._roles.items())
                for text, use in uses.items()
            ]

    def _collect_before(self, delete: Callable[..., None], name: str, properties: Mapping[str, Any]) -> None:
        self._collect()
        delete(name, properties)

    def _collect(self) -> None:
        """Learn of the statements of the roles that there are."""
        with self._lock:
            for account, name in list(iam._roles._data):
                for policy in iam_evaluator._gather_role_policies(name, account):
                    self._uses(name, policy)

    def _record(
        self, asked: iam_evaluator.EvalContext, statements: list[iam_evaluator.ParsedStatement], decision: str
    ) -> None:
        role = asked.principal_arn.partition(_SESSION)[2].partition("/")[0]
        deciding = [each for each in statements if iam_evaluator._first_match(asked, [each], decision)]
        overruled = decision != "Deny" or iam_evaluator._first_match(asked, statements, "Allow")
        with self._lock:
            self._uses(role, statements)
            for use in self._uses(role, deciding):
                use.decided += 1
                if len(deciding) == 1 and overruled:
                    use.alone += 1
                    request = f"{asked.action} {asked.resource_arn}"
                    if len(use.requests) < _EXAMPLES and request not in use.requests:
                        use.requests.append(request)

    def _uses(self, role: str, statements: Iterable[iam_evaluator.ParsedStatement]) -> list[StatementUse]:
        uses = self._roles.setdefault(role, {})
        return [uses.setdefault(_text(each), StatementUse()) for each in statements]


def _text(statement: iam_evaluator.ParsedStatement) -> str:
    members = {
        "Effect": statement.effect,
        "Action": sorted(statement.actions),
        "NotAction": sorted(statement.not_actions),
        "Resource": sorted(statement.resources),
        "NotResource": sorted(statement.not_resources),
        "Condition": statement.conditions,
    }
    return json.dumps({name: value for name, value in members.items() if value}, sort_keys=True)
