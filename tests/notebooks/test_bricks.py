"""bricks.ipynb, executed from top to bottom on a seat's notebook instance in the embedded AWS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.notebooks.cells import printed, shows_a_picture

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from tests.notebooks.conftest import Student

# What a student may well run a second time: it must not break, nor leave anything behind.
RUN_TWICE = {"data", "script-folder", "names", "clean-up-function", "deploy", "clean-up", "left"}
# Fewer than a student's, and enough to tell bricks apart.
BRICKS = {"EPOCHS": 4}


@pytest.fixture(scope="module")
def bricks(student: Student) -> dict[str, NotebookNode]:
    """The executed cells by their ids."""
    return student.run_on_seat("bricks.ipynb", twice=RUN_TWICE, numbers=BRICKS)


def test_the_student_s_network_learns(bricks: dict[str, NotebookNode]) -> None:
    """Trained in the notebook itself, it sorts images that it never saw, one and many, and shows pictures."""
    [accuracy] = re.findall(r"([\d.]+)% of 1000 test images", printed(bricks["evaluate"]))
    assert float(accuracy) > 90
    [right] = re.findall(r"(\d+) of 100 sorted right", printed(bricks["predict-many"]))
    assert int(right) > 85
    for cell in ("show", "curves", "mistakes", "predict", "predict-many"):
        assert shows_a_picture(bricks[cell])


def test_the_lab_s_endpoint_answers(bricks: dict[str, NotebookNode]) -> None:
    """The lab's own model names the brick in the image."""
    assert re.search(r"\w+ \(\d+\.\d%\); it is a \w+", printed(bricks["endpoint"]))


def test_the_training_job_learns(student: Student, bricks: dict[str, NotebookNode]) -> None:
    """The same network as a SageMaker training job: its log is shown, its metrics are recorded, the names are ours."""
    assert printed(bricks["train"]).count("val_accuracy=") == BRICKS["EPOCHS"]
    told = printed(bricks["job"])
    [accuracy] = re.findall(r"test:accuracy ([\d.]+)%", told)
    assert float(accuracy) > 90
    name = told.partition(":")[0]
    assert name.startswith(student.prefix)
    job = student.client("sagemaker").describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Completed"
    assert job["RoleArn"] == student.variables["BRICKLAB_ROLE"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"].startswith(student.variables["BRICKLAB_SEAT_URI"])


def test_the_student_s_endpoint_answers(bricks: dict[str, NotebookNode]) -> None:
    """The job's model, deployed, answers for one image and for many, about as well as the network in the notebook."""
    assert re.search(r"\w+ \(\d+\.\d%\); it is a \w+", printed(bricks["ask-one"]))
    [there, here, agreed] = map(int, re.findall(r"(\d+) of 100", printed(bricks["ask-many"])))
    assert min(there, here, agreed) > 85


def test_nothing_is_left_running(student: Student, bricks: dict[str, NotebookNode]) -> None:
    """After the last cells the seat has no endpoint, config, model or running job, and the notebook says so."""
    assert printed(bricks["left"]) == (
        "Endpoint: none left\nEndpointConfig: none left\nModel: none left\nTrainingJob: none running\n"
    )
    sagemaker = student.client("sagemaker")
    assert [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]] == [student.lab]
    assert not sagemaker.list_models(NameContains=student.prefix)["Models"]
    assert not sagemaker.list_endpoint_configs(NameContains=student.prefix)["EndpointConfigs"]
    running = sagemaker.list_training_jobs(NameContains=student.prefix, StatusEquals="InProgress")
    assert not running["TrainingJobSummaries"]


def test_it_writes_in_the_seat_s_part_of_the_bucket_only(student: Student, bricks: dict[str, NotebookNode]) -> None:
    """Code, drivers and model lie below seats/<seat>/; capture is the lab's endpoint's own; no bucket was made."""
    assert bricks
    new = student.written()
    assert any(key.endswith("/model.tar.gz") for key in new)
    assert all(key.startswith(f"seats/{student.seat}/") for key in new)
    names = [bucket["Name"] for bucket in student.client("s3").list_buckets()["Buckets"]]
    assert not [name for name in names if name.startswith("sagemaker-")]
