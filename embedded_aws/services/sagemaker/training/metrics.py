"""Metrics of a training job: what its MetricDefinitions find in its log lines, published to CloudWatch.

Namespace and dimension are those that the SageMaker SDK asks for (`TrainingJobAnalytics`, sagemaker.core 2.27.0): all
hosts of a job put their values under its name.
"""

from __future__ import annotations

import logging
import math
import re
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from embedded_aws.runtime.credentials import Role

log = logging.getLogger(__name__)

OBJECTIVE_HYPERPARAMETER = "_tuning_objective_metric"
"""The hyperparameter by which a training job of a tuning job knows its objective metric."""
OBJECTIVE_VALUES = "ObjectiveValues"
"""Where the record of such a training job holds its objective's values, beside DescribeTrainingJob's answer."""
NAMESPACE = "/aws/sagemaker/TrainingJobs"
_BATCH = 1_000  # the most that PutMetricData takes


class MetricScanner:
    """Scans every line with every definition's regular expression; its first group is the value.

    `objective` names the metric of which all finite values are kept: what a tuning job judges its training jobs by.
    The lines of a job's hosts may come from a thread each.
    """

    def __init__(
        self, definitions: Iterable[Mapping[str, str]], *, job: str, role: Role, objective: str | None = None
    ) -> None:
        self._patterns = [(each["Name"], re.compile(each["Regex"])) for each in definitions]
        self._role, self._objective = role, objective
        self._dimensions = [{"Name": "TrainingJobName", "Value": job}]
        self._lock = threading.Lock()
        self.objective_values: list[float] = []
        self._final: dict[str, dict[str, Any]] = {}
        self._unsent: list[dict[str, Any]] = []
        self._client: Any = None

    def go_on_from(self, members: Mapping[str, Any]) -> None:
        """Take up what the members of a job's record tell of its earlier attempts."""
        self.objective_values += members.get(OBJECTIVE_VALUES, ())
        self._final |= {each["MetricName"]: each for each in members.get("FinalMetricDataList", ())}

    @property
    def final(self) -> list[dict[str, Any]]:
        """Return FinalMetricDataList: the last value of each metric, whichever host it came from."""
        with self._lock:
            return list(self._final.values())

    def scan(self, line: str) -> None:
        """Take the values out of a log line."""
        for name, pattern in self._patterns:
            for match in pattern.finditer(line):
                self._take(name, match)

    def publish(self) -> None:
        """Send what was found since the last call to CloudWatch; a role that may not loses it, as on AWS."""
        while batch := self._batch():
            try:
                self._client = self._client or self._role.client("cloudwatch")
                self._client.put_metric_data(Namespace=NAMESPACE, MetricData=batch)
            except (ClientError, BotoCoreError) as error:
                log.warning("%d values of metrics were lost: %s", len(batch), error)

    def _batch(self) -> list[dict[str, Any]]:
        with self._lock:
            batch, self._unsent = self._unsent[:_BATCH], self._unsent[_BATCH:]
            return batch

    def _take(self, name: str, match: re.Match[str]) -> None:
        try:
            value = float(match.group(1))
        except (IndexError, TypeError, ValueError):  # no group, an empty one, or no number: nothing was measured
            return
        if name == self._objective and math.isfinite(value):
            self.objective_values.append(value)
        now = datetime.now(UTC)
        measured = {"MetricName": name, "Value": value, "Timestamp": now}
        with self._lock:
            self._final[name] = measured
            self._unsent.append({**measured, "Dimensions": self._dimensions})
