"""CloudWatch's dashboards: one for all regions, and none whose body AWS would refuse.

ministack keeps whatever it is given, by region; AWS's are global (botocore, PutDashboard). What a body may have:
CloudWatch's API reference, "Dashboard Body Structure and Syntax". The sentences are AWS's as users quote them:
aws-samples/aws-eda-slurm-cluster#116 (a metric widget without data), aws-solutions-library-samples/
guidance-for-automating-network-monitoring-and-alerting-on-aws#7 (an alarm widget without alarms), aws/aws-cdk#5026 and
#20024 (a metric whose last item is no rendering properties), aws/aws-cdk#2976 (a name). They are those of the validator
Ajv with a capital letter, and where nobody quotes one, it is Ajv's. Not compared with AWS: the order of several errors,
that a metric's names are told by the metric, what is told as a warning only (nothing here).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ministack.core.responses import AccountScopedDict
from ministack.services import cloudwatch

from embedded_aws.json_schemas import JsonSchema
from embedded_aws.patches import patching
from embedded_aws.patches.model_check import RefusedError
from embedded_aws.services.cloudformation_types import api_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jsonschema import ValidationError

    Errors = Iterator[tuple[str, str]]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_COLOR = re.compile(r"#[0-9A-Fa-f]{3}([0-9A-Fa-f]{3})?")
_RENDERING = {"accountId", "color", "expression", "id", "label", "period", "region", "stat", "visible", "yAxis"}
_TEXT, _OBJECT = {"type": "string"}, {"type": "object"}
_PROPERTIES: Mapping[str, dict[str, Any]] = {
    "alarm": {
        "required": ["alarms"],
        "properties": {"alarms": {"type": "array", "minItems": 1, "maxItems": 100, "items": _TEXT}, "title": _TEXT},
    },
    "custom": {"required": ["endpoint"], "properties": {"endpoint": _TEXT, "title": _TEXT}},
    "log": {"required": ["region", "query"], "properties": {"query": _TEXT, "region": _TEXT, "title": _TEXT}},
    "metric": {
        "required": ["region"],
        "properties": {
            "annotations": _OBJECT,
            "metrics": {"type": "array", "items": {"type": "array"}},
            "period": {"type": "integer", "minimum": 1},
            "region": _TEXT,
            "stacked": {"type": "boolean"},
            "title": _TEXT,
            "view": {"enum": ["timeSeries", "singleValue", "gauge", "bar", "pie", "table"]},
        },
    },
    "text": {"required": ["markdown"], "properties": {"markdown": _TEXT}},
}
_BODY = JsonSchema(
    {
        "required": ["widgets"],
        "properties": {
            "end": _TEXT,
            "periodOverride": {"enum": ["auto", "inherit"]},
            "start": _TEXT,
            "widgets": {
                "type": "array",
                "maxItems": 500,
                "items": {
                    "type": "object",
                    "required": ["type", "properties"],
                    "properties": {
                        "height": {"type": "integer", "minimum": 1, "maximum": 1000},
                        "properties": _OBJECT,
                        "type": {"enum": [*_PROPERTIES, "chart", "explorer"]},
                        "width": {"type": "integer", "minimum": 1, "maximum": 24},
                        "x": {"type": "integer", "minimum": 0, "maximum": 23},
                        "y": {"type": "integer", "minimum": 0},
                    },
                    "allOf": [
                        {
                            "if": {"properties": {"type": {"const": kind}}},
                            "then": {"properties": {"properties": members}},
                        }
                        for kind, members in _PROPERTIES.items()
                    ],
                },
            },
        },
    }
)
_SENTENCES = {
    "enum": "Should be equal to one of the allowed values",
    "maxItems": "Should NOT have more than {} items",
    "maximum": "Should be <= {}",
    "minItems": "Should NOT have less than {} items",
    "minimum": "Should be >= {}",
    "type": "Should be {}",
}
_WITHOUT_DATA = (
    "Should have required property 'metrics'",
    "The metric widget should have specified a region and a data source or an alarm annotation",
    "Should have required property 'annotations'",
)

patches = patching.Patches()


def apply() -> None:
    """Let dashboards be what they are on AWS."""
    patching.assign(__name__, cloudwatch, "_dashboards", AccountScopedDict())
    patches.apply()


class _DashboardError(RefusedError):
    """Why PutDashboard refuses a dashboard; as text, what a stack tells of it."""

    def __str__(self) -> str:
        return str(api_error("CloudWatch", status=400, code=self.code, message=self.sentence))


@patches.wraps(cloudwatch.cloudformation_put_dashboard)
def _put_dashboard(original: Callable[[str, str], str], name: str, body: str) -> str:
    """Put a dashboard, for a request and for a stack alike."""
    if not _NAME.fullmatch(name):
        raise _DashboardError(
            "InvalidParameterValue",
            f"The value {name} for field DashboardName contains invalid characters. "
            "It can only contain alphanumerics, dash (-) and underscore (_).",
        )
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _DashboardError("InvalidParameterInput", "The field DashboardBody must be a valid JSON object")
    if errors := [*_errors(document)]:
        told = json.dumps([{"dataPath": path, "message": message} for path, message in errors], indent=2)
        raise _DashboardError(
            "InvalidParameterInput",
            f"The dashboard body is invalid, there are {len(errors)} validation errors:\n{told}",
        )
    return original(name, body)


def _errors(document: Mapping[str, Any]) -> Errors:
    for error in _BODY.errors(document):
        yield "".join(f"/{part}" for part in error.absolute_path), _sentence(error)
    widgets = document.get("widgets")
    for number, widget in enumerate(widgets if isinstance(widgets, list) else ()):
        if isinstance(widget, dict) and widget.get("type") == "metric":
            properties = widget.get("properties")
            yield from _data_errors(f"/widgets/{number}/properties", properties if isinstance(properties, dict) else {})


def _sentence(error: ValidationError) -> str:
    """Return what Ajv would say."""
    if error.validator == "required":
        _, missing, *_ = error.message.split("'")
        return f"Should have required property '{missing}'"
    return _SENTENCES[str(error.validator)].format(error.validator_value)


def _data_errors(path: str, properties: Mapping[str, Any]) -> Errors:
    """Yield what is wrong with what a metric widget shows."""
    metrics, annotations = properties.get("metrics"), properties.get("annotations")
    if metrics is None and not (isinstance(annotations, dict) and annotations.get("alarms")):
        yield from ((path, sentence) for sentence in _WITHOUT_DATA)
    for number, metric in enumerate(metrics if isinstance(metrics, list) else ()):
        if isinstance(metric, list) and (sentence := _metric_error(metric)):
            yield f"{path}/metrics/{number}", sentence


def _metric_error(metric: Sequence[Any]) -> str:
    """Say what is wrong with a metric: namespace, name, names and values of dimensions, rendering properties."""
    names, rendering = [*metric], {}
    if names and isinstance(names[-1], dict):
        rendering = names.pop()
    well_drawn = rendering.keys() <= _RENDERING and _COLOR.fullmatch(str(rendering.get("color", "#000")))
    if not well_drawn or any(isinstance(each, dict) for each in names):
        return "Should NOT have more than 2 items"
    if not all(isinstance(each, str) for each in names):
        return "Invalid metric field type, only 'String' type is allowed"
    return ""
