"""What a processing job may ask of the embedded AWS, and AWS's own rules between the members of a request.

The rules are those of the references of CreateProcessingJob, ProcessingInput and ProcessingS3Input; their sentences
were not compared with AWS. What is offered is named as in `training.offer`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from emulator.sagemaker.engine.refusal import others, value
from emulator.sagemaker.errors import validation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REQUEST = {
    "ProcessingJobName",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "Tags",
}
_CLUSTER = {"InstanceCount", "InstanceType", "VolumeSizeInGB", "VolumeKmsKeyId"}
_NETWORK = {"EnableNetworkIsolation", "EnableInterContainerTrafficEncryption"}
_INPUT = {"InputName", "AppManaged", "S3Input"}
_OUTPUT = {"OutputName", "AppManaged", "S3Output"}
_INPUTS = "/opt/ml/processing/"
_ANYWHERE = "/"


def inputs(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The inputs of a request."""
    return [*request.get("ProcessingInputs", ())]


def outputs(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The outputs of a request."""
    return [*request.get("ProcessingOutputConfig", {}).get("Outputs", ())]


def check(request: Mapping[str, Any]) -> None:
    """Raise ValidationException for what only AWS can carry out, with all of it, and for what AWS refuses too."""
    if problems := [*_problems(request), *_problems_of_data(request)]:
        raise validation(f"The embedded AWS does not offer {', '.join(problems)}; process with this on AWS.")
    if refusals := [*_rules(request)]:
        raise validation(" ".join(refusals))


def _problems(request: Mapping[str, Any]) -> Iterator[str]:
    yield from others(request, _REQUEST)
    yield from others(request["ProcessingResources"]["ClusterConfig"], _CLUSTER, "ProcessingResources.ClusterConfig.")
    yield from others(request.get("NetworkConfig", {}), _NETWORK, "NetworkConfig.")
    if "ContainerEntrypoint" not in request["AppSpecification"]:
        yield "an image's own entrypoint (name AppSpecification.ContainerEntrypoint)"


def _problems_of_data(request: Mapping[str, Any]) -> Iterator[str]:
    for each in inputs(request):
        source = each.get("S3Input", {})
        found = [
            *others(each, _INPUT),
            *value(source, "S3InputMode", {"File"}, "S3Input."),
            *value(source, "S3CompressionType", {"None"}, "S3Input."),
        ]
        yield from (f"{problem} (input {each['InputName']})" for problem in found)
    for each in outputs(request):
        yield from (f"{problem} (output {each['OutputName']})" for problem in others(each, _OUTPUT))


def _rules(request: Mapping[str, Any]) -> Iterator[str]:
    if "InstanceType" not in request["ProcessingResources"]["ClusterConfig"]:
        yield "ProcessingResources.ClusterConfig must name an InstanceType."
    for noun, each, name, data in (
        *(("input", one, one["InputName"], "S3Input") for one in inputs(request)),
        *(("output", one, one["OutputName"], "S3Output") for one in outputs(request)),
    ):
        if data not in each:
            yield f"The {noun} {name} has no {data}."
        elif not each.get("AppManaged"):
            yield from _rules_of_path(noun, name, each[data].get("LocalPath"))
    for noun, names in (
        ("InputName", [one["InputName"] for one in inputs(request)]),
        ("OutputName", [one["OutputName"] for one in outputs(request)]),
    ):
        yield from (f"{noun} {name} is given more than once." for name, count in Counter(names).items() if count > 1)


def _rules_of_path(noun: str, name: str, path: str | None) -> Iterator[str]:
    below = _INPUTS if noun == "input" else _ANYWHERE
    if path is None:
        yield f"LocalPath of the {noun} {name} is missing; only what is AppManaged needs none."
    elif not path.startswith(below) or ".." in PurePosixPath(path).parts:
        yield f"LocalPath of the {noun} {name} is {path}, but must begin with {below} and have no .. in it."
