"""All metrics that SageMaker publishes, measured and sent on a thread of their own, every minute as on AWS."""

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

_LOOK_SECONDS = 5
_PUBLISH_SECONDS = 60
_AT_LEAST = 1.0  # second, on however hurried a clock: looking at processes costs


class Metrics:
    """What is measured: `instances` and `invocations`. Nothing is sent before `start`."""

    def __init__(self) -> None:
        self.instances = Instances()
        self.invocations = Invocations()

    def start(self, clock: Clock, send: Send) -> None:
        """Measure and send from now on, until the clock is closed."""
        threading.Thread(target=self._run, args=(clock, send), name="sagemaker-metrics", daemon=True).start()

    def _run(self, clock: Clock, send: Send) -> None:
        every = max(clock.scaled(_PUBLISH_SECONDS), _AT_LEAST)
        due = time.monotonic() + every
        while clock.sleep(_LOOK_SECONDS, at_least=_AT_LEAST):
            try:
                self.instances.look()
                if time.monotonic() >= due:
                    due = time.monotonic() + every
                    self._publish(send)
            except Exception:
                log.exception("metrics of a minute were lost")

    def _publish(self, send: Send) -> None:
        for datum in (*self.instances.take(), *self.invocations.take()):
            send(datum)
