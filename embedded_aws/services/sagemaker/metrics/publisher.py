"""Measures and publishes all of SageMaker's metrics, on a thread of its own, every minute as on AWS.

What was invoked is published minute by minute, when each is over. Of a variant that is scaled, minutes without a call
are told too, with zeros: SageMaker's guide, "Edit a scaling policy" (scaling in when there is no traffic). Not compared
with AWS: that it tells them of no other variant.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from embedded_aws.services.sagemaker.metrics.instances import Instances
from embedded_aws.services.sagemaker.metrics.invocations import Invocations, none_in_minute
from embedded_aws.services.sagemaker.metrics.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.metrics.datum import MetricSource, Send

    Watched = Callable[[], Iterable[MetricSource]]

log = logging.getLogger(__name__)

_MEASURE_SECONDS = 5
_AT_LEAST = 1.0  # second, on however hurried a clock: reading processes costs
_MOST_MINUTES = 60  # that are told at once, after the machine was asleep


class MetricsPublisher:
    """Publishes what `instances`, `invocations` and `samples` have; nothing before `start`.

    Before it publishes it calls each of `gauges`, which adds what there is just then to `samples`.
    """

    def __init__(self) -> None:
        self.instances = Instances()
        self.invocations = Invocations()
        self.samples = Samples()
        self.gauges: list[Callable[[], object]] = []

    def start(self, clock: Clock, send: Send, watched: Watched = tuple) -> None:
        """Measure and publish from now on, until the clock is closed; `watched` returns what is scaled."""
        self.invocations.minute = self.samples.minute = clock.minute()
        arguments = (clock, send, watched)
        threading.Thread(target=self._run, args=arguments, name="sagemaker-metrics", daemon=True).start()

    def _run(self, clock: Clock, send: Send, watched: Watched) -> None:
        minute = clock.minute()
        published = int(time.time() // minute)
        while clock.sleep(_MEASURE_SECONDS, at_least=_AT_LEAST):
            try:
                self.instances.measure()
                current = int(time.time() // minute)
                if current > published:
                    first, published = max(published, current - _MOST_MINUTES), current
                    self._publish(send, range(first, current), watched)
            except Exception:
                log.exception("metrics of a minute were lost")

    def _publish(self, send: Send, minutes: range, watched: Watched) -> None:
        told = set()
        for gauge in [*self.gauges]:
            gauge()
        for datum in self.samples.take():
            send(datum)
        for datum in (*self.instances.take(), *self.invocations.take(before=minutes.stop)):
            told.add((datum.source, int(datum.time // self.invocations.minute)))
            send(datum)
        for source in watched():
            for number in minutes:
                if (source, number) not in told:
                    for datum in none_in_minute(source, (number + 0.5) * self.invocations.minute):
                        send(datum)
