"""What a model's container stands for that names a model package: the package's containers, if it may be deployed.

For versions ModelApprovalStatus "must be set to Approved to deploy the model" (botocore's model of CreateModelPackage).
Not compared with AWS: the sentences; that CreateModel refuses what is not approved, and not CreateEndpoint; that a
container which names a package may add to its environment, and have nothing else of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from embedded_aws.services.sagemaker.resource_types.model_registry import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.store import Record, Store

_NAME, _SPECIFICATION = "ModelPackageName", "InferenceSpecificationName"
_TAKEN = ("Image", "ModelDataUrl", "Environment", "ContainerHostname")
_OWN = (_NAME, _SPECIFICATION, "Environment", "ContainerHostname", "Mode")


def packaged(store: Store, model: Record, container: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what serves for a container of a model: itself, or those of the package that it names.

    Raises ValidationException for a package that can't be deployed.
    """
    if _NAME not in container:
        if _SPECIFICATION in container:
            raise validation_exception(f"{_SPECIFICATION} is for a container with {_NAME}.")
        return [container]
    if others := [name for name in container if name not in _OWN]:
        raise validation_exception(f"A container with {_NAME} has its package's {others[0]}: leave that out.")
    if container.get("Mode", "SingleModel") != "SingleModel":
        raise validation_exception(f"A container with {_NAME} has the Mode SingleModel.")
    package = _package(store, model, container)
    found = _containers(package, container.get(_SPECIFICATION))
    own = container.get("Environment", {})
    hostname = {"ContainerHostname": container["ContainerHostname"]} if "ContainerHostname" in container else {}
    if hostname and len(found) > 1:
        raise validation_exception(f"{package.arn} has {len(found)} containers: leave ContainerHostname out.")
    return [
        {
            "Mode": "SingleModel",
            **{name: each[name] for name in _TAKEN if name in each},
            **({"Environment": environment} if (environment := {**each.get("Environment", {}), **own}) else {}),
            **hostname,
        }
        for each in found
    ]


def _package(store: Store, model: Record, container: Mapping[str, Any]) -> Record:
    resource_type, scope = RESOURCE_TYPES["ModelPackage"], {"account": model.account, "region": model.region}
    arn = resource_type.arn_of(container, **scope)
    package = store.find_arn(arn.lower(), **scope)
    if package is None:
        raise resource_type.not_found_arn(arn, resource_type.name_of(container), "Describe")
    if VERSION in package.members and package.members["ModelApprovalStatus"] != "Approved":
        status = package.members["ModelApprovalStatus"]
        raise _not_deployable(package, f"its ModelApprovalStatus is {status}. Approve it")
    return package


def _containers(package: Record, name: str | None) -> list[dict[str, Any]]:
    if name is None:
        if "InferenceSpecification" not in package.members:
            raise _not_deployable(package, "it has no InferenceSpecification. Give it one")
        return list(package.members["InferenceSpecification"]["Containers"])
    for each in package.members.get("AdditionalInferenceSpecifications", ()):
        if each["Name"] == name:
            return list(each["Containers"])
    raise validation_exception(f"{package.arn} has no inference specification {name}.")


def _not_deployable(package: Record, why: str) -> ServiceError:
    return validation_exception(f"Cannot create a model of {package.arn}: {why} with UpdateModelPackage first.")
