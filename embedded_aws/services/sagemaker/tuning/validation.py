"""What a tuning job may ask for: AWS's rules between the members of a request, and what only AWS can carry out.

AWS's sentences, as users quote them: "A metric is required …" (aws/sagemaker-python-sdk#3932), "You don't have enough
combinations …" (aws/amazon-sagemaker-operator-for-k8s#123). The rules of the others stand in SageMaker's guide and
reference. Not compared with AWS: their wording.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import built_in_algorithms
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.resource_types.tuning import training_resources
from embedded_aws.services.sagemaker.training import validation
from embedded_aws.services.sagemaker.tuning import ranges, strategies, training_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RANGES = (*ranges.NUMERIC, ranges.CATEGORICAL)
_MOST_RANGES = 30  # ParameterRanges' documentation
_MOST_EPOCHS = 20_000  # HyperbandStrategyConfig's


def check(request: Mapping[str, Any]) -> None:
    """Raise ValidationException for the first thing that is wrong with a CreateHyperParameterTuningJob."""
    lacking = [*_not_offered(request)]
    if lacking:
        raise validation_exception(f"The embedded AWS does not offer {', '.join(lacking)}; tune with this on AWS.")
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    try:
        space = strategies.search_space(config)
    except ranges.RangeError as error:
        raise validation_exception(str(error)) from error
    static = definition.get("StaticHyperParameters", {})
    for problem in (
        *_resource_problems(definition),
        *built_in_algorithms.problems(definition["AlgorithmSpecification"]),
        *_metric_problems(config, definition),
        *_range_problems(config, static, space),
        *built_in_algorithms.range_problems(definition["AlgorithmSpecification"], [each.name for each in space]),
        *_limit_problems(config, space),
        *_hyperband_problems(config, static),
    ):
        raise validation_exception(problem)
    validation.check_offered(
        training_jobs.request(request["HyperParameterTuningJobName"], definition, {}, objective="", tags=[])
    )


def _not_offered(request: Mapping[str, Any]) -> Iterator[str]:
    definition = request.get("TrainingJobDefinition", {})
    if not definition:
        yield "tuning without a TrainingJobDefinition"
    elif not training_resources(definition):
        yield "tuning without TrainingJobDefinition.ResourceConfig"


def _resource_problems(definition: Mapping[str, Any]) -> Iterator[str]:
    """Yield problems by HyperParameterTuningResourceConfig's reference, and what is said in two ways."""
    flexible = definition.get("HyperParameterTuningResourceConfig", {})
    if flexible and "ResourceConfig" in definition:
        yield "Give TrainingJobDefinition either ResourceConfig or HyperParameterTuningResourceConfig."
    if "InstanceConfigs" in flexible and flexible.keys() & {"InstanceType", "InstanceCount", "VolumeSizeInGB"}:
        yield "With InstanceConfigs, InstanceType, InstanceCount and VolumeSizeInGB are said there and nowhere else."


def _metric_problems(config: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[str]:
    metrics = {each["Name"] for each in built_in_algorithms.metric_definitions(definition["AlgorithmSpecification"])}
    if config.get("HyperParameterTuningJobObjective", {}).get("MetricName") not in metrics:
        yield (
            "A metric is required for this hyperparameter tuning job objective. "
            "Provide a metric in the metric definitions."
        )


def _range_problems(
    config: Mapping[str, Any], static: Mapping[str, str], space: tuple[ranges.Parameter, ...]
) -> Iterator[str]:
    names = Counter(each.name for each in space)
    if not names:
        yield "ParameterRanges has no hyperparameter to search."
    if names.total() > _MOST_RANGES:
        yield f"ParameterRanges has {names.total()} hyperparameters; a tuning job searches at most {_MOST_RANGES}."
    for name, count in names.items():
        if count > 1:
            yield f"The hyperparameter {name} has {count} ranges; it can have one."
        if name in static:
            yield f"The hyperparameter {name} has a range and a static value; it can have one of them."
    numeric = [each["Name"] for kind in ranges.NUMERIC for each in config["ParameterRanges"].get(kind, ())]
    if config["Strategy"] == "Grid" and numeric:
        yield (
            "Only categorical parameters are supported when using the Grid strategy; "
            f"{', '.join(numeric)} must be in CategoricalParameterRanges."
        )


def _limit_problems(config: Mapping[str, Any], space: tuple[ranges.Parameter, ...]) -> Iterator[str]:
    limits, there = config["ResourceLimits"], ranges.size(space)
    most, parallel = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    if most is not None and parallel > most:
        yield f"MaxParallelTrainingJobs, {parallel}, must not be greater than MaxNumberOfTrainingJobs, {most}."
    if config["Strategy"] == "Grid":
        if most is not None and most != there:
            yield (
                "With the Grid strategy, MaxNumberOfTrainingJobs can be left out or must equal the total number of "
                f"distinct categorical combinations, {there:.0f}; it is {most}."
            )
        return
    if most is not None and there < most:
        yield (
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter "
            f"combinations for the provided ranges [{float(there)}] must be equal or greater than the value of "
            f"MaxNumberOfJobs, [{most}]. Provide additional ranges."
        )
    ends = limits.keys() | config.get("TuningJobCompletionCriteria", {}).keys()
    if not ends & {"MaxNumberOfTrainingJobs", "MaxRuntimeInSeconds", "TargetObjectiveMetricValue"}:
        yield "MaxNumberOfTrainingJobs is required, unless MaxRuntimeInSeconds or a completion criterion ends the job."


def _hyperband_problems(config: Mapping[str, Any], static: Mapping[str, str]) -> Iterator[str]:
    if config["Strategy"] != "Hyperband":
        if "HyperbandStrategyConfig" in config.get("StrategyConfig", {}):
            yield f"HyperbandStrategyConfig goes with the strategy Hyperband only, and this is {config['Strategy']}."
        return
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        yield "TrainingJobEarlyStoppingType must be Off with the strategy Hyperband, which stops training jobs itself."
    least = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {}).get("MinResource", 1)
    longest = strategies.max_resource(config, static)
    if longest is None:
        yield (
            "Hyperband needs MaxResource in HyperbandStrategyConfig, or a static hyperparameter epochs, numepochs, "
            "n-epochs, n_epochs or num_epochs that is a whole number."
        )
    elif not least <= longest <= _MOST_EPOCHS:
        yield f"MaxResource, {longest}, must be from MinResource, {least}, to {_MOST_EPOCHS}."
