"""AWS's own rules between the members of a request.

The rules are those of the references of CreateTransformJob and DataProcessing. What is supported is declared in
`resource_types.transform`. Not compared with AWS: the rules' sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.transform.association import Association, format_of
from embedded_aws.services.sagemaker.transform.invocations import DEFAULT_MB
from embedded_aws.services.sagemaker.transform.jsonpath import PathError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAX_MB = 100


def check(request: Mapping[str, Any]) -> None:
    """Raise ValidationException with all rules that the request breaks."""
    if refusals := [*_payload_rules(request), *_association_rules(request)]:
        raise validation_exception(" ".join(refusals))


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
