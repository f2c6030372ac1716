"""What a training job may not ask of the embedded AWS beside the members that `resource_types.training` refuses.

All of it is refused, because ignoring it would be a lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What the toolkit starts with programs that the images here have not got.
_DISTRIBUTIONS = (
    "sagemaker_mpi_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_parameter_server_enabled",
)


def check(request: Mapping[str, Any]) -> None:
    """Raise ValidationException, with all that it names, for a CreateTrainingJob that only AWS can carry out."""
    if problems := [*_problems(request)]:
        raise validation_exception(f"The embedded AWS does not offer {', '.join(problems)}; train with this on AWS.")


def _problems(request: Mapping[str, Any]) -> Iterator[str]:
    algorithm = request.get("AlgorithmSpecification", {})
    resources = request.get("ResourceConfig", {})
    if "TrainingImage" not in algorithm:
        yield "training without AlgorithmSpecification.TrainingImage"
    if not all(each.get("InstanceCount") for each in resources.get("InstanceGroups") or [resources]):
        yield "training without instances"
    yield from (
        f"the hyperparameter {name}"
        for name in _DISTRIBUTIONS
        if request.get("HyperParameters", {}).get(name, "").lower() == "true"
    )
    if any(not channel["ChannelName"].strip(".") for channel in request.get("InputDataConfig", ())):
        yield "a ChannelName of dots"  # its folder would be another one's
