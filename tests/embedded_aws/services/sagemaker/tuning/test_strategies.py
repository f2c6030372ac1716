"""What each strategy tries, and which training jobs are ended early."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.embedded_aws.services.sagemaker.tuning.played_training_jobs import Trainings, Tunings
from tests.embedded_aws.services.sagemaker.tuning.tuning_jobs import GRID, UNIT, Client, described, jobs, tried, tune

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.provider import Provider


@pytest.fixture
def providers() -> dict[str, type[Provider]]:
    """Training jobs that the tests play, under the tuning jobs of the embedded SageMaker."""
    Trainings.follow(lambda given: [float(given["quality"])])
    return {"TrainingJob": Trainings, "HyperParameterTuningJob": Tunings}


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


def test_early_stopping_looks_at_completed_jobs_only(sagemaker: Client) -> None:
    """What was stopped itself does not lower the median for those that come after it."""
    Trainings.follow(lambda given: [float(given["quality"]) + epoch / 10 for epoch in range(3)])
    grid = {"CategoricalParameterRanges": [{"Name": "quality", "Values": ["5", "9", "1", "6"]}]}
    tune(sagemaker, strategy="Grid", ranges=grid, early="Auto")
    made = {each["TunedHyperParameters"]["quality"]: each["TrainingJobName"] for each in jobs(sagemaker)}
    assert {quality: Trainings.epochs[name] for quality, name in made.items()} == {"5": 3, "9": 3, "1": 1, "6": 1}


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
