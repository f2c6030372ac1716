"""What a tuning job may ask for, how it is found, listed and deleted, and what it counts for among the quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.calls import ARN, refusal
from tests.embedded_aws.services.sagemaker.tuning.played_training_jobs import Trainings, Tunings
from tests.embedded_aws.services.sagemaker.tuning.tuning_jobs import (
    GRID,
    UNIT,
    Client,
    described,
    ended,
    jobs,
    tune,
    until,
)

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.provider import Provider
    from embedded_aws.services.sagemaker.service import SageMaker

LONG = "a-name-of-three-and-thirty-letters"[:33]
WHOLE = {"IntegerParameterRanges": [{"Name": "quality", "MinValue": "1", "MaxValue": "3"}]}
NO_METRIC = (
    "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric definitions."
)
TOO_FEW = (
    "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter combinations for "
    "the provided ranges [3.0] must be equal or greater than the value of MaxNumberOfJobs, [10]. Provide additional "
    "ranges."
)


@pytest.fixture
def providers() -> dict[str, type[Provider]]:
    """Training jobs that the tests play, under the tuning jobs of the embedded SageMaker."""
    Trainings.follow(lambda given: [float(given["quality"])])
    return {"TrainingJob": Trainings, "HyperParameterTuningJob": Tunings}


def interval(low: str, high: str, *, kind: str = "Continuous", **more: str) -> dict[str, Any]:
    """ParameterRanges with one range."""
    return {f"{kind}ParameterRanges": [{"Name": "quality", "MinValue": low, "MaxValue": high, **more}]}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"ranges": interval("9", "1")}, "The range of the hyperparameter quality is upside down"),
        ({"ranges": interval("low", "1")}, "low is not a number"),
        ({"ranges": interval("0.5", "3", kind="Integer")}, "0.5 is not an integer"),
        ({"ranges": interval("0", "1", ScalingType="Logarithmic")}, "only for values greater than 0"),
        ({"ranges": interval("0", "1", ScalingType="ReverseLogarithmic")}, "only within 0<=x<1.0"),
        ({"ranges": {}}, "ParameterRanges has no hyperparameter to search."),
        ({"ranges": {**UNIT, **GRID}}, "The hyperparameter quality has 2 ranges"),
        ({"static": {"quality": "1"}}, "The hyperparameter quality has a range and a static value"),
        ({"strategy": "Guessing"}, "Member must satisfy enum value set: [Bayesian, Random, Hyperband, Grid]"),
        ({"strategy": "Grid"}, "Only categorical parameters are supported when using the Grid strategy; quality must"),
        ({"strategy": "Grid", "ranges": GRID, "most": 3}, "the total number of distinct categorical combinations, 4"),
        ({"most": 2, "parallel": 3}, "MaxParallelTrainingJobs, 3, must not be greater than MaxNumberOfTrainingJobs, 2"),
        ({"most": None}, "MaxNumberOfTrainingJobs is required"),
        ({"name": LONG}, "Member must have length less than or equal to 32"),
        ({"strategy": "Hyperband"}, "Hyperband needs MaxResource"),
        (
            {"strategy": "Hyperband", "early": "Auto", "static": {"epochs": "9"}},
            "TrainingJobEarlyStoppingType must be Off",
        ),
        (
            {"StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}}},
            "HyperbandStrategyConfig goes with the strategy Hyperband only",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": calls.IMAGE, "TrainingInputMode": "File"}},
            NO_METRIC,
        ),
        (
            {"ranges": WHOLE, "most": 10},
            TOO_FEW,
        ),
        ({"Autotune": {"Mode": "Enabled"}}, "The embedded AWS does not offer Autotune"),
        ({"ResourceConfig": {"InstanceCount": 1, "VolumeSizeInGB": 5, "KeepAlivePeriodInSeconds": 9}}, "KeepAlive"),
    ],
)
def test_what_can_not_be_is_refused(sagemaker: Client, unchecked: Client, request_: dict[str, Any], said: str) -> None:
    """A wrong request is answered with ValidationException that says what is wrong, and nothing is made."""
    wanted: dict[str, Any] = {"ranges": UNIT, "most": 3, **request_}
    code, message = refusal(calls.tuning_job, client=unchecked, **wanted)
    assert (code, said in message) == ("ValidationException", True), message
    assert sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_its_training_jobs_are_listed_as_asked(sagemaker: Client) -> None:
    """By name unless asked otherwise, page by page, by status; by objective without those that told none."""

    def curve(given: dict[str, str]) -> list[float | None]:
        if given["quality"] == "3":
            raise ValueError("broken")
        return [float(given["quality"])]

    Trainings.follow(curve)
    tune(sagemaker, strategy="Grid", ranges=GRID)

    def qualities(**asked: Any) -> list[str]:
        return [job["TunedHyperParameters"]["quality"] for job in jobs(sagemaker, **asked)]

    assert qualities(PaginationConfig={"PageSize": 3}) == ["3", "9", "1", "8"]
    assert qualities(SortBy="CreationTime", SortOrder="Descending") == ["8", "1", "9", "3"]
    assert qualities(StatusEquals="Completed") == ["9", "1", "8"]
    best_first = {"SortBy": "FinalObjectiveMetricValue", "SortOrder": "Descending"}
    assert qualities(**best_first, PaginationConfig={"PageSize": 2}) == ["9", "8", "1"]


def test_tuning_jobs_are_listed(sagemaker: Client) -> None:
    """With strategy, limits and counters; by name and status."""
    for name in ("red", "blue"):
        tune(sagemaker, name=name, strategy="Grid", ranges=GRID, parallel=2)
    found = sagemaker.list_hyper_parameter_tuning_jobs(NameContains="re", StatusEquals="Completed")
    (job,) = found["HyperParameterTuningJobSummaries"]
    assert (job["HyperParameterTuningJobName"], job["Strategy"]) == ("red", "Grid")
    assert job["ResourceLimits"] == {"MaxParallelTrainingJobs": 2}
    assert job["TrainingJobStatusCounters"]["Completed"] == 4


def test_only_an_ended_one_is_deleted(sagemaker: Client) -> None:
    """The entry goes and leaves its name; its training jobs stay."""
    Trainings.follow(lambda given: [float(given["quality"]), None])
    calls.tuning_job(sagemaker, strategy="Grid", ranges=GRID)
    name = {"HyperParameterTuningJobName": "tuning"}
    assert refusal(sagemaker.delete_hyper_parameter_tuning_job, **name)[0] == "ResourceInUse"
    sagemaker.stop_hyper_parameter_tuning_job(**name)
    ended(sagemaker)
    sagemaker.delete_hyper_parameter_tuning_job(**name)
    assert refusal(sagemaker.describe_hyper_parameter_tuning_job, **name)[0] == "ResourceNotFound"
    assert sagemaker.list_training_jobs(NameContains="tuning-")["TrainingJobSummaries"]


class Nobody:
    """Somebody who may do everything but pass a role; `asked` are the actions with the circumstances."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []

    def refusal(self, action: str, resource: str, context: Any, resource_policy: str | None = None) -> str | None:
        """No role may be passed."""
        del resource_policy
        self.asked.append((action, resource, context))
        return "not authorized to pass it" if action == "iam:PassRole" else None


def test_iam_is_asked_about_its_training_jobs(
    sagemaker: Client, service: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The definition's role must be one that the caller may pass, and its instance types are told."""
    caller = Nobody()
    monkeypatch.setattr(service, "_principal", lambda _headers: caller)
    code, message = refusal(calls.tuning_job, client=sagemaker, strategy="Grid", ranges=GRID)
    assert (code, message) == ("AccessDeniedException", "not authorized to pass it")
    creating, passing = caller.asked
    assert creating[:2] == ("sagemaker:CreateHyperParameterTuningJob", f"{ARN}:hyper-parameter-tuning-job/tuning")
    assert creating[2]["sagemaker:InstanceTypes"] == ["ml.m5.large"]
    assert passing[1] == calls.ROLE


@pytest.fixture
def two(service: SageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account may use two instances."""
    monkeypatch.setattr(service, "_quota", lambda *_, **__: 2.0)


@pytest.mark.usefixtures("two")
def test_it_needs_room_for_all_that_run_at_once(sagemaker: Client) -> None:
    """A tuning job that would run more training jobs at a time than the quota allows is refused as AWS refuses it."""
    refused = refusal(calls.tuning_job, client=sagemaker, strategy="Grid", ranges=GRID, parallel=3)
    assert refused[0] == "ResourceLimitExceeded"
    assert refused[1].startswith(
        "The account-level service limit 'ml.m5.large for training job usage' is 2 Instances, with current utilization "
        "of 0 Instances and a request delta of 3 Instances."
    )


@pytest.mark.usefixtures("two")
def test_it_waits_for_room_that_another_job_has_taken(sagemaker: Client) -> None:
    """With one instance left it runs one training job at a time, and completes."""
    Trainings.follow(lambda given: [float(given.get("quality", 0)), *([None] if "other" in given else [])])
    calls.tuning_job(sagemaker, strategy="Random", most=8, parallel=2, ranges=UNIT)
    until(lambda: _taken(sagemaker))
    assert Trainings.most <= 2
    job = ended(sagemaker)
    assert job["TrainingJobStatusCounters"]["Completed"] == 8


def _taken(sagemaker: Client) -> bool:
    """Whether a training job of somebody else's found an instance."""
    try:
        calls.training_job(sagemaker, "other", HyperParameters={"other": "yes"})
    except sagemaker.exceptions.ResourceLimitExceeded:
        return bool(described(sagemaker)["HyperParameterTuningJobStatus"] == "Completed")
    return True


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"objective": "Minimize"}, "its objective is another one"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://bucket/other"}}, None),
    ],
)
def test_a_parent_has_to_fit(sagemaker: Client, change: dict[str, Any], said: str | None) -> None:
    """A warm start from a tuning job of another objective is refused; where the models go does not matter."""
    tune(sagemaker, name="parent", strategy="Grid", ranges=GRID)
    warm = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    request: dict[str, Any] = {"most": 2, "ranges": UNIT, "WarmStartConfig": warm, **change}
    if said:
        assert said in refusal(calls.tuning_job, client=sagemaker, **request)[1]
    else:
        assert tune(sagemaker, **request)["HyperParameterTuningJobStatus"] == "Completed"
