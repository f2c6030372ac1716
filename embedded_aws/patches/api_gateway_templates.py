"""REST APIs in templates: their requests are validated, and their stages have access logs.

ministack 1.5.33 makes no request validator of a template's, tells no method of it, and leaves out a stage's access log.

Sources. Validators: the resource reference of CloudFormation, AWS::ApiGateway::RequestValidator (what is replaced, what
Ref returns) and AWS::ApiGateway::Method, RequestValidatorId. A stage with an access log needs the account's role: API
Gateway's guide, "Set up CloudWatch logging for REST APIs"; the sentence is what users quote, for CloudFormation in
aws-samples/amazon-bedrock-knowledgebase-slackbot#6.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.services import apigateway_v1 as rest
from ministack.services.cloudformation import provisioners

from embedded_aws.patches import patching
from embedded_aws.services.cloudformation_types import api_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Properties = Mapping[str, Any]
    Made = tuple[str, dict[str, Any]]

_API = "ApiGateway"
_NO_ROLE = "CloudWatch Logs role ARN must be set in account settings to enable logging"
_FLAGS = {"ValidateRequestBody": "validateRequestBody", "ValidateRequestParameters": "validateRequestParameters"}


def apply() -> None:
    """Let CloudFormation make them so."""
    wrappers: dict[str, dict[str, Callable[..., Any]]] = {
        "AWS::ApiGateway::RequestValidator": {
            "create": _create_validator,
            "update": _update_validator,
            "delete": _delete_validator,
        },
        "AWS::ApiGateway::Method": {"create": _create_method, "update": _update_method},
        "AWS::ApiGateway::Stage": {"create": _create_stage, "update": _update_stage},
    }
    for kind, operations in wrappers.items():
        called = f"ministack.services.cloudformation.provisioners._RESOURCE_HANDLERS[{kind!r}]"
        for operation, wrapper in operations.items():
            patching.wrap_item(provisioners._RESOURCE_HANDLERS[kind], operation, called, wrapper)


def _create_validator(
    _original: Callable[..., Made], _logical_id: str, properties: Properties, _stack_name: str
) -> Made:
    flags = {member: _is_true(properties.get(name)) for name, member in _FLAGS.items()}
    asked = {"name": properties.get("Name", ""), **flags}
    status, _, body = rest._create_request_validator(properties["RestApiId"], asked)
    answer = json.loads(body)
    if status >= HTTPStatus.BAD_REQUEST:
        raise api_error(_API, status=status, code=answer["__type"], message=answer["message"])
    return answer["id"], {"RequestValidatorId": answer["id"]}


def _update_validator(
    original: Callable[..., Made], validator: str, old: Properties, new: Properties, stack_name: str
) -> Made:
    if any(new.get(name) != old.get(name) for name in ("RestApiId", "Name")):
        made = _create_validator(original, validator, new, stack_name)
        rest._delete_request_validator(old["RestApiId"], validator)
        return made
    operations = [
        {"op": "replace", "path": f"/{member}", "value": str(_is_true(new.get(name)))}
        for name, member in _FLAGS.items()
    ]
    rest._update_request_validator(new["RestApiId"], validator, {"patchOperations": operations})
    return validator, {"RequestValidatorId": validator}


def _delete_validator(_original: Callable[..., None], validator: str, properties: Properties) -> None:
    rest._delete_request_validator(properties["RestApiId"], validator)  # which may have gone with its API


def _create_method(original: Callable[..., Made], logical_id: str, properties: Properties, stack_name: str) -> Made:
    made = original(logical_id, properties, stack_name)
    _validate(properties)
    return made


def _update_method(
    original: Callable[..., Made], method: str, old: Properties, new: Properties, stack_name: str
) -> Made:
    made = original(method, old, new, stack_name)
    _validate(new)
    return made


def _validate(properties: Properties) -> None:
    """Let a method's requests be validated by what its properties name."""
    methods = rest._resources[properties["RestApiId"]][properties["ResourceId"]]["resourceMethods"]
    methods[properties["HttpMethod"]]["requestValidatorId"] = properties.get("RequestValidatorId")


def _create_stage(original: Callable[..., Made], logical_id: str, properties: Properties, stack_name: str) -> Made:
    settings = _access_log(properties)
    name, attributes = original(logical_id, properties, stack_name)
    rest._stages_v1[properties["RestApiId"]][name]["accessLogSettings"] = settings
    return name, attributes


def _update_stage(original: Callable[..., Made], name: str, old: Properties, new: Properties, stack_name: str) -> Made:
    settings = _access_log(new)
    name, attributes = original(name, old, new, stack_name)
    rest._stages_v1[new["RestApiId"]][name]["accessLogSettings"] = settings
    return name, attributes


def _access_log(properties: Properties) -> dict[str, str]:
    """Return a stage's access log as the API has it. Raises ProvisioningError where no role may write it."""
    wanted = properties.get("AccessLogSetting") or {}
    if wanted and not (rest._account_settings.get("settings") or {}).get("cloudwatchRoleArn"):
        raise api_error(_API, status=HTTPStatus.BAD_REQUEST, code="BadRequestException", message=_NO_ROLE)
    members = {"DestinationArn": "destinationArn", "Format": "format"}
    return {member: str(wanted[name]) for name, member in members.items() if name in wanted}


def _is_true(value: Any) -> bool:
    """Read a property that a template may write as a truth value, or as the word."""
    return str(value).lower() == "true"
