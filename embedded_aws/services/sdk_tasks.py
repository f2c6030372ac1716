"""Tasks of Step Functions that call AWS's API: `arn:aws:states:::aws-sdk:ssm:putParameter`, say, and `sns:publish`.

Each is a call over the port, as the state machine's role where policies are enforced. Names are those of the AWS SDK
for Java's second version, as Step Functions has them: of members, and of errors, which end with Exception. An error
that the service's model does not have is the service's own, such as CloudFormation.CloudFormationException.
Sources: Step Functions' guide, "Learning to use AWS service SDK integrations" (names, and that the answer to
GetObject has the object as text in Body) and "Service quotas" (256 KiB between states); the SDK's code generator,
DefaultNamingStrategy.getExceptionName; Ssm.ParameterNotFoundException with its cause, "Service returned error code
ParameterNotFound (Service: Ssm, Status Code: 400, Request ID: …)", in a user's test of a real account. Not compared
with AWS: how times are written (here ISO 8601), and the names of errors of `sns:publish` (here as the SDK's).
"""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.response import StreamingBody

from embedded_aws.runtime.credentials import Role
from embedded_aws.services.task_integrations import Task, TaskError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import ServiceModel, Shape

SERVICES = {
    "cloudformation": ("cloudformation", "CloudFormation"),
    "s3": ("s3", "S3"),
    "sagemaker": ("sagemaker", "SageMaker"),
    "sfn": ("stepfunctions", "Sfn"),
    "ssm": ("ssm", "Ssm"),
}
"""Step Functions' names of the services that are asked so: boto3's name, and what errors begin with."""

PUBLISH = "sns:publish"
"""The integration that is optimized for SNS: it takes a message that is an object, too, and writes it as JSON."""

_SERVICES = {**SERVICES, PUBLISH: ("sns", "SNS")}

_MOST_BYTES = 256 * 1024  # of what goes from state to state
_ACRONYM = re.compile(r"[A-Z]+(?=[A-Z][a-z]|[0-9]|$)")


class SdkTask:
    """Calls one service; `client` gives the boto3 client of a service for a task."""

    def __init__(self, name: str, client: Callable[[str, Task], Any]) -> None:
        self._service, self._prefix = _SERVICES[name]
        self._client = client

    def __call__(self, task: Task) -> dict[str, Any]:
        """Return the answer. Raises TaskError."""
        client = self._client(self._service, task)
        model: ServiceModel = client.meta.service_model
        operation = f"{task.action[:1].upper()}{task.action[1:]}"
        if operation not in model.operation_names:
            raise TaskError("States.Runtime", f"The resource provided {task.resource} is not recognized.")
        shape = model.operation_model(operation).input_shape
        try:
            asked = _to_api(_with_text(task.parameters), shape) if shape else {}
            answer = getattr(client, xform_name(operation))(**asked)
        except ClientError as error:
            raise self._refused(error, model) from error
        except ParamValidationError as error:
            raise TaskError("States.Runtime", str(error)) from error
        except BotoCoreError as error:
            raise TaskError(f"{self._prefix}.SdkClientException", str(error)) from error
        answer.pop("ResponseMetadata", None)
        told = _to_step_functions(answer)
        if len(json.dumps(told).encode()) > _MOST_BYTES:
            raise TaskError(
                "States.DataLimitExceeded",
                f"The state/task '{task.resource}' returned a result with a size exceeding the maximum number of bytes "
                "service limit.",
            )
        return dict(told)

    def _refused(self, error: ClientError, model: ServiceModel) -> TaskError:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        about = error.response.get("ResponseMetadata", {})
        status, request = about.get("HTTPStatusCode", 400), about.get("RequestId", "")
        known = {each.metadata.get("error", {}).get("code", each.name): each.name for each in model.error_shapes}
        name = _exception(known[code]) if code in known else f"{self._prefix}Exception"
        said = message or f"Service returned error code {code}"
        about_it = f"(Service: {self._prefix}, Status Code: {status}, Request ID: {request})"
        return TaskError(f"{self._prefix}.{name}", f"{said} {about_it}")


class RoleClients:
    """Clients that act as the roles of state machines; each is made once."""

    def __init__(self, endpoint_url: str, caller: Callable[[], tuple[str, str]]) -> None:
        self._endpoint_url, self._caller = endpoint_url, caller
        self._roles: dict[tuple[str, str], Role] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def __call__(self, service: str, task: Task) -> Any:
        """Return the client for a service that acts as the role of the task's state machine."""
        account, region = self._caller()
        with self._lock:
            role = self._roles.setdefault(
                (task.role, region), Role(task.role, account=account, region=region, endpoint_url=self._endpoint_url)
            )
            key = (service, task.role, region)
            if key not in self._clients:
                self._clients[key] = role.client(service)
            return self._clients[key]


def _exception(name: str) -> str:
    base = name.removesuffix("Fault")
    return base if base.endswith("Exception") else f"{base}Exception"


def _to_api(value: Any, shape: Shape) -> Any:
    """Return the parameters with the API's names, which differ in the case of letters."""
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {name.lower(): (name, member) for name, member in shape.members.items()}  # type: ignore[attr-defined]
        found = {name: members.get(name.lower()) for name in value}
        return {
            (known[0] if known else name): _to_api(value[name], known[1]) if known else value[name]
            for name, known in found.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_to_api(each, shape.member) for each in value]  # type: ignore[attr-defined]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: _to_api(each, shape.value) for name, each in value.items()}  # type: ignore[attr-defined]
    return value


def _with_text(parameters: dict[str, Any]) -> dict[str, Any]:
    message = parameters.get("Message")
    return {**parameters, "Message": json.dumps(message)} if isinstance(message, dict | list) else parameters


def _to_step_functions(value: Any) -> Any:
    match value:
        case dict():
            return {_ACRONYM.sub(_lowered, _capital(name)): _to_step_functions(each) for name, each in value.items()}
        case list():
            return [_to_step_functions(each) for each in value]
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case StreamingBody():
            return value.read().decode(errors="replace")
        case bytes():
            return value.decode(errors="replace")
        case _:
            return value


def _capital(name: str) -> str:
    return f"{name[:1].upper()}{name[1:]}"


def _lowered(found: re.Match[str]) -> str:
    return found[0].capitalize()
