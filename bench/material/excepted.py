"""Statements that no request on the embedded AWS needs, and that stay: who needs them there, and why not here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Role (a regular expression), one action of the statement, reason.
_EXCEPTED = (
    (
        "endpoint ServingRole",
        "cloudwatch:PutMetricData",
        'SageMaker\'s guide has it in every execution role ("How to use SageMaker AI execution roles", CreateModel); '
        "here an endpoint measures nothing.",
    ),
    (
        "endpoint ServingRole",
        "s3:ListBucket",
        "SageMaker's guide has it in the same place. With it S3 tells an artifact that is missing from one that is "
        "forbidden; here it is there.",
    ),
    (
        r".* ContentsHandler(OnEvent|IsComplete)Role|.* JobHandler(OnEvent|IsComplete)Role",
        "lambda:GetFunction",
        "CDK's provider framework adds it: it waits by it for a function that Lambda has put to sleep.",
    ),
)


def reason(role: str, actions: Sequence[str]) -> str | None:
    """Why a statement may stay that nothing needed; None if it may not."""
    for pattern, action, why in _EXCEPTED:
        if re.fullmatch(pattern, role) and action in actions:
            return why
    return None
