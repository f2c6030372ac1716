"""A tuning job outlives the embedded AWS that led it: it goes on behind the training jobs that it had made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.served import Served
from tests.embedded_aws.services.sagemaker.tuning.played_training_jobs import Trainings, Tunings
from tests.embedded_aws.services.sagemaker.tuning.tuning_jobs import GRID, UNIT, ended, jobs, tried, tune, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAYED: dict[str, Any] = {"TrainingJob": Trainings, "HyperParameterTuningJob": Tunings}
TAGS = [{"Key": "class", "Value": "bricks"}]


@pytest.fixture
def served(tmp_path: Path, control_url: str) -> Iterator[Served]:
    """A SageMaker whose training jobs the tests play."""
    made = Served(tmp_path, control_url)
    made.end()
    made.begin(PLAYED)
    yield made
    made.end()
    made.client.close()


def interrupted(served: Served, *, at: int, **more: Any) -> None:
    """Run a tuning job whose embedded AWS is killed while the training job of that number runs."""
    launched = iter(range(1, 100))

    def curve(given: dict[str, str]) -> list[float | None]:
        return [float(given["quality"]), *([None] if next(launched) == at else [])]

    Trainings.follow(curve)
    calls.tuning_job(served.client, Tags=TAGS, **more)
    until(
        lambda: (
            len(jobs(served.client)) == at and "FinalHyperParameterTuningJobObjectiveMetric" in jobs(served.client)[-1]
        )
    )
    served.end()
    Trainings.follow(lambda given: [float(given["quality"])])
    served.begin(PLAYED)


def test_it_tries_what_is_left(served: Served) -> None:
    """Each combination once: the training job that was lost has failed, and counts as AWS counts it."""
    interrupted(served, at=2, strategy="Grid", ranges=GRID)
    job = ended(served.client)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert tried(served.client) == ["3", "9", "1", "8"]
    assert [each["TrainingJobStatus"] for each in jobs(served.client)] == [
        "Completed",
        "Failed",
        "Completed",
        "Completed",
    ]
    assert job["TrainingJobStatusCounters"]["RetryableError"] == 1
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 1}
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"quality": "8"}
    arn = jobs(served.client)[-1]["TrainingJobArn"]
    assert served.client.list_tags(ResourceArn=arn)["Tags"] == TAGS


@pytest.mark.parametrize("strategy", ["Random", "Bayesian", "Hyperband"])
def test_it_searches_on(served: Served, strategy: str) -> None:
    """Nothing is tried twice, though the seed is the same, and no more than was asked for."""
    more = {"static": {"epochs": "3"}} if strategy == "Hyperband" else {}
    interrupted(served, at=4, strategy=strategy, ranges=UNIT, most=9, seed=7, **more)
    job = ended(served.client)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert len({*tried(served.client)}) == 9
    assert job["TrainingJobStatusCounters"]["RetryableError"] == 1


def test_a_seed_leads_to_the_same_values(served: Served) -> None:
    """At random, what is drawn after an interruption is what would have been drawn without one."""
    interrupted(served, at=3, strategy="Random", ranges=UNIT, most=6, seed=7)
    ended(served.client)
    tune(served.client, name="whole", strategy="Random", ranges=UNIT, most=6, seed=7)
    assert tried(served.client) == tried(served.client, "whole")
