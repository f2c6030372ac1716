"""What a training job may ask for: AWS's rules between the members of a request, and what only AWS can carry out.

The latter beside the members that `resource_types.training` refuses: all of it is refused, because ignoring it would be
a lie. The sentences on StoppingCondition are AWS's, as users quote them (Kenza-AI/sagify#111; notes of users of the
SageMaker SDK). Not compared with AWS: the sentences of the refusals of a warm pool, and of channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import built_in_algorithms
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.training.warm_pools import keep_alive_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PIPE = "Pipe"
_MAX_RUNTIME_SECONDS = 86_400  # StoppingCondition's default
# What the toolkit starts with programs that the images here have not got.
_DISTRIBUTIONS = (
    "sagemaker_mpi_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_parameter_server_enabled",
)


def max_runtime(request: Mapping[str, Any]) -> int:
    """Return the seconds that a job may train, all its attempts together."""
    return int(request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _MAX_RUNTIME_SECONDS))


def max_wait(request: Mapping[str, Any]) -> int | None:
    """Return the seconds within which a spot job has to be done, waits for instances included."""
    seconds = request.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds")
    return None if seconds is None else int(seconds)


def input_mode(channel: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """Return how a channel's data come: "File", "FastFile" or "Pipe", as the channel says, or else the algorithm."""
    return str(channel.get("InputMode") or request["AlgorithmSpecification"].get("TrainingInputMode", "File"))


def check(request: Mapping[str, Any]) -> None:
    """Raise ValidationException for a CreateTrainingJob that AWS refuses, or that only AWS can carry out."""
    _check_stopping_condition(request)
    for problem in built_in_algorithms.problems(request.get("AlgorithmSpecification", {})):
        raise validation_exception(problem)
    check_offered(request)
    for channel in request.get("InputDataConfig", ()):
        _check_channel(channel, input_mode(channel, request))
    _check_warm_pool(request)


def check_offered(request: Mapping[str, Any]) -> None:
    """Raise ValidationException, with all that it names, for a CreateTrainingJob that only AWS can carry out."""
    if problems := [*_not_offered(request)]:
        raise validation_exception(f"The embedded AWS does not offer {', '.join(problems)}; train with this on AWS.")


def _check_stopping_condition(request: Mapping[str, Any]) -> None:
    wait = max_wait(request)
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < max_runtime(request):
            raise validation_exception(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
            )
    elif wait is not None:
        raise validation_exception(
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
        )


def _check_channel(channel: Mapping[str, Any], mode: str) -> None:
    """Raise ValidationException for a channel whose members do not go together (botocore's model, in its words)."""
    name, source = channel["ChannelName"], channel["DataSource"].get("S3DataSource", {})
    augmented = source.get("S3DataType") == "AugmentedManifestFile"
    if augmented and mode != PIPE:
        raise validation_exception(
            f"AugmentedManifestFile can only be used if the Channel's input mode is Pipe; that of {name} is {mode}"
        )
    if augmented != bool(source.get("AttributeNames")):
        raise validation_exception(
            f"AttributeNames are found in an augmented manifest file: the channel {name} needs both or none of them"
        )
    if channel.get("RecordWrapperType", "None") != "None" and mode != PIPE:
        raise validation_exception(f"In {mode} mode, leave RecordWrapperType unset or set it to None, in {name} too")


def _check_warm_pool(request: Mapping[str, Any]) -> None:
    if not keep_alive_seconds(request):
        return
    if request.get("EnableManagedSpotTraining"):
        raise validation_exception(
            "KeepAlivePeriodInSeconds is not supported when EnableManagedSpotTraining is set to true"
        )
    if request["ResourceConfig"].get("InstanceGroups"):
        raise validation_exception("KeepAlivePeriodInSeconds is not supported with InstanceGroups")


def _not_offered(request: Mapping[str, Any]) -> Iterator[str]:
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
