"""A custom resource's provider: the CDK's framework around a handler of ours."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import custom_resources as cr
from constructs import Construct

from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.handler_function import FUNCTION_FINDINGS, HandlerFunction, HandlerRole, handlers_code
from infra.constructs.log_group import LogGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms

    from infra.constructs.statements import Statement

# The framework counts attempts, not seconds: one lasts as long as the handler holds its call (each one's POLL_SECONDS),
# and then the interval. A short one would use all attempts up in a minute in which Lambda throttles.
_HELD_SECONDS = 45
_INTERVAL_SECONDS = 5


class HandlerProvider(Construct):
    """Runs `infra/handlers/<handler>/handler.py` (`on_event`, `is_complete`) for a custom resource.

    All of its functions write to one log group of the stack's own, encrypted with `key`. `is_complete` is asked for at
    least `seconds`, and not much longer: a handler that has a deadline of its own has to tell of it before.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: str,
        key: kms.IKey,
        statements: Sequence[Statement],
        timeout: Duration,
        seconds: int,
        log_retention_days: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._log_group = LogGroup(self, "Logs", key=key, retention_days=log_retention_days)
        self._handler, self._timeout = handler, timeout
        self._handler_role = self._role("HandlerRole", *statements)
        self._code = handlers_code()
        provider = cr.Provider(
            self,
            "Provider",
            on_event_handler=self.function("OnEvent", "handler.on_event"),
            is_complete_handler=self.function("IsComplete", "handler.is_complete"),
            framework_on_event_role=self._role("OnEventRole"),
            framework_complete_and_timeout_role=self._role("IsCompleteRole"),
            log_group=self._log_group,
            query_interval=Duration.seconds(_INTERVAL_SECONDS),
            total_timeout=Duration.seconds(_INTERVAL_SECONDS * ceil(seconds / (_HELD_SECONDS + _INTERVAL_SECONDS))),
        )
        self.service_token = provider.service_token
        acknowledge(
            provider,
            {
                **FUNCTION_FINDINGS,
                "CKV_AWS_173": "Its variables are ARNs of the stack's own functions and state machine, nothing secret; "
                "Lambda encrypts them with its own key.",
                "AwsSolutions-SF1": "The waiter asks one function again until it says yes: that function's log tells "
                "all it does.",
                "AwsSolutions-SF2": "There is nothing to trace in a machine of one state that runs at deployments "
                "only.",
            },
        )
        acknowledge(
            self,
            {
                wildcard("….Arn>:*"): "CDK's framework may invoke every version of the functions it is made for.",
                "IAM-Needless[…:function:‥:*]": "The CDK grants a function's versions beside it; there are none.",
            },
        )

    def function(self, construct_id: str, entry: str) -> HandlerFunction:
        """Return a function that runs `<module>.<name>` of the handler's package, with the handler's role."""
        return HandlerFunction(
            self,
            construct_id,
            code=self._code,
            handler=self._handler,
            entry=entry,
            role=self._handler_role,
            log_group=self._log_group,
            timeout=self._timeout,
        )

    def _role(self, construct_id: str, *statements: Statement) -> HandlerRole:
        return HandlerRole(self, construct_id, log_group=self._log_group, statements=statements)
