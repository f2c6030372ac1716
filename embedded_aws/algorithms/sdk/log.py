"""Lines of a training job's log, as AWS's algorithms write them: what the metrics' regular expressions look for.

Sources: logs in public notebooks (`[07/01/2024 19:50:55 INFO 139723470354240] #quality_metric: host=algo-1, …`), and
the MetricDefinitions that DescribeHyperParameterTuningJob shows for an algorithm of AWS's.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime


class Log:
    """Writes to standard output, for a host of a training job."""

    def __init__(self, host: str) -> None:
        """Take the host's name, such as `algo-1`."""
        self._host = host

    def line(self, message: str) -> None:
        """Write a line."""
        _write("INFO", message)

    def notice(self, message: str) -> None:
        """Write a warning."""
        _write("WARNING", message)

    def quality(self, what: str, value: float, *, of: str, kind: str = "score", epoch: int | None = None) -> None:
        """Write a metric of the data `of` a channel: the higher the better if it is a `score`, else a `loss`."""
        when = "" if epoch is None else f"epoch={epoch}, "
        self.line(f"#quality_metric: host={self._host}, {when}{of} {what} <{kind}>={float(value)}")

    def score(self, what: str, value: float, *, of: str) -> None:
        """Write what the final model comes to on the data of a channel."""
        self.line(f"#{of}_score ({self._host}) : ('{what}', {float(value)})")

    def progress(self, epoch: int, epochs: int) -> None:
        """Write how far it is, after an epoch counted from 0."""
        self.line(f"#progress_metric: host={self._host}, completed {100 * (epoch + 1) / epochs} % of epochs")

    def stopping(self, criterion: str, value: float, *, epoch: int) -> None:
        """Write by what, after an epoch counted from 0, training is judged, and how good it is."""
        metric = f"#early_stopping_criteria_metric: host={self._host}, epoch={epoch}"
        self.line(f"{metric}, criteria={criterion}, value={value}")

    def throughput(self, records: int, seconds: float) -> None:
        """Write how many records a second it learnt from."""
        speed = records / max(seconds, 1e-9)
        self.line(f"#throughput_metric: host={self._host}, train throughput={speed} records/second")


def _write(level: str, message: str) -> None:
    now = datetime.now(UTC).strftime("%m/%d/%Y %H:%M:%S")
    print(f"[{now} {level} {threading.get_ident()}] {message}", flush=True)
