"""What a user wants of `./lab tune`, as HyperParameterTuningJobConfig."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.aws import tuning, tuning_ranges
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STRATEGIES = ("Bayesian", "Random", "Grid", "Hyperband")
_TRIALS = 8
_MOST_TRIALS, _MOST_PARALLEL = 500, 10  # SageMaker's guide, "Resource Limits for Automatic Model Tuning"
_SEEDS = 2**31  # SageMaker's integers


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The command's options; `ranges` by setting."""

    strategy: str
    trials: int | None
    parallel: int
    ranges: Mapping[str, Sequence[str] | None]
    early_stopping: bool
    seed: int | None

    def config(self, context: Sequence[str]) -> dict[str, Any]:
        """HyperParameterTuningJobConfig. Raises LabError for the first option that can't be."""
        strategy = next((each for each in _STRATEGIES if each.lower() == self.strategy.lower()), None)
        if strategy is None:
            raise LabError(f"--strategy {self.strategy}: SageMaker has {', '.join(_STRATEGIES)}.")
        if self.early_stopping and strategy == "Hyperband":
            raise LabError("--early-stopping: Hyperband stops trials by itself; leave it out.")
        if self.seed is not None:
            _within("--seed", self.seed, 0, _SEEDS - 1)
        return {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": tuning.OBJECTIVE},
            "ResourceLimits": self._limits(grid=strategy == "Grid"),
            "ParameterRanges": tuning_ranges.ranges(self.ranges, context, grid=strategy == "Grid"),
            "TrainingJobEarlyStoppingType": "Auto" if self.early_stopping else "Off",
            **({} if self.seed is None else {"RandomSeed": self.seed}),
        }

    def _limits(self, *, grid: bool) -> dict[str, int]:
        _within("--parallel", self.parallel, 1, _MOST_PARALLEL)
        if grid:
            if self.trials is not None:
                raise LabError("--trials: Grid tries every combination; leave it out, or give fewer values.")
            return {"MaxParallelTrainingJobs": self.parallel}
        trials = _TRIALS if self.trials is None else self.trials
        _within("--trials", trials, 1, _MOST_TRIALS)
        return {"MaxParallelTrainingJobs": min(self.parallel, trials), "MaxNumberOfTrainingJobs": trials}


def _within(option: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise LabError(f"{option} {value}: must be a whole number from {low} to {high}.")
