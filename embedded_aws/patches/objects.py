"""S3 asks the policies of roles and users, so that one student can't reach another one's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions

from embedded_aws.patches import service_handlers
from embedded_aws.patches.iam_principals import caller, principal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.patches.service_handlers import Response

_S3 = "s3"


def ask_before_objects() -> None:
    """Let S3 answer only what the caller's policies allow."""
    service_handlers.before(_S3, _refused)


def _refused(
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
    """Actions, resources and condition keys of a request to S3; a copy also reads its source."""
    action = iam_actions.extract_iam_action(_S3, method, path, headers, body, query)
    if action is None:
        return
    account, region = caller()
    resource = iam_actions.extract_resource_arn(_S3, method, path, headers, body, query, region, account)
    yield action, resource, iam_actions.s3_service_context(action, query, path, headers)
    for further, other in iam_actions.s3_additional_checks(method, path, headers, body, query):
        yield further, other, {}
