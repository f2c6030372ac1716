"""What every answer of our own services is held to, whichever test asked: the shape that botocore's model has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import OperationModel

_OURS = ("sagemaker", "application-autoscaling")
# AWS leaves them out too: where a job has none (aws/sagemaker-python-sdk#6091).
_LEFT_OUT = {
    "DescribeTrainingJob.ModelArtifacts",
    "DescribeModelPackage.ModelPackageName",  # a version has none: SageMaker's guide, "… Details of a Model Version"
}


def watch(client: Any) -> Any:
    """The client; every answer of a service of ours is looked at as it came over the wire."""
    if client.meta.service_model.service_name not in _OURS:
        return client
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"after-call.{service}", _check)
    return client


def problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Members that the shape does not know, and required ones that are not there."""
    match shape.type_name:
        case "structure":
            yield from (f"{path}.{name} is unknown" for name in value if name not in shape.members)
            needed = [name for name in shape.required_members if f"{path}.{name}" not in _LEFT_OUT]
            yield from (f"{path}.{name} is missing" for name in needed if name not in value)
            for name in value.keys() & shape.members.keys():
                yield from problems(shape.members[name], value[name], f"{path}.{name}")
        case "list":
            for each in value:
                yield from problems(shape.member, each, f"{path}[]")
        case "string" if "enum" in shape.metadata and value not in shape.metadata["enum"]:
            yield f"{path} is {value}"
        case "timestamp" if not isinstance(value, int | float):
            yield f"{path} is {value}"


def _check(http_response: Any, model: OperationModel, **_: Any) -> None:
    if http_response.status_code == 200 and model.output_shape:
        answer = json.loads(http_response.content)
        found = [*problems(model.output_shape, answer, model.name)]
        assert not found, found
