"""CreateHyperParameterTuningJob's request: the lab's own training job, with other hyperparameters each time."""

from __future__ import annotations

import re
import string
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli import settings
from cli.aws import stacks
from cli.ui.errors import LabError
from model_code import hyperparameters
from teardown.names import prefix, tuning_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cli.aws.session import Session

OBJECTIVE = "validation:accuracy"
_LONGEST = 32  # HyperParameterTuningJobName
_DIGITS = string.digits + string.ascii_lowercase
# What training jobs of a tuning job take over as it is. Checkpoints are not among it, for one trial would go on from
# another's; nor are spot instances, where without checkpoints an interruption begins a trial anew.
_TAKEN_OVER = (
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "Environment",
    "VpcConfig",
)
_OF_ALGORITHM = ("TrainingImage", "TrainingInputMode", "MetricDefinitions")
_STRATEGIES = ("Bayesian", "Random", "Grid", "Hyperband")
_TRIALS = 8
_MOST_TRIALS, _MOST_PARALLEL = 500, 10  # SageMaker's guide, "Resource Limits for Automatic Model Tuning"
_SEEDS = 2**31  # SageMaker's integers
_MIN_MAX = re.compile(r"([^:]+):([^:]+)")


TUNABLE = {name: row.search for name, row in hyperparameters.TABLE.items() if row.search}
"""The settings that can be tuned, and what is searched of each unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class TuningOptions:
    """The options of `./lab tune`; `ranges` by setting."""

    strategy: str
    trials: int | None
    parallel: int
    ranges: Mapping[str, Sequence[str] | None]
    early_stopping: bool
    seed: int | None

    def config(self, context: Sequence[str]) -> dict[str, Any]:
        """Return HyperParameterTuningJobConfig. Raises LabError for the first option that can't be."""
        strategy = next((each for each in _STRATEGIES if each.lower() == self.strategy.lower()), None)
        if strategy is None:
            raise LabError(f"--strategy {self.strategy}: SageMaker has {', '.join(_STRATEGIES)}.")
        if self.early_stopping and strategy == "Hyperband":
            raise LabError("--early-stopping: Hyperband stops trials by itself; leave it out.")
        if self.seed is not None:
            _within("--seed", self.seed, 0, _SEEDS - 1)
        return {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": OBJECTIVE},
            "ResourceLimits": self._limits(grid=strategy == "Grid"),
            "ParameterRanges": _ranges(self.ranges, context, grid=strategy == "Grid"),
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


def training_job(session: Session, lab: str) -> dict[str, Any]:
    """Return the training job of the model that the lab serves. Raises LabError if there is none."""
    name = stacks.outputs(session, lab).get("TrainingJobName")
    if not name:
        raise LabError(f"The lab {lab} has no training job to tune: `./lab up` deploys it and trains.")
    try:
        job: dict[str, Any] = session.client("sagemaker").describe_training_job(TrainingJobName=name)
    except ClientError as error:
        said = error.response["Error"]["Message"]
        raise LabError(f"The lab's training job {name} can't be read ({said}): `./lab up` trains anew.") from None
    if "sagemaker_program" not in job["HyperParameters"]:
        raise LabError(
            f"The lab {lab} serves an algorithm of AWS's, and tuning searches the Keras network's hyperparameters: "
            "`./lab up` with lab.algorithm=keras first."
        )
    return job


def definition(job: dict[str, Any], tuned: Iterable[str]) -> dict[str, Any]:
    """Return TrainingJobDefinition: that job without the hyperparameters that are tuned."""
    names = set(tuned)
    return {
        "StaticHyperParameters": {key: value for key, value in job["HyperParameters"].items() if key not in names},
        "AlgorithmSpecification": {
            key: job["AlgorithmSpecification"][key] for key in _OF_ALGORITHM if key in job["AlgorithmSpecification"]
        },
        "StoppingCondition": {
            key: value for key, value in job["StoppingCondition"].items() if key != "MaxWaitTimeInSeconds"
        },
        **{key: job[key] for key in _TAKEN_OVER if key in job},
    }


def job_name(lab: str, now: float) -> str:
    """Return a tuning job's name: `<lab>-tune-<time>`, shorter where the lab's name leaves less room.

    Raises LabError for a lab whose name leaves none.
    """
    stamp = _base36(int(now))
    tuning, date = tuning_prefix(lab), time.strftime("%y%m%d%H%M%S", time.gmtime(now))
    for made in (f"{tuning}{date}", f"{tuning}{stamp}", f"{prefix(lab)}{stamp}"):
        if len(made) <= _LONGEST:
            return made
    raise LabError(
        f"The lab's name {lab} is too long to tune: SageMaker's names of tuning jobs have at most {_LONGEST} "
        f"characters and begin with it, so it must have at most {_LONGEST - 1 - len(stamp)}."
    )


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _ranges(given: Mapping[str, Sequence[str] | None], context: Sequence[str], *, grid: bool) -> dict[str, Any]:
    """Return ParameterRanges. Raises LabError that names the option and its rule."""
    made: dict[str, Any] = {}
    for name, search in TUNABLE.items():
        kind, entry = _range(name, given.get(name) or (search.grid if grid else search.values), grid=grid)
        for value in entry.get("Values", [entry.get("MinValue"), entry.get("MaxValue")]):
            _check(name, value, context)
        made.setdefault(f"{kind}ParameterRanges", []).append(entry)
    return made


def _range(name: str, texts: Sequence[str], *, grid: bool) -> tuple[str, dict[str, Any]]:
    parts = [_MIN_MAX.fullmatch(text) for text in texts]
    found = parts[0]
    if found is None and not any(parts):
        return "Categorical", {"Name": name, "Values": list(texts)}
    if found is None or len(parts) > 1:
        raise LabError(f"{_option(name)} is given {len(texts)} times: give one range MIN:MAX, or values only.")
    if grid:
        raise LabError(f"{_option(name)} {texts[0]}: Grid tries values only; give each, as in {_example(name)}.")
    low, high = (part.strip() for part in found.groups())
    if _bound(name, low) >= _bound(name, high):
        raise LabError(f"{_option(name)} {texts[0]}: the range is upside down; give the smaller number first.")
    search = TUNABLE[name]
    return search.kind, {"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": search.scaling}


def _bound(name: str, text: str) -> float:
    try:
        return float(text) if TUNABLE[name].kind == "Continuous" else int(text)
    except ValueError:
        raise LabError(f"{_option(name)}: {text} is not a number that a range can begin or end with.") from None


def _check(name: str, value: str, context: Sequence[str]) -> None:
    """Raise LabError unless the setting of that name could have the value."""
    try:
        settings.read([text for text in context if not text.startswith(f"lab.{name}=")], **{name: value})
    except LabError as error:
        rule = next((line for line in str(error).splitlines() if f"lab.{name}" in line), str(error))
        raise LabError(f"{_option(name)} {value}: {rule.rpartition(': ')[2]}.") from None


def _option(name: str) -> str:
    """Return the command's option for a setting."""
    return f"--{name.replace('_', '-')}"


def _example(name: str) -> str:
    return " ".join(f"{_option(name)} {value}" for value in TUNABLE[name].grid)


def _within(option: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise LabError(f"{option} {value}: must be a whole number from {low} to {high}.")
