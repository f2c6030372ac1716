"""CloudFormation: types of ours beside ministack's, and stacks that do with ministack's types what AWS does.

A bucket with anything in it fails its stack's deletion, as S3 refuses it; ministack deletes it with all. Buckets get
the default encryption, and topics the key, that their templates name; ministack leaves them out. IAM's resources and
macros are to be acknowledged; ministack asks for it only when it enforces policies. Conditions of templates may compare
what functions make, as the CDK's bootstrap does; ministack compares them unmade. Which functions: CloudFormation's
reference, "Condition functions", and the CDK's own templates, which join there.

A stack of a change set that nobody has executed has no tags, as localstack has it since its tests of a stack's tags,
which ran on AWS (localstack#13117).

A request that comes again with its token, from a client whose first answer got lost, is answered as it was, and does
nothing: CloudFormation's API reference, ClientToken and ClientRequestToken. ministack does it again, or refuses it.

A stack is DELETE_IN_PROGRESS when DeleteStack answers, and another DeleteStack then, a client's that got no answer to
its first, begins nothing; ministack deletes twice at the same time, and the stack comes back. Not compared with AWS:
that the second is answered as the first.

The CDK CLI asks how a stack is, and if that is still at work, again after five seconds, which nothing can set: stacks
that take one second are waited for five. So its DescribeStacks is answered here when the stack has settled, as long as
a client may be let wait. What the answer says is what it would have said then; others, who ask for what is now, are
answered now.
"""

from __future__ import annotations

import asyncio
import functools
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from ministack.services import s3, sns
from ministack.services.cloudformation import changesets, drift, engine, handlers, helpers, provisioners, stacks

from embedded_aws.patches import patching, service_handlers
from embedded_aws.services.cloudformation_types import api_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.patches.service_handlers import Handler, Response
    from embedded_aws.services.cloudformation_types import ResourceProvider

    Action = Callable[[dict[str, list[str]]], Response]
    Evaluate = Callable[[dict[str, Any], dict[str, Any]], dict[str, bool]]

_BUCKET, _TOPIC = "AWS::S3::Bucket", "AWS::SNS::Topic"
_NOT_EMPTY = "The bucket you tried to delete is not empty"  # S3's list of error codes
_FUNCTIONS = ("Fn::FindInMap", "Fn::Join", "Fn::Split", "Fn::Sub")
_CDK_CLI = "aws-cdk/"
_DELETING = "DELETE_IN_PROGRESS"
_CREATE_CHANGE_SET = "CreateChangeSet"
_WITH_TOKEN = (_CREATE_CHANGE_SET, "CreateStack", "DeleteStack", "ExecuteChangeSet", "UpdateStack")
_MOST_ANSWERED = 1000
_POLL_SECONDS = 0.1
_LONGEST_SECONDS = 20.0
_IN_PROGRESS = re.compile(rb"<StackStatus>(?!REVIEW)\w+_IN_PROGRESS</StackStatus>")

patches = patching.Patches()
_answered: dict[tuple[str, ...], Response] = {}  # by operation, stack, change set and token


def apply(types: Mapping[str, ResourceProvider]) -> None:
    """Let templates use these types, by name, and ministack's as AWS has them."""
    _add_types(types)
    wrap_type(_BUCKET, "delete", _delete_bucket)
    _after_each_change(_BUCKET, _encrypt_bucket)
    _after_each_change(_TOPIC, _encrypt_topic)
    for action in _WITH_TOKEN:
        patching.wrap_item(handlers._ACTION_HANDLERS, action, "handlers._ACTION_HANDLERS", _answering_once(action))
    service_handlers.wrap("cloudformation", _answer_the_cdk_when_settled)
    patches.apply()


def _add_types(types: Mapping[str, ResourceProvider]) -> None:
    for name, one in types.items():
        provisioners._RESOURCE_HANDLERS[name] = {"create": one.create, "update": one.update, "delete": one.delete}
        provisioners._REPLACING_PROPERTIES[name] = one.replacing
        if one.tags:
            provisioners._STACK_TAG_PROPERTY[name] = (one.tags, one.tag_form)
        if one.name:
            provisioners._CUSTOM_NAME_REPLACEMENT[name] = {"name": one.name}
        if one.read:
            drift._DRIFT_READERS[name] = (_reader(one.read), frozenset(one.reads))
    waiting = {name for name, one in types.items() if one.waits}
    blocking = patching.Patches()

    @blocking.wraps(stacks._runs_on_worker_thread)
    def _runs_on_worker_thread(original: Callable[[str], bool], resource_type: str) -> bool:
        return resource_type in waiting or original(resource_type)

    blocking.apply()


def _reader(
    read: Callable[[str], Mapping[str, Any] | None],
) -> Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]:
    return lambda physical_id, _properties: read(physical_id)


def wrap_type(kind: str, operation: str, function: Callable[..., Any]) -> None:
    """Wrap what creates, updates or deletes resources of one of ministack's types."""
    called = f"ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS[{kind!r}]"
    patching.wrap_item(provisioners._RESOURCE_HANDLERS[kind], operation, called, function)


def _delete_bucket(original: Callable[[str, Mapping[str, Any]], Any], name: str, properties: Mapping[str, Any]) -> None:
    bucket = s3._buckets.get(name)
    if bucket and (bucket["objects"] or s3._bucket_has_versions(name)):
        raise api_error("S3", status=409, code="BucketNotEmpty", message=_NOT_EMPTY)
    original(name, properties)


def _after_each_change(kind: str, then: Callable[[str, Mapping[str, Any]], None]) -> None:
    def created(
        original: Callable[..., tuple[str, Any]], logical_id: str, properties: Mapping[str, Any], stack_name: str
    ) -> tuple[str, Any]:
        name, attributes = original(logical_id, properties, stack_name)
        then(name, properties)
        return name, attributes

    def updated(
        original: Callable[..., tuple[str, Any]],
        name: str,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        stack_name: str,
        *logical_id: str,
    ) -> tuple[str, Any]:
        renamed, attributes = original(name, old, new, stack_name, *logical_id)
        then(renamed, new)
        return renamed, attributes

    wrap_type(kind, "create", created)
    wrap_type(kind, "update", updated)


def _encrypt_topic(topic: str, properties: Mapping[str, Any]) -> None:
    attributes = sns._topics[topic]["attributes"]
    attributes.pop("KmsMasterKeyId", None)
    if key := properties.get("KmsMasterKeyId"):
        attributes["KmsMasterKeyId"] = key


def _encrypt_bucket(bucket: str, properties: Mapping[str, Any]) -> None:
    """Put it as ministack keeps it, the document that PutBucketEncryption is given."""
    rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    defaults = [rule["ServerSideEncryptionByDefault"] for rule in rules if "ServerSideEncryptionByDefault" in rule]
    if not defaults:
        s3._bucket_encryption.pop(bucket, None)
        return
    members = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in defaults[0].items())
    with_key = str(rules[0].get("BucketKeyEnabled", False)).lower()
    s3._bucket_encryption[bucket] = (
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
        f"{members}</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>{with_key}</BucketKeyEnabled></Rule>"
        "</ServerSideEncryptionConfiguration>"
    )


@patches.replaces(handlers._capabilities_enforced)
def _capabilities_enforced() -> bool:
    return True


@patches.wraps(engine._evaluate_conditions, changesets, engine, handlers, stacks)
def _evaluate_conditions(original: Evaluate, template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
    """Let functions in conditions be carried out first."""
    conditions = _resolved(template.get("Conditions", {}), params, template.get("Mappings", {}))
    return original({**template, "Conditions": conditions}, params)


def _resolved(value: Any, params: dict[str, Any], mappings: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_resolved(each, params, mappings) for each in value]
    if not isinstance(value, dict):
        return value
    if any(name in value for name in _FUNCTIONS):
        return engine._resolve_refs(value, {}, params, {}, mappings, "", "")
    return {name: _resolved(each, params, mappings) for name, each in value.items()}


def _answering_once(action: str) -> Callable[[Action, dict[str, list[str]]], Response]:
    """Return what answers an action, as it is patched, once for each token."""
    patched = {_CREATE_CHANGE_SET: _create_change_set, "DeleteStack": _delete_stack}.get(action)

    def answered(original: Action, params: dict[str, list[str]]) -> Response:
        return _answer_once(functools.partial(patched, original) if patched else original, params)

    return answered


def _answer_once(original: Action, params: dict[str, list[str]]) -> Response:
    token = "".join([*params.get("ClientToken", ()), *params.get("ClientRequestToken", ())])
    known = _p(params, "Action"), _p(params, "StackName"), _p(params, "ChangeSetName"), token
    if token and known in _answered:
        return _answered[known]
    response = original(params)
    if token and response[0] == HTTPStatus.OK:
        _answered[known] = response
        while len(_answered) > _MOST_ANSWERED:
            del _answered[next(iter(_answered))]
    return response


def _p(params: dict[str, list[str]], name: str) -> str:
    return "".join(params.get(name, ()))


def _create_change_set(original: Action, params: dict[str, list[str]]) -> Response:
    response = original(params)
    stack = handlers._resolve_stack(_p(params, "StackName"))
    if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
        stack["Tags"] = []
    return response


def _delete_stack(original: Action, params: dict[str, list[str]]) -> Response:
    stack = handlers._resolve_stack(_p(params, "StackName"))
    if stack and stack["StackStatus"] == _DELETING and not any(each.startswith("RetainResources") for each in params):
        return helpers._xml(200, "DeleteStackResponse", "")
    response = original(params)
    if stack and response[0] == HTTPStatus.OK and stack["StackStatus"] != "DELETE_COMPLETE":
        stack["StackStatus"] = _DELETING
    return response


async def _answer_the_cdk_when_settled(
    answer: Handler, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response:
    latest = time.monotonic() + (_LONGEST_SECONDS if _waits_for_a_stack(headers, body) else 0)
    while True:
        response = await answer(method, path, headers, body, query)
        if time.monotonic() >= latest or not _IN_PROGRESS.search(response[2]):
            return response
        await asyncio.sleep(_POLL_SECONDS)


def _waits_for_a_stack(headers: dict[str, str], body: bytes) -> bool:
    """Tell whether a request is the CDK CLI's, about one stack."""
    agents = [value for name, value in headers.items() if name.lower() in ("user-agent", "x-amz-user-agent")]
    if not any(_CDK_CLI in agent for agent in agents):
        return False
    asked = parse_qs(body.decode(errors="replace"))
    return asked.get("Action") == ["DescribeStacks"] and "StackName" in asked
