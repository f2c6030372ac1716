"""The strategies by AWS's names.

What AWS's Bayesian search is made of is not public beyond "a Gaussian process"; here it is Optuna's tree-structured
Parzen estimator, which takes several trials at a time and every kind of range, after a few spread over the whole space.
AWS's Hyperband stops training jobs by the epochs whose objective they have reported, and so does Optuna's: a trial goes
on past a rung if it is in the best third of those that came there. A job that ends by itself at MaxResource is left to
end; one that goes on is stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.tuning.search.grid import Grid
from embedded_aws.services.sagemaker.tuning.search.space import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.tuning.search.search import Search
    from embedded_aws.services.sagemaker.tuning.search.space import Parameter

_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")  # HyperbandStrategyConfig's documentation
_SPREAD = 6  # trials before the Bayesian search has anything to go by
_CANDIDATES = 64  # among which it takes the most promising


def space(config: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """What the tuning job searches. Raises RangeError."""
    return tuple(parameters(config.get("ParameterRanges", {})))


def max_resource(config: Mapping[str, Any], static: Mapping[str, str]) -> int | None:
    """The epochs that Hyperband gives a training job at most; None if neither it nor a hyperparameter says so."""
    given = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {}).get("MaxResource")
    names = (static[name].strip('"') for name in _EPOCHS if name in static)
    return given or next((int(text) for text in names if text.isdecimal()), None)


def make(config: Mapping[str, Any], static: Mapping[str, str], *, minimize: bool) -> Search:
    """The strategy that a HyperParameterTuningJobConfig asks for, at its beginning."""
    searched, seed = space(config), config.get("RandomSeed")
    if config["Strategy"] == "Grid":
        return Grid(searched)
    # Optuna takes a quarter of a second to import, for which only a tuning job waits.
    from optuna import pruners, samplers  # noqa: PLC0415

    from embedded_aws.services.sagemaker.tuning.search.study import Study  # noqa: PLC0415

    if config["Strategy"] == "Bayesian":
        learning = samplers.TPESampler(
            seed=seed,
            n_startup_trials=_SPREAD,
            n_ei_candidates=_CANDIDATES,
            # Of a dozen trials the hyperparameters are learnt sooner one by one than with what they are to each other.
            multivariate=False,
            constant_liar=True,
        )
        return Study(searched, minimize=minimize, sampler=learning)
    sampler = samplers.RandomSampler(seed)
    if config["Strategy"] == "Random":
        return Study(searched, minimize=minimize, sampler=sampler)
    longest = max_resource(config, static)
    least = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {}).get("MinResource", 1)
    pruner = pruners.HyperbandPruner(min_resource=least, max_resource=longest or least)
    return Study(searched, minimize=minimize, sampler=sampler, pruner=pruner, longest=longest)
