"""WarmStartConfig: earlier tuning jobs from whose training jobs a new one learns.

The rules are those of HyperParameterTuningJobWarmStartConfig's documentation. Not compared with AWS: the wording of the
refusals; what it makes of a parent's values outside of the new ranges (they are left out here).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED
from embedded_aws.services.sagemaker.tuning import training_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.services.sagemaker.store import Record, Store

IDENTICAL = "IdenticalDataAndAlgorithm"


def jobs(request: Mapping[str, Any], store: Store, *, account: str, region: str) -> list[Record]:
    """Return the training jobs to learn from. Raises ServiceError for a parent that is not there or not fit for it."""
    found: list[Record] = []
    config = request.get("WarmStartConfig", {})
    for each in config.get("ParentHyperParameterTuningJobs", ()):
        name = each.get("HyperParameterTuningJobName", "")
        parent = store.get("HyperParameterTuningJob", name, account=account, region=region)
        for problem in _problems(parent, request, config["WarmStartType"]):
            raise validation_exception(f"{name} can't be a parent of this tuning job: {problem}.")
        found += training_jobs.of(parent, store.all("TrainingJob", account=account, region=region))
    return found


def _problems(parent: Record, request: Mapping[str, Any], kind: str) -> Iterator[str]:
    if parent.status not in ENDED:
        yield f"its status is {parent.status}, and only an ended one can be learnt from"
    if _objective(parent.members) != _objective(request):
        yield "its objective is another one"
    theirs, ours = parent.members["TrainingJobDefinition"], request["TrainingJobDefinition"]
    if kind != IDENTICAL:
        return
    image = ours["AlgorithmSpecification"].get("TrainingImage")
    if theirs["AlgorithmSpecification"].get("TrainingImage") != image:
        yield f"its training image is another one, which goes with TransferLearning, not with {IDENTICAL}"
    if theirs.get("InputDataConfig") != ours.get("InputDataConfig"):
        yield f"its input data are others, which goes with TransferLearning, not with {IDENTICAL}"


def _objective(holder: Mapping[str, Any]) -> Any:
    return holder["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
