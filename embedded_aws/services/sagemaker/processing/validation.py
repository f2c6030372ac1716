"""What a processing job may ask for: AWS's rules between the members of a request, and what only AWS can carry out.

The rules are those of the references of CreateProcessingJob, ProcessingInput and ProcessingS3Input. What is offered is
declared in `resource_types.processing`. Not compared with AWS: the rules' sentences.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INPUTS = "/opt/ml/processing/"
_ANYWHERE = "/"


def inputs(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the inputs of a request."""
    return [*request.get("ProcessingInputs", ())]


def outputs(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the outputs of a request."""
    return [*request.get("ProcessingOutputConfig", {}).get("Outputs", ())]


def check(request: Mapping[str, Any], *, own_entrypoint: bool) -> None:
    """Raise ValidationException for what only AWS can carry out, and for what AWS refuses too.

    `own_entrypoint` says whether the image has one.
    """
    if "ContainerEntrypoint" not in request["AppSpecification"] and not own_entrypoint:
        raise validation_exception(
            "The embedded AWS does not offer an image's own entrypoint: name AppSpecification.ContainerEntrypoint, or "
            "do this on AWS."
        )
    if refusals := [*_rules(request)]:
        raise validation_exception(" ".join(refusals))


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
