"""A Lambda function that runs a handler of ours, its role, and the code of them all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import IgnoreMode
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.constructs.findings import acknowledge
from infra.constructs.statements import allow, document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import Duration
    from aws_cdk import aws_logs as logs
    from constructs import Construct

    from infra.constructs.statements import Statement

ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "infra.handlers"
# What a function's code consists of, in git's own patterns: nothing of the repository but the handlers and `teardown`.
_LEFT_OUT = ["/*", "!/infra", "/infra/*", "!/infra/__init__.py", "!/infra/handlers", "!/teardown", "__pycache__"]

# Of every function that deployments or the lease's schedule call.
FUNCTION_FINDINGS = {
    "CKV_AWS_115": "A reserve is taken from the account's concurrency, which is 10 in a new account; these functions "
    "are called one at a time, by deployments and by a schedule.",
    "CKV_AWS_116": "A failed call is seen where it was made: the deployment fails with it, and the lease's schedule "
    "calls again within a minute. Nobody would read a queue of such events.",
    "CKV_AWS_117": "It reaches nothing inside a VPC and listens to nobody: it calls AWS's endpoints over TLS, with a "
    "role that names every action and resource.",
}


def handlers_code() -> lambda_.AssetCode:
    """Return the code of every handler: the packages `infra.handlers` and `teardown`, as they lie here."""
    return lambda_.Code.from_asset(str(ROOT), exclude=_LEFT_OUT, ignore_mode=IgnoreMode.GIT)


class HandlerRole(iam.Role):
    """What a handler's function may do: write its log, and these statements."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_group: logs.ILogGroup,
        statements: Sequence[Statement] = (),
    ) -> None:
        write_logs = allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn])
        super().__init__(
            scope,
            construct_id,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"handler": document([write_logs, *statements])},
        )


class HandlerFunction(lambda_.Function):
    """Runs `<module>.<name>`, the entry, of the package `infra/handlers/<handler>/`.

    `findings` are acknowledged where others call it than deployments and the lease's schedule.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: lambda_.AssetCode,
        handler: str,
        entry: str,
        role: iam.IRole,
        log_group: logs.ILogGroup,
        timeout: Duration,
        findings: Mapping[str, str] = FUNCTION_FINDINGS,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            code=code,
            description=f"{handler}: {entry}",
            handler=f"{_PACKAGE}.{handler}.{entry}",
            log_group=log_group,
            memory_size=256,
            role=role,
            runtime=lambda_.Runtime.PYTHON_3_14,
            timeout=timeout,
        )
        acknowledge(self, findings)
