"""The types of steps that make a resource of SageMaker's: the operations, names and members that belong to each.

Names as AWS makes them: `pipelines-p4jn9xou8a8s-myprocessingstep1-tmgxry49ug` (EventBridge's guide) of jobs and
models; of tuning jobs, whose names are shorter, `bqbpzw5k3d15-hptuning-U0H0Wl6oKU` (users' logs). What of a step's
arguments makes its cache key: SageMaker's guide, "Default cache key attributes by pipeline step type". Not compared
with AWS: what becomes of underscores in a step's name; where the prefix stands that a definition may give (the SDK's
`use_custom_job_prefix`); the keys of Lambda and callback steps.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass

_SUFFIX = string.ascii_letters + string.digits
_SUFFIX_LENGTH = 10


@dataclass(frozen=True, kw_only=True)
class StepType:
    """A type of step; `resource` is the resource type that it makes.

    `metadata` is its member in the step's Metadata. `cache_key` are the arguments that decide whether an earlier run
    serves, with a dot those of an inner structure. `stops` says that the resource can be stopped, `retries_internally`
    that its jobs are started anew by itself if they fail through no fault of their own.
    """

    resource: str
    metadata: str
    cache_key: tuple[str, ...] = ()
    stops: bool = True
    retries_internally: bool = False

    @property
    def create(self) -> str:
        """Return the operation that makes the resource."""
        return f"Create{self.resource}"

    @property
    def describe(self) -> str:
        """Return the operation that tells of it."""
        return f"Describe{self.resource}"

    @property
    def name_member(self) -> str:
        """Return the member that holds its name."""
        return f"{self.resource}Name"

    @property
    def arn_member(self) -> str:
        """Return the member that holds its ARN."""
        return f"{self.resource}Arn"


RESOURCE_STEPS: dict[str, StepType] = {
    "Processing": StepType(
        resource="ProcessingJob",
        metadata="ProcessingJob",
        cache_key=("AppSpecification", "Environment", "ProcessingInputs"),
    ),
    "Training": StepType(
        resource="TrainingJob",
        metadata="TrainingJob",
        cache_key=(
            "AlgorithmSpecification",
            "CheckpointConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
        ),
    ),
    "Tuning": StepType(
        resource="HyperParameterTuningJob",
        metadata="TuningJob",
        cache_key=(
            "HyperParameterTuningJobConfig",
            "TrainingJobDefinition.AlgorithmSpecification",
            "TrainingJobDefinition.HyperParameterRanges",
            "TrainingJobDefinition.InputDataConfig",
            "TrainingJobDefinition.StaticHyperParameters",
            "TrainingJobDefinition.TuningObjective",
            "TrainingJobDefinitions",
        ),
        retries_internally=True,
    ),
    "Transform": StepType(
        resource="TransformJob",
        metadata="TransformJob",
        cache_key=("DataProcessing", "Environment", "ModelName", "TransformInput"),
    ),
    "Model": StepType(resource="Model", metadata="Model", stops=False),
    "RegisterModel": StepType(resource="ModelPackage", metadata="RegisterModel", stops=False),
}
LONGEST = {"HyperParameterTuningJob": 32}
_LONGEST = 63
_TUNING_STEP = 8


def resource_name(step_type: StepType, step: str, execution: str, prefix: str = "") -> str:
    """Make a name for what a step makes, in the execution of that ID; `prefix` is the definition's own."""
    suffix = "".join(secrets.choice(_SUFFIX) for _ in range(_SUFFIX_LENGTH))
    longest = LONGEST.get(step_type.resource, _LONGEST)
    if step_type.resource in LONGEST:
        middle = (prefix or step).replace("_", "-")[:_TUNING_STEP]
        return f"{execution}-{middle}-{suffix}"
    before = f"{prefix}-{execution}" if prefix else f"pipelines-{execution}-{step.replace('_', '-')}"
    return f"{before[: longest - _SUFFIX_LENGTH - 1]}-{suffix}"
