"""CloudFormation's types of the model registry, whose properties are not all members of a Create request.

Sources: the resource schemas that cfn-lint ships (what replaces, what Fn::GetAtt gives, the primary identifier that Ref
is: a card's is its name); AWS's own handlers of AWS::SageMaker::ModelPackageGroup, which put its policy after its
creation. Not compared with AWS: that a version's template tags are added to it once it is there; which changes of a
package's properties that the API can't make are refused; that a change of a card's content and status together is made
of two updates.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.services.cloudformation_types import ProvisioningError
from embedded_aws.services.sagemaker import api
from embedded_aws.services.sagemaker.cloudformation_handlers import Handlers, split_tags
from embedded_aws.services.sagemaker.resource_types.model_registry import GROUP_NAME

if TYPE_CHECKING:
    from embedded_aws.services.cloudformation_types import Answer, Properties
    from embedded_aws.services.sagemaker.store import Record

_POLICY = "ModelPackageGroupPolicy"
_AFTERWARDS = ("ApprovalDescription", "AdditionalInferenceSpecificationsToAdd")
_PROPERTIES = "CustomerMetadataProperties"
_FREE_NAMES = ("CustomDetails", "Metadata")  # objects of a card whose names are the user's


@dataclass(frozen=True)
class GroupHandlers(Handlers):
    """Groups, with their policies."""

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Answer:
        """Create the group and put its policy."""
        own, policy = _without(properties, _POLICY)
        answer = super().create(logical_id, own, stack_name)
        if policy:
            try:
                self._put_policy(answer[0], policy)
            except ProvisioningError:
                self.delete(answer[0], properties)
                raise
        return answer

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Answer:
        """Change tags and policy, all that a group has to change."""
        del stack_name
        record = self._existing(physical_id)
        before, after = old.get(_POLICY), new.get(_POLICY)
        if after and after != before:
            self._put_policy(physical_id, after)
        elif before and not after:
            self._call_operation("DeleteModelPackageGroupPolicy", {GROUP_NAME: record.name})
        self._retag(record, old, new)
        return self._answer(record)

    def _put_policy(self, physical_id: str, policy: Any) -> None:
        text = policy if isinstance(policy, str) else json.dumps(policy)
        name = self._existing(physical_id).name
        self._call_operation("PutModelPackageGroupPolicy", {GROUP_NAME: name, "ResourcePolicy": text})

    def _attributes(self, record: Record) -> dict[str, str]:
        return {
            "ModelPackageGroupArn": record.arn,
            "ModelPackageGroupStatus": record.status,
            "CreationTime": record.members["CreationTime"].isoformat(),
        }


@dataclass(frozen=True)
class PackageHandlers(Handlers):
    """Packages: versions in groups, or unversioned."""

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Answer:
        """Register the package, then say what only an update can."""
        del logical_id, stack_name  # it has a number or the name that it is given
        own, system = split_tags(properties)
        given = {name: value for name, value in properties.items() if name not in (*_AFTERWARDS, "Tags")}
        later = {name: properties[name] for name in _AFTERWARDS if name in properties}
        request = {**self._typed(given), **({} if GROUP_NAME in given else {"Tags": own})}
        arn = self._call_operation("CreateModelPackage", request, system)["ModelPackageArn"]
        try:
            if later:
                self._call_operation("UpdateModelPackage", {"ModelPackageArn": arn, **self._typed(later)})
            if own and GROUP_NAME in given:
                self._call_operation("AddTags", {"ResourceArn": arn, "Tags": own})
        except ProvisioningError:
            self.delete(arn, properties)
            raise
        return self._answer(self._existing(arn))

    def _change(self, record: Record, members: dict[str, Any], changed: set[str]) -> None:
        fixed = sorted(changed - api.input_members("UpdateModelPackage").keys())
        if fixed:
            raise ProvisioningError(f"{fixed[0]} of {record.arn} can't be changed: register another version.")
        request = {name: members[name] for name in members.keys() & changed}
        if _PROPERTIES in changed:
            before, after = record.members.get(_PROPERTIES, {}), members.get(_PROPERTIES, {})
            request["CustomerMetadataPropertiesToRemove"] = [key for key in before if key not in after]
        self._call_operation("UpdateModelPackage", {"ModelPackageArn": record.arn, **request})

    def _attributes(self, record: Record) -> dict[str, str]:
        return {
            "ModelPackageArn": record.arn,
            "ModelPackageStatus": record.status,
            "CreationTime": record.members["CreationTime"].isoformat(),
            "LastModifiedTime": record.members["LastModifiedTime"].isoformat(),
        }


@dataclass(frozen=True)
class CardHandlers(Handlers):
    """Cards, whose content a template writes as objects."""

    def create(self, logical_id: str, properties: Properties, stack_name: str) -> Answer:
        """Create the card."""
        return super().create(logical_id, _with_document(properties), stack_name)

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Answer:
        """Change content, status and tags."""
        return super().update(physical_id, _with_document(old), _with_document(new), stack_name)

    def _change(self, record: Record, members: dict[str, Any], changed: set[str]) -> None:
        # Out of the archive before its content changes, and into it afterwards.
        order = ("ModelCardStatus", "Content") if record.status == "Archived" else ("Content", "ModelCardStatus")
        for name in order:
            if name in changed:
                self._call_operation("UpdateModelCard", {"ModelCardName": record.name, name: members[name]})

    def _find(self, physical_id: str) -> Record | None:
        account, region = self.service.caller()
        return self.service.context.store.find("ModelCard", physical_id, account=account, region=region)

    def physical_id(self, record: Record) -> str:
        """Return the name."""
        return record.name

    def _attributes(self, record: Record) -> dict[str, str]:
        return {
            "ModelCardArn": record.arn,
            "ModelCardVersion": str(record.members["ModelCardVersion"]),
            "CreationTime": record.members["CreationTime"].isoformat(),
            "LastModifiedTime": record.members["LastModifiedTime"].isoformat(),
        }


def _without(properties: Properties, name: str) -> tuple[Properties, Any]:
    return {key: value for key, value in properties.items() if key != name}, properties.get(name)


def _with_document(properties: Properties) -> Properties:
    if "Content" not in properties:
        return properties
    return {**properties, "Content": json.dumps(_document(properties["Content"]))}


def _document(value: Any) -> Any:
    """Return a value of a template as a card's schema has it: ModelOverview becomes model_overview."""
    if isinstance(value, list):
        return [_document(each) for each in value]
    if isinstance(value, dict):
        return {_schema_name(name): each if name in _FREE_NAMES else _document(each) for name, each in value.items()}
    return value


def _schema_name(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
