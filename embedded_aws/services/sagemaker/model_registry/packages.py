"""Model packages: registered, approved or rejected, looked at together, deleted.

`Missing ARN`: aws/sagemaker-python-sdk#2696. `Both ModelPackageName and ModelPackageGroupName …`: getmoto/moto#7165,
whose author compared both with AWS. `Model Package Group does not exist.` and `Environment variable map cannot be
specified …`: scripts that register packages quote them. What a version may not have, and what only an unversioned
package must have: botocore's model of CreateModelPackage and InferenceSpecification. That Describe of a version has no
ModelPackageName, and what it fills in: SageMaker's guide, "View and Update the Details of a Model Version", and the
SageMaker SDK, which goes on by the ARN then.
An image must be one that there is, and model data must be there: CloudFormation's handlers of AWS::SageMaker::
ModelPackage ask for the permissions to look. Not compared with AWS: the sentences of these two, and of all others here;
that a ClientToken that comes again with another request is a conflict; that a version can be registered without an
InferenceSpecification, which an update gives it later; when a package can't be deleted.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import images, s3_uris
from embedded_aws.services.root_clients import RootClients
from embedded_aws.services.sagemaker.errors import CONFLICT, VALIDATION, ServiceError, validation_exception
from embedded_aws.services.sagemaker.model_registry import card_content, versions
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.resource_types.model_registry import (
    GROUP_NAME,
    LAST_VERSION,
    UPDATED_FIELDS,
    VERSION,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.store import Record

_TOKEN = "ClientToken"  # noqa: S105 - a member's name
_DIGEST = "RequestDigest"  # where a record holds what its request was, beside Describe's answer
_PROPERTIES, _REMOVED = "CustomerMetadataProperties", "CustomerMetadataPropertiesToRemove"
_ADDITIONAL, _ADDED = "AdditionalInferenceSpecifications", "AdditionalInferenceSpecificationsToAdd"
_MOST_SPECIFICATIONS = 15
_MOST_PROPERTIES = 50
_SUPPORTED = ("SupportedTransformInstanceTypes", "SupportedRealtimeInferenceInstanceTypes")


class ModelPackages(Provider):
    """The packages of the model registry."""

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._clients = RootClients(context.endpoint_url)

    @contextmanager
    def naming(
        self, resource_type: ResourceType, request: Mapping[str, Any], *, account: str, region: str
    ) -> Iterator[str]:
        """Yield the next version of the group, which nobody else takes in the block, or the unversioned name."""
        if resource_type.name_member in request and GROUP_NAME in request:
            raise validation_exception(
                "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one "
                "to use."
            )
        if GROUP_NAME not in request:
            if resource_type.name_member not in request:
                raise validation_exception("Missing ARN")
            yield request[resource_type.name_member]
            return
        group = versions.group_of(self.context.store, request, account=account, region=region)
        if group is None:
            raise validation_exception("Model Package Group does not exist.")
        with group.lock:
            if not self.context.store.alive(group):
                raise validation_exception("Model Package Group does not exist.")
            yield versions.next_name(self.context.store, group)

    def made_before(self, request: Mapping[str, Any], *, account: str, region: str) -> Record | None:
        """Return the package that a request with this ClientToken has made."""
        mine = self.context.store.all("ModelPackage", account=account, region=region)
        found = next((each for each in mine if _TOKEN in request and each.members.get(_TOKEN) == request[_TOKEN]), None)
        if found and found.members[_DIGEST] != _digest(request):
            raise ServiceError(CONFLICT, f"ClientToken {request[_TOKEN]} has made {found.arn} of another request.")
        return found

    def described(self, resource_type: ResourceType, request: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return the request's members; a version's have its group's name, its number and its approval."""
        group, _, number = name.partition("/")
        own = {
            GROUP_NAME: group,
            VERSION: int(number or 0),
            "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
        }
        members = super().described(resource_type, request, name)
        return {**members, **(own if number else {}), _DIGEST: _digest(request)}

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check what kind of package may have what, and that its images and model data are there."""
        specification = request.get("InferenceSpecification")
        if VERSION in record.members:
            if request.get("Tags"):
                raise validation_exception(
                    "Tags can't be given with ModelPackageGroupName: a version has the tags of its group."
                )
        else:
            _check_unversioned(request)
        additional = request.get(_ADDITIONAL, [])
        _check_additional(additional)
        card_content.check(request.get("ModelCard", {}).get("ModelCardContent"), card_content.OF_PACKAGES)
        for each in [*([specification] if specification else []), *additional]:
            self._check_containers(record, each["Containers"])

    def describe(self, record: Record, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the package; with MetadataOnly little of its card's content."""
        card = record.members.get("ModelCard", {})
        if request.get("IncludedData") != "MetadataOnly" or "ModelCardContent" not in card:
            return record.members
        content = card_content.metadata(card["ModelCardContent"])
        return {**record.members, "ModelCard": {**card, "ModelCardContent": content}}

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Change a version's approval, its life cycle, its metadata, or what may be given later."""
        if VERSION not in record.members:
            raise validation_exception(f"UpdateModelPackage is for versions of a model package group: {record.arn}.")
        changes = {name: value for name, value in request.items() if name not in ("ModelPackageArn", _TOKEN)}
        told = [name for name in changes if name not in (_REMOVED, _ADDED)]
        if {_PROPERTIES, _REMOVED} & changes.keys():
            told = [*dict.fromkeys([*told, _PROPERTIES])]
            changes[_PROPERTIES] = _properties(record, changes.pop(_PROPERTIES, {}), changes.pop(_REMOVED, []))
        specifications = changes.pop(_ADDED, [])
        if specifications:
            told.append(_ADDITIONAL)
            changes[_ADDITIONAL] = [*record.members.get(_ADDITIONAL, []), *specifications]
            _check_additional(changes[_ADDITIONAL])
        card_content.check(changes.get("ModelCard", {}).get("ModelCardContent"), card_content.OF_PACKAGES)
        if "ModelCard" in changes:  # one of its two members may be given alone
            changes["ModelCard"] = {**record.members.get("ModelCard", {}), **changes["ModelCard"]}
        if "InferenceSpecification" in changes:
            specifications = [*specifications, changes["InferenceSpecification"]]
        for each in specifications:
            self._check_containers(record, each["Containers"])
        self.context.store.update(record, **changes, **{UPDATED_FIELDS: told})

    def delete(self, record: Record) -> None:
        """Remove a package; its number is not given again."""
        scope = {"account": record.account, "region": record.region}
        if VERSION in record.members and (group := versions.group_of(self.context.store, record.members, **scope)):
            with group.lock:
                last = max(group.members.get(LAST_VERSION, 0), record.members[VERSION])
                self.context.store.update(group, **{LAST_VERSION: last})
        super().delete(record)

    def operate(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Answer BatchDescribeModelPackage: a summary of each version, an error for what is none."""
        del verb  # there is one
        packages = {each.arn: each for each in self.context.store.all("ModelPackage", account=account, region=region)}
        summaries: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for arn in request["ModelPackageArnList"]:
            found = packages.get(arn)
            if found and found.members.keys() >= {VERSION, "InferenceSpecification"}:
                summaries[arn] = found.members
                continue
            what = "is no version with an InferenceSpecification" if found else "does not exist"
            errors[arn] = {"ErrorCode": VALIDATION, "ErrorResponse": f"ModelPackage {arn} {what}."}
        return {"ModelPackageSummaries": summaries, "BatchDescribeModelPackageErrorMap": errors}

    def _check_containers(self, record: Record, containers: list[dict[str, Any]]) -> None:
        for container in containers:
            if image := container.get("Image"):
                try:
                    images.check_registry(image)
                except images.ImageError as error:
                    raise validation_exception(str(error)) from error
            if uri := container.get("ModelDataUrl"):
                self._check_model_data(record, uri)

    def _check_model_data(self, record: Record, uri: str) -> None:
        bucket, key = s3_uris.split(uri)
        try:
            self._clients.client("s3", record.account, record.region).head_object(Bucket=bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            raise validation_exception(f"Could not find model data at {uri}.") from error


def _check_unversioned(request: Mapping[str, Any]) -> None:
    """Raise ValidationException unless a package that is no version has what it must, and not what only those have."""
    if "ModelApprovalStatus" in request:
        raise validation_exception("ModelApprovalStatus is for versions: give ModelPackageGroupName.")
    specification = request.get("InferenceSpecification")
    missing = "" if specification else "InferenceSpecification"
    if specification:
        missing = next((name for name in _SUPPORTED if not specification.get(name)), "")
    if missing:
        raise validation_exception(f"{missing} is required for a model package without ModelPackageGroupName.")
    if any(each.get("Environment") for each in (specification or {}).get("Containers", ())):
        raise validation_exception(
            "1 validation errors detected:Environment variable map cannot be specified when using non-versioned "
            "ModelPackages"
        )


def _check_additional(specifications: list[dict[str, Any]]) -> None:
    names = [each["Name"] for each in specifications]
    if len(names) > _MOST_SPECIFICATIONS:
        raise validation_exception(f"A model package has at most {_MOST_SPECIFICATIONS} {_ADDITIONAL}.")
    if len(set(names)) != len(names):
        raise validation_exception(f"The Name of each of {_ADDITIONAL} must be unique.")


def _properties(record: Record, given: Mapping[str, str], removed: list[str]) -> dict[str, str] | None:
    """Return a version's CustomerMetadataProperties after an update, None for none."""
    all_of_them = {**record.members.get(_PROPERTIES, {}), **given}
    left = {key: value for key, value in all_of_them.items() if key not in removed}
    if len(left) > _MOST_PROPERTIES:
        raise validation_exception(f"A model package has at most {_MOST_PROPERTIES} {_PROPERTIES}.")
    return left or None


def _digest(request: Mapping[str, Any]) -> str:
    """Return what tells a request from another."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()
