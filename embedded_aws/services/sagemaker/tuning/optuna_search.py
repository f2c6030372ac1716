"""Random, Bayesian and Hyperband by Optuna: a sampler proposes, a pruner ends trials that fall behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from embedded_aws.services.sagemaker.tuning import ranges
from embedded_aws.services.sagemaker.tuning.ranges import Proposal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

_TRIES = 32  # proposals that were made before and are drawn again, until one is taken that was not

optuna.logging.set_verbosity(optuna.logging.WARNING)


class OptunaSearch:
    """A strategy that Optuna carries out."""

    def __init__(
        self,
        space: tuple[ranges.Parameter, ...],
        *,
        minimize: bool,
        sampler: BaseSampler,
        pruner: BasePruner | None = None,
        longest: int | None = None,
    ) -> None:
        """`longest` is how many epochs a trial may have, if that is limited."""
        self._space = space
        self._distributions = {each.name: _distribution(each) for each in space}
        # Hyperband sorts trials into its brackets by the study's name and their number: a fixed one keeps that.
        self._study = optuna.create_study(
            study_name="tuning",
            direction="minimize" if minimize else "maximize",
            sampler=sampler,
            pruner=pruner or optuna.pruners.NopPruner(),
        )
        self._longest = longest
        self._asked: set[tuple[str, ...]] = set()
        self._reported: dict[int, int] = {}  # trial -> epochs

    def propose(self) -> Proposal | None:
        """Return the next combination, none of those before; None if there are no more."""
        if len(self._asked) >= ranges.size(self._space):
            return None
        for _ in range(_TRIES):
            proposal = self._draw()
            if self._new(proposal.values):
                return proposal
            self._study.tell(proposal.token, state=TrialState.FAIL)
        return self._first_left()

    def prunes(self, proposal: Proposal, values: Sequence[float]) -> bool:
        """Return whether the pruner ends the trial, or it goes on past its last epoch."""
        trial: optuna.Trial = proposal.token
        for epoch in range(self._reported.get(trial.number, 0), len(values)):
            self._reported[trial.number] = epoch + 1
            if self._longest is not None and epoch >= self._longest:
                return True
            trial.report(values[epoch], epoch + 1)
            if trial.should_prune():
                return True
        return False

    def report(self, proposal: Proposal, value: float | None) -> None:
        """Learn that the trial has ended with this objective, or with none."""
        self._study.tell(proposal.token, value, state=TrialState.FAIL if value is None else TrialState.COMPLETE)

    def warm_start(self, values: dict[str, str], value: float) -> None:
        """Learn from a trial of an earlier tuning job; one that lies outside of the space is left out."""
        try:
            parameters = {each.name: _from_text(each, values[each.name]) for each in self._space}
            trial = optuna.trial.create_trial(params=parameters, distributions=self._distributions, value=value)
        except (KeyError, ValueError):
            return
        self._study.add_trial(trial)

    def take_up(self, values: dict[str, str], value: float | None) -> None:
        """Leave out what was tried before, and learn from it; what a seed leads to goes on behind it."""
        self._study.tell(self._draw().token, state=TrialState.FAIL)
        self._new({each.name: values[each.name] for each in self._space})
        if value is not None:
            self.warm_start(values, value)

    def _draw(self) -> Proposal:
        trial = self._study.ask(self._distributions)
        values = {each.name: _to_text(each, trial.params[each.name]) for each in self._space}
        return Proposal(values, trial)

    def _new(self, values: dict[str, str]) -> bool:
        key = tuple(values.values())
        if key in self._asked:
            return False
        self._asked.add(key)
        return True

    def _first_left(self) -> Proposal | None:
        values = next((each for each in ranges.combinations(self._space) if self._new(each)), None)
        if values is None:
            return None
        self._study.enqueue_trial({each.name: _from_text(each, values[each.name]) for each in self._space})
        return Proposal(values, self._study.ask(self._distributions))


def _distribution(parameter: ranges.Parameter) -> BaseDistribution:
    if isinstance(parameter, ranges.Choice):
        return CategoricalDistribution(parameter.values)
    log = parameter.scale == "Logarithmic"
    if parameter.whole:
        return IntDistribution(int(parameter.low), int(parameter.high), log=log)
    if parameter.scale == "ReverseLogarithmic":  # searched as the distance from 1
        return FloatDistribution(1 - parameter.high, 1 - parameter.low, log=True)
    return FloatDistribution(parameter.low, parameter.high, log=log)


def _to_text(parameter: ranges.Parameter, value: Any) -> str:
    if isinstance(parameter, ranges.Interval) and parameter.scale == "ReverseLogarithmic":
        value = min(max(1 - value, parameter.low), parameter.high)
    return ranges.to_text(parameter, value)


def _from_text(parameter: ranges.Parameter, text: str) -> Any:
    if isinstance(parameter, ranges.Choice):
        return text
    if parameter.whole:
        return int(text)
    return 1 - float(text) if parameter.scale == "ReverseLogarithmic" else float(text)
