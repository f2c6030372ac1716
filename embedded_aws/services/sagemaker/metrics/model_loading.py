"""Metrics of a multi-model container: how long its models take to come and to go, and how many are loaded.

Names, units and namespaces: SageMaker's guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", multi-model endpoint
metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.services.sagemaker.metrics.datum import MetricSource
    from embedded_aws.services.sagemaker.metrics.publisher import MetricsPublisher


class ModelLoading:
    """Tells what happens in one container; `invocations` and `instance` are the sources of its variant's metrics."""

    def __init__(self, metrics: MetricsPublisher, *, invocations: MetricSource, instance: MetricSource) -> None:
        self._metrics, self._invocations, self._instance = metrics, invocations, instance
        self._gauge: Callable[[], None] | None = None

    def took(self, name: str, seconds: float) -> None:
        """Tell how long something took."""
        self._metrics.samples.add_time(self._invocations, name, seconds)

    def cache_hit(self, *, hit: bool) -> None:
        """Tell whether a request found its model loaded."""
        self._metrics.samples.add(self._invocations, "ModelCacheHit", float(hit), "None")

    def watch(self, loaded: Callable[[], int]) -> None:
        """Tell from now on, each minute, how many models are `loaded`."""

        def gauge() -> None:
            self._metrics.samples.add(self._instance, "LoadedModelCount", float(loaded()), "None")

        self._gauge = gauge
        self._metrics.gauges.append(gauge)

    def forget(self) -> None:
        """Tell that no more."""
        if self._gauge in self._metrics.gauges:
            self._metrics.gauges.remove(self._gauge)
