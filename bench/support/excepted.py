"""Statements that no request on the embedded AWS needs, and that stay: who needs them there, and why not here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Exempt:
    """A statement by its role (a regular expression) and one of its actions, and why it stays."""

    role: str
    action: str
    why: str


EXEMPT = (
    Exempt(
        role="endpoint ServingRole|storage PhotosRole",
        action="cloudwatch:PutMetricData",
        why="SageMaker's guide has it in the role of every model and processing job (How to use SageMaker AI execution "
        "roles, CreateModel and CreateProcessingJob); here only training jobs publish metrics.",
    ),
    Exempt(
        role="endpoint ServingRole",
        action="s3:ListBucket",
        why="SageMaker's guide has it in the same place: with it S3 tells an artifact that is missing from one that "
        "is forbidden. Here it is there.",
    ),
    Exempt(
        role="operations LeaseTeardownRole",
        action="application-autoscaling:DeregisterScalableTarget",
        why="The embedded AWS has no Application Auto Scaling: there is nothing to deregister.",
    ),
    Exempt(
        role="operations LeaseTeardownRole",
        action="iam:PassRole",
        why="A teardown that has told of the end, or is stuck, changes its own schedule, which passes the schedule its "
        "role anew.",
    ),
    Exempt(
        role="endpoint RestLogRole",
        action="logs:PutLogEvents",
        why="AWS's own policy for the role with which API Gateway writes logs, and API Gateway refuses a role that "
        "lacks any of it; here it writes them without asking the role.",
    ),
    Exempt(
        role="endpoint RestLogRoleFunctionRole",
        action="iam:PassRole",
        why="Whoever hands a role to a service must be allowed to pass it; here UpdateAccount does not ask.",
    ),
    Exempt(
        role=r"\w+ \w*(Contents|Job)Handler(OnEvent|IsComplete)Role",
        action="lambda:GetFunction",
        why="CDK's provider framework adds it: by it, it waits for a function that Lambda has put to sleep.",
    ),
)


def reason(role: str, actions: Sequence[str]) -> str | None:
    """Return why a statement may stay that nothing needed; None if it may not."""
    return next((one.why for one in EXEMPT if re.fullmatch(one.role, role) and one.action in actions), None)
