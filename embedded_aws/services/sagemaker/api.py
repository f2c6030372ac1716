"""SageMaker's API by botocore's service model: the supported operations, their inputs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from embedded_aws import botocore_models
from embedded_aws.services.sagemaker import shapes
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.resource_types import PRESIGNED_URL, RESOURCE_TYPES, ResourceType

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

TARGET_PREFIX = "SageMaker."
TAG_OPERATIONS = ("AddTags", "ListTags", "DeleteTags")
RESOURCE_OPERATIONS: dict[str, tuple[str, ResourceType]] = {
    resource_type.operation(verb): (verb, resource_type)
    for resource_type in RESOURCE_TYPES.values()
    for verb in resource_type.verbs
}
# Operations that wait for something that may itself call SageMaker.
LONG_OPERATIONS = frozenset({RESOURCE_TYPES["NotebookInstance"].operation(PRESIGNED_URL)})
SEARCH = "Search"
OPERATIONS = frozenset({*RESOURCE_OPERATIONS, *TAG_OPERATIONS, SEARCH})
OF_NO_RESOURCE = frozenset({SEARCH, *(name for name, (verb, _) in RESOURCE_OPERATIONS.items() if verb == "List")})
"""Operations that IAM asks about no resource."""


def service_model() -> ServiceModel:
    """Return botocore's model of SageMaker."""
    return botocore_models.service_model("sagemaker")


def operation_model(operation: str) -> OperationModel:
    """Return the model of a supported operation. Raises UnknownOperationException for any other."""
    if operation not in OPERATIONS:
        raise ServiceError(
            "UnknownOperationException",
            f"The embedded AWS has not got the operation {operation}. It has: {', '.join(sorted(OPERATIONS))}.",
        )
    return service_model().operation_model(operation)


def read_request(operation: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return the operation's input, validated as AWS does. Raises ServiceError."""
    shape = operation_model(operation).input_shape
    return dict(shapes.read(shape, document)) if shape else {}


def write_response(operation: str, members: dict[str, Any]) -> dict[str, Any]:
    """Return the operation's output as a JSON document: those of the members that its shape has."""
    shape = operation_model(operation).output_shape
    return dict(shapes.write(shape, members)) if shape else {}


def input_members(operation: str) -> dict[str, Shape]:
    """Return the members that the operation's input can have, with their shapes."""
    shape = operation_model(operation).input_shape
    return dict(shape.members) if shape else {}


def search_record() -> StructureShape:
    """Return what Search finds: a structure with a member for each type of resource."""
    return cast("StructureShape", service_model().shape_for("SearchRecord"))


def summaries_member(operation: str) -> str:
    """Return the member in which a List operation's answer holds the resources."""
    shape = operation_model(operation).output_shape
    return next(name for name in (shape.members if shape else ()) if name != "NextToken")
