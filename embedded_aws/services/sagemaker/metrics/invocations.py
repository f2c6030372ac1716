"""Metrics of InvokeEndpoint, added up in memory: an invocation costs a few microseconds here, and nothing is sent.

Names, units and what counts: SageMaker's guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", endpoint invocation
metrics. Each comes twice, with the dimension EndpointConfigName and without: by the former an alarm watches the new
fleet of an update alone (the same guide, "Auto-Rollback Configuration and Monitoring"). Each of several containers has
metrics of its own, with the dimension ContainerName: its latency in an inference pipeline ("Inference Pipeline Logs and
Metrics"), more where it is invoked directly ("Metrics for multi-container endpoints with direct invocation"). Not
compared with AWS: that a request which is refused before it reaches the model counts nothing; that one without an
answer in time is a model error but neither a 4xx nor a 5xx.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.services.sagemaker.metrics.datum import MetricDatum, of_invocations
from embedded_aws.services.sagemaker.metrics.times import Times

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.services.sagemaker.metrics.datum import MetricSource
    from embedded_aws.services.sagemaker.store import Record

_NONE: Mapping[str, tuple[int, float]] = {}
_MICROSECONDS = 1_000_000


class Invocations:
    """Counts the invocations of all endpoints' variants since the last `take`. Thread-safe.

    `minute` is how many seconds one lasts: as many as the clock of the embedded AWS says.
    """

    def __init__(self) -> None:
        self.minute = 60.0
        self._lock = threading.Lock()
        self._minutes: dict[tuple[Record, str, str, int], _Minute] = {}
        self._containers: dict[tuple[Record, str, str, bool, int], _Minute] = {}

    def count(
        self,
        endpoint: Record,
        variant: str,
        config: str,
        *,
        status: int,
        model: float,
        overhead: float,
        instances: int,
        containers: Mapping[str, tuple[int, float]] = _NONE,
        direct: bool = False,
    ) -> None:
        """Count an invocation of a configuration's variant.

        `status` is the model's, 0 without an answer; `model` and `overhead` the seconds that it and all around it took.
        A variant without `instances`, which is serverless, has no InvocationsPerInstance. `containers` has the status
        and the seconds of each of several containers; `direct` says that the caller chose one.
        """
        now = time.time()
        key = (endpoint, variant, config, int(now // self.minute))
        with self._lock:
            minute = self._minutes.get(key)
            if minute is None:
                minute = self._minutes[key] = _Minute()
            minute.count(now, status, model, overhead, instances)
            for container, (its_status, seconds) in containers.items():
                of_container = (endpoint, variant, container, direct, key[-1])
                one = self._containers.setdefault(of_container, _Minute())
                one.count(now, its_status, seconds, overhead, instances)

    def take(self, *, before: float = math.inf) -> Iterator[MetricDatum]:
        """Yield what was counted since the last time, of the minutes before this one: they are over."""
        with self._lock:
            over = {key: minute for key, minute in self._minutes.items() if key[-1] < before}
            self._minutes = {key: minute for key, minute in self._minutes.items() if key not in over}
            containers = {key: minute for key, minute in self._containers.items() if key[-1] < before}
            self._containers = {key: minute for key, minute in self._containers.items() if key not in containers}
        for (endpoint, variant, config, _), minute in over.items():
            yield from minute.data(of_invocations(endpoint, variant))
            yield from minute.data(of_invocations(endpoint, variant, config))
        for (endpoint, variant, container, direct, _), minute in containers.items():
            yield from minute.container_data(of_invocations(endpoint, variant, container=container), direct=direct)


def none_in_minute(variant: MetricSource, when: float) -> Iterator[MetricDatum]:
    """Yield what there is to tell of a minute without an invocation; `when` lies in it."""
    for name in ("Invocations", "InvocationsPerInstance"):
        yield MetricDatum(source=variant, name=name, unit="None", values={0.0: 1.0}, time=when)


class _Minute:
    def __init__(self) -> None:
        self.last = 0.0
        self.requests = self.client_errors = self.server_errors = self.model_errors = 0
        self.shares: dict[float, float] = defaultdict(float)
        self.model, self.overhead = Times(), Times()

    def count(self, now: float, status: int, model: float, overhead: float, instances: int) -> None:
        self.last = now
        self.requests += 1
        if instances:
            self.shares[1 / instances] += 1
        self.client_errors += HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        self.server_errors += status >= HTTPStatus.INTERNAL_SERVER_ERROR
        self.model_errors += not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        self.model.add(model * _MICROSECONDS)
        self.overhead.add(overhead * _MICROSECONDS)

    def data(self, variant: MetricSource) -> Iterator[MetricDatum]:
        values = {
            "Invocations": {1.0: float(self.requests)},
            "InvocationsPerInstance": dict(self.shares),
            "Invocation4XXErrors": self._errors(self.client_errors),
            "Invocation5XXErrors": self._errors(self.server_errors),
            "InvocationModelErrors": self._errors(self.model_errors),
            "ModelLatency": self.model.values(),
            "OverheadLatency": self.overhead.values(),
        }
        return self._data(variant, values)

    def container_data(self, container: MetricSource, *, direct: bool) -> Iterator[MetricDatum]:
        values = {"ContainerLatency": self.model.values()}
        if direct:
            values |= {
                "Invocations": {1.0: float(self.requests)},
                "Invocation4XXErrors": self._errors(self.client_errors),
                "Invocation5XXErrors": self._errors(self.server_errors),
                "OverheadLatency": self.overhead.values(),
            }
        return self._data(container, values)

    def _data(self, source: MetricSource, values: Mapping[str, Mapping[float, float]]) -> Iterator[MetricDatum]:
        for name, each in values.items():
            if not each:
                continue
            unit = "Microseconds" if name.endswith("Latency") else "None"
            yield MetricDatum(source=source, name=name, unit=unit, values=each, time=self.last)

    def _errors(self, number: int) -> dict[float, float]:
        """Return a value of 1 for each error and of 0 for each other request, with their counts."""
        return {value: count for value, count in ((0.0, self.requests - number), (1.0, number)) if count}
