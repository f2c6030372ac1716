"""Metrics of a training job: what its MetricDefinitions find in its log lines, published to CloudWatch."""

from __future__ import annotations

import logging
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from emulator.sagemaker.credentials import Role

log = logging.getLogger(__name__)

NAMESPACE = "/aws/sagemaker/TrainingJobs"
_BATCH = 1_000  # the most that PutMetricData takes


class MetricScanner:
    """Scans every line with every definition's regular expression; its first group is the value.

    `objective` names the metric of which all finite values are kept: what a tuning job judges its trials by.
    """

    def __init__(
        self, definitions: Iterable[Mapping[str, str]], *, role: Role, host: str, objective: str | None = None
    ) -> None:
        self._patterns = [(each["Name"], re.compile(each["Regex"])) for each in definitions]
        self._role, self._host, self._objective = role, host, objective
        self.objective_values: list[float] = []
        self._final: dict[str, dict[str, Any]] = {}
        self._unsent: list[dict[str, Any]] = []
        self._client: Any = None

    @property
    def final(self) -> list[dict[str, Any]]:
        """FinalMetricDataList: the last value of each metric."""
        return list(self._final.values())

    def scan(self, line: str) -> None:
        """Take the values out of a log line."""
        for name, pattern in self._patterns:
            for match in pattern.finditer(line):
                self._take(name, match)

    def publish(self) -> None:
        """Send what was found since the last call to CloudWatch; a role that may not loses it, as on AWS."""
        batch, self._unsent = self._unsent[:_BATCH], self._unsent[_BATCH:]
        if not batch:
            return
        try:
            self._client = self._client or self._role.client("cloudwatch")
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=batch)
        except (ClientError, BotoCoreError) as error:
            log.warning("%d values of metrics were lost: %s", len(batch), error)
        self.publish()

    def _take(self, name: str, match: re.Match[str]) -> None:
        try:
            value = float(match.group(1))
        except (IndexError, TypeError, ValueError):  # no group, an empty one, or no number: nothing was measured
            return
        if name == self._objective and math.isfinite(value):
            self.objective_values.append(value)
        now = datetime.now(UTC)
        self._final[name] = {"MetricName": name, "Value": value, "Timestamp": now}
        dimensions = [{"Name": "Host", "Value": self._host}]
        self._unsent.append({"MetricName": name, "Dimensions": dimensions, "Timestamp": now, "Value": value})
