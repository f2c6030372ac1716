"""How a tuning job chooses hyperparameters and stops training jobs early: AWS's strategies by their names.

What AWS's Bayesian search is made of is not public beyond "a Gaussian process"; here it is Optuna's tree-structured
Parzen estimator, which takes several trials at a time and every kind of range, after a few spread over the whole space.
AWS's Hyperband stops training jobs by the epochs whose objective they have reported, and so does Optuna's: a trial goes
on past a rung if it is in the best third of those that came there. A job that ends by itself at MaxResource is left to
end; one that goes on is stopped.

TrainingJobEarlyStoppingType Auto, as SageMaker's guide has it ("Stop Training Jobs Early"): a training job is stopped
after an epoch whose objective is worse than the median, over all earlier training jobs, of the running average of their
objective up to the same epoch. Earlier ones are "previously completed training jobs" (botocore, of
TrainingJobEarlyStoppingType). Not compared with AWS: of how many of them it wants to know before it stops the first.
"""

from __future__ import annotations

from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Protocol

from embedded_aws.services.sagemaker.tuning.ranges import Proposal, combinations, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from embedded_aws.services.sagemaker.tuning.ranges import Parameter

_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")  # HyperbandStrategyConfig's documentation
_SPREAD = 6  # trials before the Bayesian search has anything to go by
_CANDIDATES = 64  # among which it takes the most promising


class Strategy(Protocol):
    """A strategy at work on one tuning job. To be used by one thread."""

    def propose(self) -> Proposal | None:
        """Return the next combination, none of those before; None if there are no more."""

    def prunes(self, proposal: Proposal, values: Sequence[float]) -> bool:
        """Return whether it ends a trial itself, now that its objective has had these values, one an epoch."""

    def report(self, proposal: Proposal, value: float | None) -> None:
        """Learn that a trial has ended with this objective, or with none."""

    def warm_start(self, values: dict[str, str], value: float) -> None:
        """Learn from a trial of an earlier tuning job; one that lies outside of the space is left out."""

    def take_up(self, values: dict[str, str], value: float | None) -> None:
        """Go on behind a trial that an earlier embedded AWS made of this tuning job, with its objective, if any."""


class Grid:
    """Every combination of categorical values once, in the order in which the values were given."""

    def __init__(self, space: tuple[Parameter, ...]) -> None:
        self._rest = combinations(space)
        self._before: list[dict[str, str]] = []

    def propose(self) -> Proposal | None:
        """Return the next combination; None if there are no more."""
        values = next((each for each in self._rest if each not in self._before), None)
        return None if values is None else Proposal(values)

    def prunes(self, proposal: Proposal, values: Sequence[float]) -> bool:
        """Return False: each combination is tried to its end."""
        del proposal, values
        return False

    def report(self, proposal: Proposal, value: float | None) -> None:
        """Learn nothing."""

    def warm_start(self, values: dict[str, str], value: float) -> None:
        """Learn nothing."""

    def take_up(self, values: dict[str, str], value: float | None) -> None:
        """Leave this combination out."""
        del value
        self._before.append(values)


def search_space(config: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Return the hyperparameters that a HyperParameterTuningJobConfig searches. Raises RangeError."""
    return tuple(parameters(config.get("ParameterRanges", {})))


def max_resource(config: Mapping[str, Any], static: Mapping[str, str]) -> int | None:
    """Return the epochs that Hyperband gives a training job at most; None if nothing in the request says so."""
    given = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {}).get("MaxResource")
    names = (static[name].strip('"') for name in _EPOCHS if name in static)
    return given or next((int(text) for text in names if text.isdecimal()), None)


def make(config: Mapping[str, Any], static: Mapping[str, str], *, minimize: bool) -> Strategy:
    """Make the strategy that a HyperParameterTuningJobConfig asks for, at its beginning."""
    space, seed = search_space(config), config.get("RandomSeed")
    if config["Strategy"] == "Grid":
        return Grid(space)
    # Optuna takes a quarter of a second to import, for which only a tuning job waits.
    from optuna import pruners, samplers  # noqa: PLC0415

    from embedded_aws.services.sagemaker.tuning.optuna_search import OptunaSearch  # noqa: PLC0415

    if config["Strategy"] == "Bayesian":
        learning = samplers.TPESampler(
            seed=seed,
            n_startup_trials=_SPREAD,
            n_ei_candidates=_CANDIDATES,
            # Of a dozen trials the hyperparameters are learnt sooner one by one than with what they are to each other.
            multivariate=False,
            constant_liar=True,
        )
        return OptunaSearch(space, minimize=minimize, sampler=learning)
    sampler = samplers.RandomSampler(seed)
    if config["Strategy"] == "Random":
        return OptunaSearch(space, minimize=minimize, sampler=sampler)
    longest = max_resource(config, static)
    least = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {}).get("MinResource", 1)
    pruner = pruners.HyperbandPruner(min_resource=least, max_resource=longest or least)
    return OptunaSearch(space, minimize=minimize, sampler=sampler, pruner=pruner, longest=longest)


def worse_than_median(values: Sequence[float], earlier: Iterable[Sequence[float]], *, minimize: bool) -> bool:
    """Return whether early stopping ends a trial with these values, one an epoch, seen what `earlier` ones had."""
    epoch = len(values)
    averages = [fmean(other[:epoch]) for other in earlier if len(other) >= epoch]
    if not averages or not epoch:
        return False
    middle = median(averages)
    return values[-1] > middle if minimize else values[-1] < middle
