"""Tuning jobs launch, judge and stop training jobs as AWS says; what those print, the tests decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.calls import refusal
from tests.embedded_aws.services.sagemaker.tuning.played_training_jobs import Trainings, Tunings
from tests.embedded_aws.services.sagemaker.tuning.tuning_jobs import (
    GRID,
    UNIT,
    Client,
    described,
    ended,
    jobs,
    tried,
    tune,
    until,
)

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.provider import Provider
    from embedded_aws.services.sagemaker.service import SageMaker


@pytest.fixture
def providers() -> dict[str, type[Provider]]:
    """Training jobs that the tests play, under the tuning jobs of the embedded SageMaker."""
    Trainings.follow(lambda given: [float(given["quality"])])
    return {"TrainingJob": Trainings, "HyperParameterTuningJob": Tunings}


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
