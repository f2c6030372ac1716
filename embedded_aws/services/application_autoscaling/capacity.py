"""How many instances a scaling policy wants, from what its alarm's metric measured: arithmetic, nothing else.

Sources: botocore's model of PutScalingPolicy (step intervals, which are relative to the alarm's threshold;
PercentChangeInCapacity, rounded towards zero but never to none; MinAdjustmentMagnitude) and Application Auto
Scaling's user guide, "Target tracking scaling policies": capacity follows the metric in proportion, rounded up, scales
out as fast as it can and in more gradually. Not compared with AWS: which of the evaluated values counts: out the
latest, in the highest of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Policy = Mapping[str, Any]

_PERCENT = 100
_NEARLY = 1e-9  # what is that little above a whole number has only been divided


def tracked(capacity: int, values: Sequence[float], target_value: float, *, out: bool) -> int:
    """Return the capacity that would bring the metric to its target, at least one; out or in from this capacity."""
    value = values[-1] if out else max(values)
    wanted = math.ceil(capacity * value / target_value - _NEARLY)
    return max(wanted, capacity if out else 0)


def stepped(capacity: int, value: float, threshold: float, policy: Policy) -> int:
    """Return the capacity after the step that a value takes, this very capacity if it is in none's interval."""
    configuration = policy["StepScalingPolicyConfiguration"]
    breach = value - threshold
    step = next((each for each in configuration["StepAdjustments"] if _covers(each, breach, threshold, value)), None)
    if step is None:
        return capacity
    adjustment = int(step["ScalingAdjustment"])
    match configuration["AdjustmentType"]:
        case "ExactCapacity":
            return adjustment
        case "PercentChangeInCapacity":
            change = _rounded(capacity * adjustment / _PERCENT)
            least = configuration.get("MinAdjustmentMagnitude", 1)
            if change and abs(change) < least:
                change = int(math.copysign(least, change))
            return capacity + change
        case _:
            return capacity + adjustment


def _covers(step: Mapping[str, Any], breach: float, threshold: float, value: float) -> bool:
    """Tell whether an interval has a breach: above the threshold the lower bound is in it, below it the upper one."""
    lower = step.get("MetricIntervalLowerBound", -math.inf)
    upper = step.get("MetricIntervalUpperBound", math.inf)
    return bool(lower <= breach < upper if value >= threshold else lower < breach <= upper)


def _rounded(change: float) -> int:
    """Round away from zero below one, else towards it."""
    if 0 < abs(change) < 1:
        return int(math.copysign(1, change))
    return int(change)
