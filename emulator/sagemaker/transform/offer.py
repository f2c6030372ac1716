"""What a transform job may ask of the embedded AWS, and AWS's own rules between the members of a request.

The rules are those of the references of CreateTransformJob and DataProcessing; their sentences were not compared with
AWS. What is offered is named as in `training.offer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.sagemaker.engine.refusal import others, value
from emulator.sagemaker.errors import validation
from emulator.sagemaker.transform.association import Association, format_of
from emulator.sagemaker.transform.jsonpath import PathError
from emulator.sagemaker.transform.payloads import DEFAULT_MB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REQUEST = {
    "TransformJobName",
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "DataProcessing",
    "Tags",
}
_RESOURCES = {"InstanceType", "InstanceCount", "VolumeKmsKeyId"}
_MAX_MB = 100


def check(request: Mapping[str, Any]) -> None:
    """Raise ValidationException for what only AWS can carry out, with all of it, and for what AWS refuses too."""
    if problems := [*_problems(request)]:
        raise validation(f"The embedded AWS does not offer {', '.join(problems)}; transform with this on AWS.")
    if refusals := [*_payload_rules(request), *_association_rules(request)]:
        raise validation(" ".join(refusals))


def _problems(request: Mapping[str, Any]) -> Iterator[str]:
    source = request["TransformInput"]
    yield from others(request, _REQUEST)
    yield from others(request["TransformResources"], _RESOURCES, "TransformResources.")
    yield from value(source, "SplitType", {"None", "Line"}, "TransformInput.")
    yield from value(
        source["DataSource"]["S3DataSource"],
        "S3DataType",
        {"S3Prefix", "ManifestFile"},
        "TransformInput.DataSource.S3DataSource.",
    )
    if request["TransformResources"]["InstanceCount"] > 1:
        yield "more than one instance"


def _payload_rules(request: Mapping[str, Any]) -> Iterator[str]:
    size = request.get("MaxPayloadInMB", DEFAULT_MB)
    parallel = request.get("MaxConcurrentTransforms", 1) or 1
    if size > _MAX_MB:
        yield f"MaxPayloadInMB is {size}, but can't be greater than {_MAX_MB}."
    elif size * parallel > _MAX_MB:
        yield (
            f"MaxConcurrentTransforms * MaxPayloadInMB is {parallel} * {size}, but must not exceed {_MAX_MB}: "
            "set MaxPayloadInMB lower, or send fewer requests at a time."
        )


def _association_rules(request: Mapping[str, Any]) -> Iterator[str]:
    try:
        association = Association(request)
    except PathError as error:
        yield f"DataProcessing: {error}"
        return
    if not (association.changes_input or association.changes_output):
        return
    source, output = request["TransformInput"], request["TransformOutput"]
    form = format_of(source.get("ContentType"))
    if form is None:
        yield (
            "DataProcessing takes records of ContentType text/csv, application/json or application/jsonlines, not "
            f"{source.get('ContentType')}."
        )
    elif association.changes_output and format_of(output.get("Accept") or source.get("ContentType")) != form:
        yield (
            f"DataProcessing needs answers in the records' own format, but ContentType is {source['ContentType']} and "
            f"Accept {output['Accept']}."
        )
    if source.get("SplitType") == "Line" and output.get("AssembleWith") != "Line" and association.changes_output:
        yield "DataProcessing with SplitType Line needs AssembleWith Line."
