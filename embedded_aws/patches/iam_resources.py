"""What IAM is asked about requests to six services, where ministack asks about something else.

Logs: a stream is `…:log-group:NAME:log-stream:STREAM`, and of a group its STREAM is empty: AWS's own refusals name it
so, and only tags are asked about at the group's ARN without an end (API reference, LogGroup, `arn`, `logGroupArn`).
Athena: a query belongs to its workgroup. Glue: whoever reads a table reads its catalog and database too (Glue's guide,
"Specifying AWS Glue resource ARNs"). CloudWatch: PutMetricData is held to a namespace. CloudFormation: a stack has
its tags. Systems Manager: GetParametersByPath is asked about the path. Sources of the rest: the service
authorization reference.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions
from ministack.services import athena, cloudformation, tagging

from embedded_aws.patches import service_handlers
from embedded_aws.patches.iam_principals import caller, principal
from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from embedded_aws.patches.service_handlers import Response

_OF_A_GROUP = ("TagResource", "UntagResource", "ListTagsForResource")


enforced = Patches()


def enforce() -> None:
    """Let requests be judged by the resources and condition keys that AWS judges them by."""
    enforced.apply()
    tagging._RESOURCE_TAG_COLLECTORS["cloudformation"] = _stacks_with_tags
    service_handlers.intercept("glue", _refuse_below_the_catalog)


@enforced.wraps(iam_actions.extract_resource_arn)
def _extract_resource_arn(
    original: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    region: str,
    account_id: str,
) -> str:
    arn = original(service, method, path, headers, body, query_params, region, account_id)
    resource = _RESOURCES.get(service)
    return resource(arn, _Request(headers, body, f"{region}:{account_id}")) if resource else arn


@enforced.wraps(iam_actions.request_tag_context)
def _request_tag_context(
    original: Callable[..., dict[str, Any]], service: str, iam_action: str, body: bytes, params: dict[str, Any]
) -> dict[str, Any]:
    found = dict(original(service, iam_action, body, params))
    if iam_action == "cloudwatch:PutMetricData":
        found["cloudwatch:namespace"] = _namespace(body, params)
    return found


@dataclass(frozen=True)
class _Request:
    """What names the resource of a request; `scope` are region and account as they stand in an ARN."""

    headers: Mapping[str, str]
    body: bytes
    scope: str

    @property
    def operation(self) -> str:
        return self.headers.get("x-amz-target", "").rpartition(".")[2]


def _log_stream(arn: str, request: _Request) -> str:
    if request.operation in _OF_A_GROUP:
        return arn
    asked = _document(request.body)
    there = f"arn:aws:logs:{request.scope}:log-group:{asked.get('logGroupName', '')}"
    return f"{there}:log-stream:{asked.get('logStreamName', '')}"


def _workgroup(arn: str, request: _Request) -> str:
    asked = _document(request.body)
    identity = asked.get("QueryExecutionId") or next(iter(asked.get("QueryExecutionIds", ())), None)
    execution = athena._executions.get(identity) if identity else None
    return f"arn:aws:athena:{request.scope}:workgroup/{execution['WorkGroup']}" if execution else arn


def _catalog(_arn: str, request: _Request) -> str:
    return f"arn:aws:glue:{request.scope}:catalog"


def _stack(arn: str, _request: _Request) -> str:
    """Return the stack's own ARN in the place of one that ends with `/*`, so that its tags are found by it."""
    stack = cloudformation._stacks.get(arn.partition(":stack/")[2].partition("/")[0])
    return str(stack["StackId"]) if stack else arn


def _parameter(arn: str, request: _Request) -> str:
    if request.operation != "GetParametersByPath":
        return arn
    return f"arn:aws:ssm:{request.scope}:parameter/{_document(request.body).get('Path', '').strip('/')}"


_RESOURCES: Mapping[str, Callable[[str, _Request], str]] = {
    "athena": _workgroup,
    "cloudformation": _stack,
    "glue": _catalog,
    "logs": _log_stream,
    "ssm": _parameter,
}


def _stacks_with_tags() -> Iterator[tuple[str, list[dict[str, str]]]]:
    for stack in cloudformation._stacks.values():
        yield stack["StackId"], stack.get("Tags", [])


def _namespace(body: bytes, parameters: Mapping[str, Any]) -> str:
    """Return it from JSON or the Query protocol: the two of CloudWatch's that ministack reads as it is installed."""
    given = parameters.get("Namespace") or _document(body).get("Namespace", "")
    return str(given[0] if isinstance(given, list) else given)


def _refuse_below_the_catalog(
    _method: str, _path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response | None:
    who = principal(headers, query)
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    for resource in _of_catalog(operation, _document(body)) if who else ():
        action = f"glue:{operation}"
        if who and who.refusal(action, resource, {}):
            return who.denied("glue", action, headers, resource)
    return None


def _of_catalog(operation: str, asked: Mapping[str, Any]) -> Iterator[str]:
    account, region = caller()
    database = asked.get("DatabaseName") or (asked.get("Name") if operation.endswith("Database") else None)
    if not isinstance(database, str):
        return
    yield f"arn:aws:glue:{region}:{account}:database/{database}"
    if "Table" in operation or "TableName" in asked:
        table = asked.get("TableName") or asked.get("Name") or "*"
        yield f"arn:aws:glue:{region}:{account}:table/{database}/{table}"


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
