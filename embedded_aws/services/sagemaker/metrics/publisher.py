"""Measures and publishes all of SageMaker's metrics, on a thread of its own, every minute as on AWS."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from embedded_aws.services.sagemaker.metrics.instances import Instances
from embedded_aws.services.sagemaker.metrics.invocations import Invocations

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.metrics.datum import Send

log = logging.getLogger(__name__)

_MEASURE_SECONDS = 5
_PUBLISH_SECONDS = 60
_AT_LEAST = 1.0  # second, on however hurried a clock: reading processes costs


class MetricsPublisher:
    """Publishes the metrics of `instances` and `invocations`; nothing before `start`."""

    def __init__(self) -> None:
        self.instances = Instances()
        self.invocations = Invocations()

    def start(self, clock: Clock, send: Send) -> None:
        """Measure and publish from now on, until the clock is closed."""
        threading.Thread(target=self._run, args=(clock, send), name="sagemaker-metrics", daemon=True).start()

    def _run(self, clock: Clock, send: Send) -> None:
        every = max(clock.scaled(_PUBLISH_SECONDS), _AT_LEAST)
        due = time.monotonic() + every
        while clock.sleep(_MEASURE_SECONDS, at_least=_AT_LEAST):
            try:
                self.instances.measure()
                if time.monotonic() >= due:
                    due = time.monotonic() + every
                    self._publish(send)
            except Exception:
                log.exception("metrics of a minute were lost")

    def _publish(self, send: Send) -> None:
        for datum in (*self.instances.take(), *self.invocations.take()):
            send(datum)
