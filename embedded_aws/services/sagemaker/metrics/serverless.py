"""Metrics of a serverless variant, beside those of its invocations.

Names and units: SageMaker's guide, "Alarms and logs for tracking metrics from serverless endpoints"; ModelSetupTime's
unit: "Amazon SageMaker AI metrics in Amazon CloudWatch". Not compared with AWS: that each is a value an invocation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.metrics.datum import MetricSource
    from embedded_aws.services.sagemaker.metrics.samples import Samples


@dataclass(frozen=True, kw_only=True)
class ProvisionedUse:
    """How much of the provisioned concurrency is in use, and whether an invocation did not get any of it."""

    executions: int
    allocated: int
    spillover: bool


class ServerlessMetrics:
    """Counts what happens at one variant."""

    def __init__(self, samples: Samples, source: MetricSource) -> None:
        self._samples, self._source = samples, source

    def entered(self, utilization: float, *, provisioned: ProvisionedUse | None) -> None:
        """Count an invocation; `utilization` is how much of MaxConcurrency is in use with it."""
        self._add("ServerlessConcurrentExecutionsUtilization", utilization, "None")
        if provisioned:
            name = "SpilloverInvocations" if provisioned.spillover else "Invocations"
            self._add(f"ServerlessProvisionedConcurrency{name}", 1)
            self._add("ServerlessProvisionedConcurrencyExecutions", provisioned.executions)
            used = provisioned.executions / provisioned.allocated
            self._add("ServerlessProvisionedConcurrencyUtilization", used, "None")

    def set_up(self, seconds: float) -> None:
        """Count the cold start of a container."""
        self._samples.add_time(self._source, "ModelSetupTime", seconds)

    def _add(self, name: str, value: float, unit: str = "Count") -> None:
        self._samples.add(self._source, name, value, unit)
