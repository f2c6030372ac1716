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
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions
from ministack.services import athena, cloudformation, tagging

from embedded_aws.patches import service_handlers
from embedded_aws.patches.iam_principals import caller, principal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from embedded_aws.patches.service_handlers import Response

_OF_A_GROUP = ("TagResource", "UntagResource", "ListTagsForResource")


def ask_as_aws_does() -> None:
    """Let requests be judged by the resources and condition keys that AWS judges them by."""
    name, tell = iam_actions.extract_resource_arn, iam_actions.request_tag_context

    def named(service: str, *request: Any) -> str:
        arn = str(name(service, *request))
        return _RESOURCES[service](arn, *request) if service in _RESOURCES else arn

    def told(service: str, action: str, body: bytes, parameters: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(tell(service, action, body, parameters))
        if action == "cloudwatch:PutMetricData":
            found["cloudwatch:namespace"] = _namespace(body, parameters)
        return found

    iam_actions.extract_resource_arn = named
    iam_actions.request_tag_context = told
    tagging._RESOURCE_TAG_COLLECTORS["cloudformation"] = _stacks_with_tags
    service_handlers.before("glue", _below_the_catalog)


def _log_stream(arn: str, _method: str, _path: str, headers: Mapping[str, str], body: bytes, *request: Any) -> str:
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if action in _OF_A_GROUP:
        return arn
    asked, (_, region, account) = _document(body), request
    there = f"arn:aws:logs:{region}:{account}:log-group:{asked.get('logGroupName', '')}"
    return f"{there}:log-stream:{asked.get('logStreamName', '')}"


def _workgroup(arn: str, _method: str, _path: str, _headers: Any, body: bytes, *request: Any) -> str:
    asked = _document(body)
    identity = asked.get("QueryExecutionId") or next(iter(asked.get("QueryExecutionIds", ())), None)
    execution = athena._executions.get(identity) if identity else None
    _, region, account = request
    return f"arn:aws:athena:{region}:{account}:workgroup/{execution['WorkGroup']}" if execution else arn


def _catalog(_arn: str, *request: Any) -> str:
    *_, region, account = request
    return f"arn:aws:glue:{region}:{account}:catalog"


def _stack(arn: str, *_request: Any) -> str:
    """The stack's own ARN in the place of one that ends with `/*`, so that its tags are found by it."""
    stack = cloudformation._stacks.get(arn.partition(":stack/")[2].partition("/")[0])
    return str(stack["StackId"]) if stack else arn


def _parameter(arn: str, _method: str, _path: str, headers: Mapping[str, str], body: bytes, *request: Any) -> str:
    if not headers.get("x-amz-target", "").endswith(".GetParametersByPath"):
        return arn
    _, region, account = request
    return f"arn:aws:ssm:{region}:{account}:parameter/{_document(body).get('Path', '').strip('/')}"


_RESOURCES: Mapping[str, Callable[..., str]] = {
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
    """In JSON or in the Query protocol, the two of CloudWatch's protocols that ministack reads as it is installed."""
    given = parameters.get("Namespace") or _document(body).get("Namespace", "")
    return str(given[0] if isinstance(given, list) else given)


def _below_the_catalog(
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
