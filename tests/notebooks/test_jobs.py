"""jobs.ipynb, executed from top to bottom on a seat's notebook instance in the embedded AWS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.notebooks.cells import printed, shows_a_picture

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from tests.notebooks.conftest import Student

# Fewer than a student's, and enough to tell bricks apart.
JOBS = {"EPOCHS": 3, "TRIALS": 2}


@pytest.fixture(scope="module")
def jobs(student: Student) -> dict[str, NotebookNode]:
    """The executed cells by their ids."""
    return student.run_on_seat("jobs.ipynb", twice={"data", "clean-up"}, numbers=JOBS)


def test_the_lab_s_code_trains(jobs: dict[str, NotebookNode]) -> None:
    """The lab's own script, from the archive in the bucket, as a training job of the seat's."""
    assert "train.py" in printed(jobs["code"])
    [accuracy] = re.findall(r"test:accuracy: ([\d.]+)", printed(jobs["first-job"]))
    assert float(accuracy) > 0.9


def test_photos_are_prepared(jobs: dict[str, NotebookNode]) -> None:
    """Of 152 photos the spoilt one and the double are dropped, each with its reason; Athena counts the others."""
    assert re.search(r"152 photos: \d+ to train with, \d+ to test with, 2 dropped\.", printed(jobs["prepare"]))
    report = printed(jobs["prepared"])
    assert "spoilt.png: " in report
    assert "again.png: It has the same bytes as" in report
    assert shows_a_picture(jobs["prepared"])
    assert shows_a_picture(jobs["count"])


def test_a_machine_is_used_twice(jobs: dict[str, NotebookNode]) -> None:
    """The second job takes over the first one's warm pool; both say how long they took."""
    assert len(re.findall(r"job \d: [\d.]+ s from the request to the end", printed(jobs["warm"]))) == 2
    assert re.findall(r": (\w+) ", printed(jobs["pools"])) == ["Reused", "Available"]


def test_another_backend_learns_as_well(jobs: dict[str, NotebookNode]) -> None:
    """JAX, which the job installs from the archive's requirements.txt."""
    [accuracy] = re.findall(r"test:accuracy: ([\d.]+)", printed(jobs["backends"]))
    assert float(accuracy) > 0.9


def test_a_folder_is_scored(jobs: dict[str, NotebookNode]) -> None:
    """Each photo has its answer, and each record its own beside it, about as good as the model is."""
    assert shows_a_picture(jobs["scores"])
    answers = re.findall(r"is (.+?) +answer (.+?) +\d+%", printed(jobs["joined"]))
    assert len(answers) == 12
    assert sum(truth == answer for truth, answer in answers) > 8


def test_people_label_photos(jobs: dict[str, NotebookNode]) -> None:
    """A training job reads the manifest of what three people say; the network finds where they err."""
    assert shows_a_picture(jobs["label-photos"])
    said = printed(jobs["label-answers"])
    assert "you labelled 0 photos; people disagree on " in said
    assert re.findall(r"(\w+): \d+% as the others see it", said) == ["anna", "bert", "carl"]
    assert '"type": "groundtruth/image-classification"' in printed(jobs["label-manifest"])
    assert "Completed" in printed(jobs["label-train"])
    assert "test:accuracy: " in printed(jobs["label-train"])
    [differ] = re.findall(r"people and network disagree on (\d+) of 50 photos", printed(jobs["label-disagree"]))
    assert 0 < int(differ) < 25


def test_no_job_is_left_running(student: Student, jobs: dict[str, NotebookNode]) -> None:
    """After the last cell the seat has no model and no job at work."""
    assert printed(jobs["clean-up"]) == "models: none left\n"
    sagemaker = student.client("sagemaker")
    assert not sagemaker.list_models(NameContains=student.prefix)["Models"]
    for kind in ("training", "processing", "transform", "hyper_parameter_tuning"):
        page = getattr(sagemaker, f"list_{kind}_jobs")(StatusEquals="InProgress", NameContains=student.prefix)
        [summaries] = [value for name, value in page.items() if name.endswith("Summaries")]
        assert summaries == []


def test_jobs_write_in_the_seat_s_part_of_the_bucket_only(student: Student, jobs: dict[str, NotebookNode]) -> None:
    """Photos, arrays, tables, scores and models lie below seats/<seat>/."""
    assert jobs
    new = student.written()
    assert any(key.endswith(".out") for key in new)
    assert all(key.startswith(f"seats/{student.seat}/") for key in new)
