"""Metrics of asynchronous endpoints.

Names, units, dimensions, and that none of a real-time endpoint's but these are published: SageMaker's guide, "Monitor
asynchronous endpoint"; HasBacklogWithoutCapacity: "Autoscale an asynchronous endpoint". The guide spells
InvocationsProcessed with one s more; a user's dashboards find it so. Not compared with AWS: that an endpoint without
a backlog has an age of 0, and one without an instance no backlog by instance.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.services.sagemaker.metrics.datum import of_endpoint, of_invocations
from embedded_aws.services.sagemaker.metrics.samples import MILLISECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.metrics.samples import Samples
    from embedded_aws.services.sagemaker.store import Record


class AsyncMetrics:
    """Counts what happens at asynchronous endpoints."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def backlog(self, endpoint: Record, *, size: int, waiting: int, age: float, instances: int) -> None:
        """Tell of an endpoint's queue as it is now; `age` in seconds."""
        source = of_endpoint(endpoint)
        self._samples.add(source, "ApproximateBacklogSize", size)
        self._samples.add(source, "ApproximateAgeOfOldestRequest", age, "Seconds")
        self._samples.add(source, "HasBacklogWithoutCapacity", float(bool(waiting) and not instances))
        if instances:
            self._samples.add(source, "ApproximateBacklogSizePerInstance", size / instances)

    def answered(self, endpoint: Record, variant: str, *, status: int, seconds: float) -> None:
        """Count what a model answered; `status` is 0 if it did not."""
        source = of_invocations(endpoint, variant)
        client = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        self._samples.add(source, "Invocation4XXErrors", float(client), "None")
        server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        self._samples.add(source, "Invocation5XXErrors", float(server), "None")
        self._samples.add_time(source, "ModelLatency", seconds)

    def ended(
        self,
        endpoint: Record,
        variant: str,
        *,
        counts: Mapping[str, bool],
        times: Mapping[str, float | None],
        total: float,
    ) -> None:
        """Count an invocation that has ended, by names of metrics; `total` is in seconds since it was received."""
        source = of_invocations(endpoint, variant)
        for name, happened in counts.items():
            if happened:
                self._samples.add(source, name, 1)
        for name, seconds in times.items():
            if seconds is not None:
                self._samples.add_time(source, name, seconds)
        self._samples.add_time(source, "TotalProcessingTime", total, MILLISECONDS)
