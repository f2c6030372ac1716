"""CreateHyperParameterTuningJob's request: the lab's own training job, with other hyperparameters each time."""

from __future__ import annotations

import string
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.aws import stacks
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def training_job(session: Session, lab: str) -> dict[str, Any]:
    """The training job of the model that the lab serves. Raises LabError if there is none."""
    outputs = {key: value for stack in stacks.of_lab(session, lab) for key, value in stack.outputs.items()}
    name = outputs.get("TrainingJobName")
    if not name:
        raise LabError(f"The lab {lab} has no training job to tune: `./lab up` deploys it and trains.")
    try:
        job: dict[str, Any] = session.client("sagemaker").describe_training_job(TrainingJobName=name)
    except ClientError as error:
        said = error.response["Error"]["Message"]
        raise LabError(f"The lab's training job {name} can't be read ({said}): `./lab up` trains anew.") from None
    return job


def definition(job: dict[str, Any], tuned: Iterable[str]) -> dict[str, Any]:
    """TrainingJobDefinition: that job without the hyperparameters that are tuned."""
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


def name(lab: str, now: float) -> str:
    """A tuning job's name: `<lab>-tune-<time>`, shorter where the lab's name leaves less room.

    Raises LabError for a lab whose name leaves none.
    """
    stamp = _base36(int(now))
    for tail in (f"tune-{time.strftime('%y%m%d%H%M%S', time.gmtime(now))}", f"tune-{stamp}", stamp):
        if len(lab) + 1 + len(tail) <= _LONGEST:
            return f"{lab}-{tail}"
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
