"""What a training job may ask of the embedded AWS: all else is refused, because ignoring it would be a lie.

Members are listed that are carried out, and members that change nothing on one machine (encryption between hosts, how
long to wait for capacity). A member that a later release of botocore
brings is refused until it is listed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.sagemaker.engine.refusal import others, value
from emulator.sagemaker.errors import validation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REQUEST = {
    "TrainingJobName",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "Tags",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "Environment",
    "CheckpointConfig",
    "TensorBoardOutputConfig",
}
_ALGORITHM = {
    "TrainingImage",
    "TrainingInputMode",
    "MetricDefinitions",
    "EnableSageMakerMetricsTimeSeries",
    "ContainerEntrypoint",
    "ContainerArguments",
}
_RESOURCES = {"InstanceType", "InstanceCount", "InstanceGroups", "VolumeSizeInGB", "VolumeKmsKeyId"}
_OUTPUT = {"S3OutputPath", "KmsKeyId", "CompressionType"}
_CHANNEL = {"ChannelName", "DataSource", "ContentType", "CompressionType", "RecordWrapperType", "InputMode"}
_S3_SOURCE = {"S3DataType", "S3Uri", "S3DataDistributionType", "InstanceGroupNames"}
# What the toolkit starts with programs that the images here have not got.
_DISTRIBUTIONS = (
    "sagemaker_mpi_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_parameter_server_enabled",
)
# FastFile shows the same files as File does, only sooner.
_MODES = {"File", "FastFile"}


def check(request: Mapping[str, Any]) -> None:
    """Raise ValidationException, with all that it names, for a CreateTrainingJob that only AWS can carry out."""
    problems = [*_problems(request)]
    for channel in request.get("InputDataConfig", []):
        problems += [f"{problem} (channel {channel['ChannelName']})" for problem in _channel_problems(channel)]
    if problems:
        raise validation(f"The embedded AWS does not offer {', '.join(problems)}; train with this on AWS.")


def _problems(request: Mapping[str, Any]) -> Iterator[str]:
    algorithm = request.get("AlgorithmSpecification", {})
    resources = request.get("ResourceConfig", {})
    output = request.get("OutputDataConfig", {})
    yield from others(request, _REQUEST)
    yield from others(algorithm, _ALGORITHM, "AlgorithmSpecification.")
    yield from others(resources, _RESOURCES, "ResourceConfig.")
    yield from others(output, _OUTPUT, "OutputDataConfig.")
    yield from value(algorithm, "TrainingInputMode", _MODES, "AlgorithmSpecification.")
    yield from value(output, "CompressionType", {"GZIP"}, "OutputDataConfig.")
    if "TrainingImage" not in algorithm:
        yield "training without AlgorithmSpecification.TrainingImage"
    if not all(each.get("InstanceCount") for each in resources.get("InstanceGroups") or [resources]):
        yield "training without instances"
    yield from (
        f"the hyperparameter {name}"
        for name in _DISTRIBUTIONS
        if request.get("HyperParameters", {}).get(name, "").lower() == "true"
    )


def _channel_problems(channel: Mapping[str, Any]) -> Iterator[str]:
    source = channel["DataSource"]
    yield from others(channel, _CHANNEL)
    if not channel["ChannelName"].strip("."):  # its folder would be another one's
        yield "a ChannelName of dots"
    if "S3DataSource" not in source:
        yield "a DataSource other than S3DataSource"
    yield from others(source.get("S3DataSource", {}), _S3_SOURCE, "S3DataSource.")
    yield from value(source.get("S3DataSource", {}), "S3DataType", {"S3Prefix", "ManifestFile"}, "S3DataSource.")
    yield from value(channel, "InputMode", _MODES)
    yield from value(channel, "CompressionType", {"None"})
    yield from value(channel, "RecordWrapperType", {"None"})
