"""CloudFormation's types of SageMaker: every property goes through the same call as an API request would.

Sources: CloudFormation's resource reference (Ref is the ARN of each of these types, Fn::GetAtt gives the name) and the
resource schemas that cfn-lint ships (create-only properties). An ARN where a name is wanted is refused: the API's
pattern does it. A resource that fails to settle is deleted again, which is what a rollback does on AWS.
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator.sagemaker import api, tags
from emulator.sagemaker.errors import ServiceError
from emulator.sagemaker.kinds import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import Shape

    from emulator.sagemaker.service import SageMaker
    from emulator.sagemaker.store import Record

    Properties = Mapping[str, Any]
    Answer = tuple[str, dict[str, str]]

_PREFIX = "AWS::SageMaker::"
_NAME_LENGTH = 63
_SUFFIX_LENGTH = 12
_POLL_SECONDS = 0.05
_PASSING = ("Pending", "Updating", "Stopping", "Creating", "SystemUpdating", "RollingBack", "Deleting")

_REPLACING: dict[str, tuple[str, ...]] = {
    "Model": (
        "ModelName",
        "PrimaryContainer",
        "Containers",
        "InferenceExecutionConfig",
        "ExecutionRoleArn",
        "VpcConfig",
        "EnableNetworkIsolation",
    ),
    "EndpointConfig": (
        "EndpointConfigName",
        "ProductionVariants",
        "ShadowProductionVariants",
        "DataCaptureConfig",
        "KmsKeyId",
        "AsyncInferenceConfig",
        "ExplainerConfig",
        "ExecutionRoleArn",
        "VpcConfig",
        "EnableNetworkIsolation",
        "MetricsConfig",
    ),
    "Endpoint": ("EndpointName",),
    "NotebookInstance": (
        "NotebookInstanceName",
        "DirectInternetAccess",
        "KmsKeyId",
        "PlatformIdentifier",
        "SecurityGroupIds",
        "SubnetId",
    ),
    "NotebookInstanceLifecycleConfig": ("NotebookInstanceLifecycleConfigName",),
}
REPLACING = {f"{_PREFIX}{kind}": properties for kind, properties in _REPLACING.items()}
NAMES = {f"{_PREFIX}{kind}": KINDS[kind].name_member for kind in _REPLACING}
# What UpdateX is told when a template no longer has a property.
_TAKEN_AWAY: dict[str, tuple[str, Any]] = {
    "LifecycleConfigName": ("DisassociateLifecycleConfig", True),
    "AcceleratorTypes": ("DisassociateAcceleratorTypes", True),
    "DefaultCodeRepository": ("DisassociateDefaultCodeRepository", True),
    "AdditionalCodeRepositories": ("DisassociateAdditionalCodeRepositories", True),
    "OnCreate": ("OnCreate", []),
    "OnStart": ("OnStart", []),
}


def resource_types(service: SageMaker) -> dict[str, dict[str, Callable[..., Any]]]:
    """The provisioners by type. They block until the resource has settled: never call them on the event loop."""
    provisioners = {kind: _Provisioner(service, KINDS[kind]) for kind in _REPLACING}
    return {
        f"{_PREFIX}{kind}": {"create": one.create, "update": one.update, "delete": one.delete}
        for kind, one in provisioners.items()
    }


class ProvisioningError(RuntimeError):
    """Why a resource was not made as the template says; CloudFormation shows it as the resource's status reason."""


@dataclass(frozen=True)
class _Provisioner:
    service: SageMaker
    kind: Kind

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Answer:
        """Create the resource and wait for it; without a name it gets logical id and a random suffix, as on AWS."""
        del stack_name  # AWS leaves it out of these types' names too
        name = properties.get(self.kind.name_member) or _generated_name(logical_id)
        own, system = _split_tags(properties)
        members = self._typed({**properties, self.kind.name_member: name, "Tags": own})
        taken = api.input_members(self.kind.operation("Create"))
        self._call("Create", {member: value for member, value in members.items() if member in taken})
        record = self._record(name)
        self.service.context.store.tag(record, system)
        if self._settled(record) == "Failed":
            self.delete(record.arn, properties)
            raise ProvisioningError(str(record.members.get("FailureReason", f"{record.arn} failed.")))
        return self._answer(record)

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Answer:
        """Change in place what can be (the caller replaces for the rest) and wait for it."""
        del stack_name
        record = self._existing(physical_id)
        changed = {name for name in {*old, *new} - {"Tags"} if old.get(name) != new.get(name)}
        if changed:
            self._change(record, self._typed(new), changed)
        self._retag(record, old, new)
        return self._answer(record)

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Delete the resource and wait until it is gone; one that is gone already is fine."""
        del properties
        record = self._find(physical_id)
        if record is None:
            return
        if self._settled(record) == "InService" and "Stop" in self.kind.verbs:
            self._call("Stop", {self.kind.name_member: record.name})
            self._settled(record)
        if self.service.context.store.alive(record):
            self._call("Delete", {self.kind.name_member: record.name})
        while self.service.context.store.alive(record):
            self._wait(record)

    def _change(self, record: Record, members: dict[str, Any], changed: set[str]) -> None:
        request = {self.kind.name_member: record.name}
        taken = api.input_members(self.kind.operation("Update"))
        # An endpoint's update needs its configuration whichever property changed.
        given = taken.keys() & (members.keys() if self.kind.name == "Endpoint" else members.keys() & changed)
        request |= {member: members[member] for member in given}
        request |= dict(_TAKEN_AWAY[name] for name in changed - members.keys() if name in _TAKEN_AWAY)
        running = self._settled(record) == "InService" and "Stop" in self.kind.verbs
        if running:
            self._call("Stop", {self.kind.name_member: record.name})
            self._settled(record)
        try:
            self._call("Update", request)
            status = self._settled(record)
        finally:
            if running:
                self._call("Start", {self.kind.name_member: record.name})
                status = self._settled(record)
        asked = members.get("EndpointConfigName")
        if status == "Failed" or (asked and record.members.get("EndpointConfigName") != asked):
            reason = record.members.get("FailureReason", f"{record.arn} still is as it was before.")
            raise ProvisioningError(str(reason))

    def _retag(self, record: Record, old: Properties, new: Properties) -> None:
        (was, _), (becomes, system) = _split_tags(old), _split_tags(new)
        keys = {tag["Key"] for tag in becomes}
        gone = [tag["Key"] for tag in was if tag["Key"] not in keys]
        if becomes and becomes != was:
            self._tag_call("AddTags", {"ResourceArn": record.arn, "Tags": becomes})
        if gone:
            self._tag_call("DeleteTags", {"ResourceArn": record.arn, "TagKeys": gone})
        self.service.context.store.tag(record, system)

    def _typed(self, properties: Properties) -> dict[str, Any]:
        """The properties with the types that the API wants. Raises ProvisioningError for one it does not have."""
        shapes: dict[str, Shape] = {}
        for verb in ("Update", "Create"):
            if verb in self.kind.verbs:
                shapes |= api.input_members(self.kind.operation(verb))
        unknown = sorted(properties.keys() - shapes.keys())
        if unknown:
            raise ProvisioningError(f"Properties validation failed: #: extraneous key [{unknown[0]}] is not permitted")
        return {name: _typed(shapes[name], value, f"#/{name}") for name, value in properties.items()}

    def _call(self, verb: str, request: dict[str, Any]) -> None:
        self._tag_call(self.kind.operation(verb), request)

    def _tag_call(self, operation: str, request: dict[str, Any]) -> None:
        account, region = self.service.caller()
        try:
            self.service.call(operation, request, account=account, region=region)
        except ServiceError as error:
            detail = f"Service: SageMaker, Status Code: {error.status}, Error Code: {error.code}"
            raise ProvisioningError(f"{error.message} ({detail})") from error

    def _record(self, name: str) -> Record:
        account, region = self.service.caller()
        return self.service.context.store.get(self.kind.name, name, account=account, region=region)

    def _find(self, physical_id: str) -> Record | None:
        account, region = self.service.caller()
        return self.service.context.store.find_arn(physical_id, account=account, region=region)

    def _existing(self, physical_id: str) -> Record:
        record = self._find(physical_id)
        if record is None:
            raise ProvisioningError(f"{physical_id} is gone: somebody deleted it outside of CloudFormation.")
        return record

    def _settled(self, record: Record) -> str:
        """Wait until the state is one that lasts; it, or "" for a kind without states."""
        if self.kind.status is None:
            return ""
        while record.status in _PASSING and self.service.context.store.alive(record):
            self._wait(record)
        return record.status

    def _wait(self, record: Record) -> None:
        if not self.service.context.clock.sleep(_POLL_SECONDS):
            raise ProvisioningError(f"The embedded AWS ended while {record.arn} was {record.status}.")

    def _answer(self, record: Record) -> Answer:
        return record.arn, {self.kind.name_member: record.name, self.kind.arn_member: record.arn}


def _generated_name(logical_id: str) -> str:
    suffix = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(_SUFFIX_LENGTH))
    return f"{logical_id[: _NAME_LENGTH - _SUFFIX_LENGTH - 1]}-{suffix}"


def _split_tags(properties: Properties) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The template's and the stack's tags as a request has them, and those that only AWS may set."""
    given: list[dict[str, str]] = properties.get("Tags") or []
    own = [tag for tag in given if not tag["Key"].startswith(tags.SYSTEM)]
    return own, {tag["Key"]: tag["Value"] for tag in given if tag["Key"].startswith(tags.SYSTEM)}


def _typed(shape: Shape, value: Any, path: str) -> Any:
    """A template's value as the API's type: templates write numbers and booleans as strings too, and parameters do."""
    match shape.type_name, value:
        case "structure", dict():
            members = shape.members  # type: ignore[attr-defined]  # botocore: only StructureShape has them
            unknown = sorted(value.keys() - members.keys())
            if unknown:
                message = f"Properties validation failed: {path}: extraneous key [{unknown[0]}] is not permitted"
                raise ProvisioningError(message)
            return {name: _typed(members[name], item, f"{path}/{name}") for name, item in value.items()}
        case "list", list():
            return [_typed(shape.member, item, f"{path}/{n}") for n, item in enumerate(value)]  # type: ignore[attr-defined]  # ListShape
        case "map", dict():
            return {key: _typed(shape.value, item, f"{path}/{key}") for key, item in value.items()}  # type: ignore[attr-defined]  # MapShape
        case _:
            return _typed_scalar(shape.type_name, value)


def _typed_scalar(type_name: str, value: Any) -> Any:
    """The value as that type, or as it is if it cannot be: the API then refuses it."""
    match type_name, value:
        case "boolean", "true" | "false":
            return value == "true"
        case "integer" | "long", str() if value.lstrip("-").isdigit():
            return int(value)
        case "float" | "double", str() if value.replace(".", "", 1).isdigit():
            return float(value)
        case "string", bool() | int() | float():
            return json.dumps(value)
        case _:
            return value
