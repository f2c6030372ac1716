"""TrainingJobEarlyStoppingType Auto, as SageMaker's guide has it ("Stop Training Jobs Early").

A training job is stopped after an epoch whose objective is worse than the median, over all earlier training jobs, of
the running average of their objective up to the same epoch. Earlier ones are "previously completed training jobs"
(botocore, of TrainingJobEarlyStoppingType). Not compared with AWS: of how many of them it wants to know before it stops
the first.
"""

from __future__ import annotations

from statistics import fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def falls_behind(values: Sequence[float], earlier: Iterable[Sequence[float]], *, minimize: bool) -> bool:
    """Whether a trial with these values, one an epoch, is to be stopped, seen what `earlier` ones had."""
    epoch = len(values)
    averages = [fmean(other[:epoch]) for other in earlier if len(other) >= epoch]
    if not averages or not epoch:
        return False
    middle = median(averages)
    return values[-1] > middle if minimize else values[-1] < middle
