"""Tuning jobs launch, judge and stop training jobs as AWS says; what those print, the tests decide."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.control import calls
from tests.emulator.control.calls import refusal
from tests.emulator.control.trainings import Trainings, Tunings

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.sagemaker.behaviour import Behaviour
    from emulator.sagemaker.service import SageMaker

GRID = {"CategoricalParameterRanges": [{"Name": "quality", "Values": ["3", "9", "1", "8"]}]}
UNIT = {"ContinuousParameterRanges": [{"Name": "quality", "MinValue": "0", "MaxValue": "1"}]}
Client = Any
Job = dict[str, Any]


@pytest.fixture
def behaviours() -> dict[str, type[Behaviour]]:
    """Training jobs that the tests play, under the tuning jobs of the embedded SageMaker."""
    Trainings.follow(lambda given: [float(given["quality"])])
    return {"TrainingJob": Trainings, "HyperParameterTuningJob": Tunings}


def ended(client: Client, name: str = "tuning") -> Job:
    """Wait for a tuning job's end; what Describe answers then."""
    deadline = time.monotonic() + 30
    while (job := described(client, name))["HyperParameterTuningJobStatus"] in ("InProgress", "Stopping"):
        assert time.monotonic() < deadline, job
        time.sleep(0.01)
    return job


def described(client: Client, name: str = "tuning") -> Job:
    """DescribeHyperParameterTuningJob."""
    answer: Job = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return answer


def tune(client: Client, **more: Any) -> Job:
    """Run a tuning job to its end."""
    calls.tuning_job(client, **more)
    return ended(client, more.get("name", "tuning"))


def jobs(client: Client, name: str = "tuning", **more: Any) -> list[Job]:
    """Its training jobs, in the order of their numbers."""
    operation = client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    pages = operation.paginate(HyperParameterTuningJobName=name, **more)
    return [job for page in pages for job in page["TrainingJobSummaries"]]


def tried(client: Client, name: str = "tuning") -> list[str]:
    """The values that were tried, in the order of the training jobs' numbers."""
    return [job["TunedHyperParameters"]["quality"] for job in jobs(client, name)]


def test_it_tries_so_many_and_keeps_the_best(sagemaker: Client) -> None:
    """As many training jobs as asked for run, never more at a time than allowed, and the best of them is told."""
    job = tune(sagemaker, strategy="Random", most=7, parallel=3, ranges=UNIT)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 7
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 7, "Pending": 0, "Failed": 0}
    assert Trainings.most == 3
    best = job["BestTrainingJob"]
    assert best["TunedHyperParameters"]["quality"] == max(tried(sagemaker), key=float)
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == max(map(float, tried(sagemaker)))
    assert best["ObjectiveStatus"] == "Succeeded"


def test_the_best_is_the_least_when_it_minimizes(sagemaker: Client) -> None:
    """Minimize turns the order round."""
    job = tune(sagemaker, strategy="Grid", ranges=GRID, objective="Minimize")
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"quality": "1"}


def test_training_jobs_know_their_tuning_job(sagemaker: Client) -> None:
    """They bear its name and a number, its tags, the objective's name, and static hyperparameters beside the tuned."""
    tags = [{"Key": "class", "Value": "bricks"}]
    job = tune(sagemaker, strategy="Grid", ranges=GRID, static={"epochs": "3"}, Tags=tags)
    names = [each["TrainingJobName"] for each in jobs(sagemaker)]
    assert [name[:-8] for name in names] == [f"tuning-00{number}-" for number in (1, 2, 3, 4)]
    training = sagemaker.describe_training_job(TrainingJobName=names[1])
    assert training["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert training["HyperParameters"] == {"epochs": "3", "quality": "9", "_tuning_objective_metric": "score"}
    assert sagemaker.list_tags(ResourceArn=training["TrainingJobArn"])["Tags"] == tags


def test_grid_tries_every_combination_once(sagemaker: Client) -> None:
    """The number of training jobs is the number of combinations, and needs not be given."""
    ranges = {"CategoricalParameterRanges": [*GRID["CategoricalParameterRanges"], {"Name": "of", "Values": ["a", "b"]}]}
    job = tune(sagemaker, strategy="Grid", ranges=ranges, parallel=4)
    assert job["TrainingJobStatusCounters"]["Completed"] == 8
    combinations = Counter(tuple(each["TunedHyperParameters"].values()) for each in jobs(sagemaker))
    assert len(combinations) == 8


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_a_seed_makes_it_reproducible(sagemaker: Client, strategy: str) -> None:
    """With one seed two tuning jobs try the same, one at a time; with another seed, others."""
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        tune(sagemaker, name=name, strategy=strategy, most=6, ranges=UNIT, seed=seed)
    assert tried(sagemaker, "first") == tried(sagemaker, "again") != tried(sagemaker, "other")


def test_no_combination_is_tried_twice(sagemaker: Client) -> None:
    """As many jobs as there are combinations try each of them, even if the sampler would repeat itself."""
    ranges = {"IntegerParameterRanges": [{"Name": "quality", "MinValue": "1", "MaxValue": "9"}]}
    tune(sagemaker, most=9, ranges=ranges, seed=1)
    assert sorted(tried(sagemaker)) == [str(value) for value in range(1, 10)]


@pytest.mark.parametrize(
    ("scale", "low", "high", "half"),
    [
        ("Linear", "0.001", "0.999", (0.4, 0.6)),
        ("Logarithmic", "0.001", "0.999", (0.001, 0.2)),
        ("Auto", "0.001", "0.999", (0.001, 0.2)),
        ("ReverseLogarithmic", "0", "0.999", (0.8, 0.999)),
    ],
)
def test_values_lie_on_the_scale_of_their_range(
    sagemaker: Client, scale: str, low: str, high: str, half: tuple[float, float]
) -> None:
    """The middle of what a random search tries is the middle of the scale, and nothing lies outside of the range."""
    ranges = {
        "ContinuousParameterRanges": [{"Name": "quality", "MinValue": low, "MaxValue": high, "ScalingType": scale}]
    }
    tune(sagemaker, strategy="Random", most=40, parallel=10, ranges=ranges, seed=3)
    values = sorted(map(float, tried(sagemaker)))
    assert float(low) <= values[0]
    assert values[-1] <= float(high)
    assert half[0] < values[20] < half[1]


def test_bayesian_search_closes_in(sagemaker: Client) -> None:
    """Its later half of trials is nearer to the optimum than its first."""
    Trainings.follow(lambda given: [-((float(given["quality"]) - 0.3) ** 2)])
    tune(sagemaker, strategy="Bayesian", most=24, ranges=UNIT, seed=5)
    far = [abs(float(value) - 0.3) for value in tried(sagemaker)]
    assert sum(far[12:]) < sum(far[:12]) / 2


def test_early_stopping_ends_what_is_worse_than_the_median(sagemaker: Client) -> None:
    """A job whose objective is worse than the median of the earlier jobs' running averages is stopped at that epoch."""
    Trainings.follow(lambda given: [float(given["quality"]) + epoch / 10 for epoch in range(3)])
    job = tune(sagemaker, strategy="Grid", ranges=GRID, early="Auto")
    states = {each["TunedHyperParameters"]["quality"]: each["TrainingJobStatus"] for each in jobs(sagemaker)}
    assert states == {"3": "Completed", "9": "Completed", "1": "Stopped", "8": "Completed"}
    assert [Trainings.epochs[each["TrainingJobName"]] for each in jobs(sagemaker)] == [3, 3, 1, 3]
    assert job["TrainingJobStatusCounters"]["Stopped"] == 1
    assert job["ObjectiveStatusCounters"]["Succeeded"] == 4


def test_without_early_stopping_all_go_to_their_end(sagemaker: Client) -> None:
    """Off is the default."""
    Trainings.follow(lambda given: [float(given["quality"]) + epoch / 10 for epoch in range(3)])
    assert tune(sagemaker, strategy="Grid", ranges=GRID)["TrainingJobStatusCounters"]["Completed"] == 4


def test_hyperband_gives_epochs_to_the_best(sagemaker: Client) -> None:
    """Jobs end at its rungs, none before MinResource or after MaxResource; the better half gets more epochs."""
    Trainings.follow(lambda given: [float(given["quality"]) + epoch / 1000 for epoch in range(12)])
    band = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}
    job = tune(sagemaker, strategy="Hyperband", most=24, parallel=2, ranges=UNIT, seed=2, StrategyConfig=band)
    epochs = [Trainings.epochs[each["TrainingJobName"]] for each in jobs(sagemaker, SortBy="FinalObjectiveMetricValue")]
    assert set(epochs) <= {1, 3, 9, 10}
    assert {1, 3} & set(epochs)
    assert sum(epochs[12:]) > sum(epochs[:12])
    assert job["HyperParameterTuningJobStatus"] == "Completed"


def test_hyperband_reads_its_epochs_off_the_hyperparameters(sagemaker: Client) -> None:
    """Without MaxResource the static hyperparameter epochs is it, and a job that ends there by itself has completed."""
    Trainings.follow(lambda given: [float(given["quality"]) + epoch / 1000 for epoch in range(3)])
    tune(sagemaker, strategy="Hyperband", most=6, ranges=UNIT, static={"epochs": "3"}, seed=1)
    completed = [each for each in jobs(sagemaker) if each["TrainingJobStatus"] == "Completed"]
    assert completed
    assert all(Trainings.epochs[each["TrainingJobName"]] == 3 for each in completed)


def test_it_completes_at_its_target(sagemaker: Client) -> None:
    """When an objective is as good as the target, nothing more is launched and what runs is stopped."""
    Trainings.follow(lambda given: [float(given["quality"]), *([] if given["quality"] == "9" else [None])])
    criteria = {"TargetObjectiveMetricValue": 8.5}
    job = tune(sagemaker, strategy="Grid", ranges=GRID, parallel=2, TuningJobCompletionCriteria=criteria)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert [each["TrainingJobStatus"] for each in jobs(sagemaker)] == ["Stopped", "Completed"]
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"quality": "9"}


def test_it_completes_when_nothing_improves_any_more(sagemaker: Client) -> None:
    """So many jobs without an improvement of 1% end it."""
    values = ["9", "9.01", "8", "9.02", "7", "99"]
    ranges = {"CategoricalParameterRanges": [{"Name": "quality", "Values": values}]}
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    job = tune(sagemaker, strategy="Grid", ranges=ranges, TuningJobCompletionCriteria=criteria)
    assert tried(sagemaker) == values[:4]
    assert job["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] == 3


def test_it_completes_after_its_longest_time(
    sagemaker: Client, service: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MaxRuntimeInSeconds stops what runs then."""
    Trainings.follow(lambda given: [float(given["quality"]), None])
    calls.tuning_job(sagemaker, strategy="Random", most=9, ranges=UNIT, MaxRuntimeInSeconds=600)
    monkeypatch.setattr(service.context.clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=601))
    job = ended(sagemaker)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert [each["TrainingJobStatus"] for each in jobs(sagemaker)] == ["Stopped"]
    assert job["ConsumedResources"]["RuntimeInSeconds"] >= 600


def test_stop_stops_the_training_jobs(sagemaker: Client) -> None:
    """Stopping until they have ended, then Stopped; the best so far is kept; a second stop is refused."""
    Trainings.follow(lambda given: [float(given["quality"]), *([] if given["quality"] == "3" else [None])])
    calls.tuning_job(sagemaker, strategy="Grid", ranges=GRID, parallel=2)
    until(lambda: len(jobs(sagemaker)) == 3 and Trainings.epochs[jobs(sagemaker)[2]["TrainingJobName"]])
    name = {"HyperParameterTuningJobName": "tuning"}
    sagemaker.stop_hyper_parameter_tuning_job(**name)
    assert described(sagemaker)["HyperParameterTuningJobStatus"] in ("Stopping", "Stopped")
    job = ended(sagemaker)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert [each["TrainingJobStatus"] for each in jobs(sagemaker)] == ["Completed", "Stopped", "Stopped"]
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"quality": "3"}
    assert refusal(sagemaker.stop_hyper_parameter_tuning_job, **name) == (
        "ValidationException",
        "The request was rejected because the hyperparameter tuning job is in status Stopped.",
    )


def test_it_fails_when_no_training_job_succeeds(sagemaker: Client) -> None:
    """After five attempts, in AWS's words."""

    def broken(_: dict[str, str]) -> list[float | None]:
        raise ValueError("no bricks")

    Trainings.follow(broken)
    job = tune(sagemaker, strategy="Random", most=20, ranges=UNIT)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after 5 attempts. For additional details")
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 5
    assert jobs(sagemaker)[0]["FailureReason"] == "AlgorithmError: no bricks"
    assert "BestTrainingJob" not in job


def test_it_fails_when_no_objective_is_told(sagemaker: Client) -> None:
    """A metric that never matches fails the tuning job, though the training jobs complete."""
    Trainings.follow(lambda _: [])
    job = tune(sagemaker, strategy="Random", most=20, ranges=UNIT)
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No objective metrics found after running 5 training jobs.")
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 5}


def test_a_training_job_that_fails_is_passed_over(sagemaker: Client) -> None:
    """The others go on, and the best is one of them."""

    def curve(given: dict[str, str]) -> list[float | None]:
        if given["quality"] == "9":
            raise ValueError("too good to be true")
        return [float(given["quality"])]

    Trainings.follow(curve)
    job = tune(sagemaker, strategy="Grid", ranges=GRID)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 1
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"quality": "8"}


def test_a_warm_start_learns_from_earlier_training_jobs(sagemaker: Client) -> None:
    """The new tuning job begins near the parent's best, and the best of both is told."""
    Trainings.follow(lambda given: [-((float(given["quality"]) - 0.3) ** 2)])
    tune(sagemaker, name="parent", strategy="Random", most=30, parallel=5, ranges=UNIT, seed=5)
    parents = [{"HyperParameterTuningJobName": "parent"}]
    warm = {"ParentHyperParameterTuningJobs": parents, "WarmStartType": "IdenticalDataAndAlgorithm"}
    for name, more in (("cold", {}), ("warm", {"WarmStartConfig": warm})):
        tune(sagemaker, name=name, strategy="Bayesian", most=8, ranges=UNIT, seed=1, **more)
    far = {name: sum(abs(float(value) - 0.3) for value in tried(sagemaker, name)) for name in ("cold", "warm")}
    assert far["warm"] < far["cold"]
    both = [*jobs(sagemaker, "parent"), *jobs(sagemaker, "warm")]
    best = max(both, key=lambda job: job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
    told = described(sagemaker, "warm")["OverallBestTrainingJob"]
    assert told["TrainingJobName"] == best["TrainingJobName"]


def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition to hold."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
