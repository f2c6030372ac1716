"""The alarms on metrics of the lab's endpoints: they cost, and nothing rings any more when the endpoints have gone.

Application Auto Scaling names its own TargetTracking-endpoint/<name>/variant/…, and deletes them with their policy;
what is left of them, and what anybody made on a metric of an endpoint, is found by the metric's dimensions. Sources:
Application Auto Scaling's user guide, "Target tracking scaling policies"; SageMaker's guide, "Monitor with CloudWatch".
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown.receipt import Resource
from teardown.refusals import note_unlisted, try_to_delete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from teardown.receipt import Receipt
    from teardown.remembered_names import RememberedNames
    from teardown.scope import Scope

KIND = "alarm"
_NAMESPACES = {"AWS/SageMaker", "/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"}
_NOUNS = {"EndpointName": "endpoint", "InferenceComponentName": "inference_component"}  # by dimension


class AlarmsSweep:
    """The alarms on what a lab's or seat's endpoints and inference components measured."""

    def __init__(
        self, client: Callable[[str], Any], scope: Scope, receipt: Receipt, *, remembered: RememberedNames | None = None
    ) -> None:
        self._cloudwatch = client("cloudwatch")
        self._scope, self._receipt, self._remembered = scope, receipt, remembered

    def step(self) -> list[Resource]:
        """Delete what there is; return what it was, to be looked for again."""
        try:
            found = list(self._alarms())
        except ClientError as error:
            return note_unlisted(self._receipt, KIND, error)
        self._receipt.unseen.pop(KIND, None)
        delete = self._cloudwatch.delete_alarms
        return [
            resource
            for name in found
            if try_to_delete(self._receipt, resource := Resource(KIND, name), partial(delete, AlarmNames=[name]))
        ]

    def _alarms(self) -> Iterator[str]:
        for page in self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]):
            for alarm in page["MetricAlarms"]:
                metrics = [
                    alarm,
                    *(each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each),
                ]
                if any(self._is_ours(metric) for metric in metrics):
                    yield alarm["AlarmName"]

    def _is_ours(self, metric: dict[str, Any]) -> bool:
        """Return whether it is measured on something of the scope."""
        if metric.get("Namespace") not in _NAMESPACES:
            return False
        named = {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())}
        return any(
            self._scope.names(named[dimension]) or (self._remembered and named[dimension] in self._remembered.of(noun))
            for dimension, noun in _NOUNS.items()
            if dimension in named
        )
