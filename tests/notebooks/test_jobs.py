"""The notebook of every kind of job, executed from top to bottom in a real kernel as its seat's own role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.notebooks.cells import printed, shows_a_picture

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from tests.notebooks.conftest import Student


@pytest.fixture(scope="module")
def executed(student: Student) -> dict[str, NotebookNode]:
    """The executed cells by their ids."""
    return student.run_file("jobs.ipynb", twice={"data", "clean-up"})


def test_the_lab_s_code_trains(executed: dict[str, NotebookNode]) -> None:
    """The lab's own script, from the archive in the bucket, as a training job of the seat's."""
    assert "train.py" in printed(executed["code"])
    [accuracy] = re.findall(r"test:accuracy: ([\d.]+)", printed(executed["first-job"]))
    assert float(accuracy) > 0.9


def test_photos_are_prepared(executed: dict[str, NotebookNode]) -> None:
    """Of 152 photos the spoilt one and the double are dropped, each with its reason; Athena counts the others."""
    assert re.search(r"152 photos: \d+ to train with, \d+ to test with, 2 dropped\.", printed(executed["prepare"]))
    report = printed(executed["prepared"])
    assert "spoilt.png: " in report
    assert "again.png: It has the same bytes as" in report
    assert shows_a_picture(executed["prepared"])
    assert shows_a_picture(executed["count"])


def test_a_folder_is_scored(executed: dict[str, NotebookNode]) -> None:
    """Each photo has its answer, and each record its own beside it, about as good as the model is."""
    assert shows_a_picture(executed["scores"])
    answers = re.findall(r"is (.+?) +answer (.+?) +\d+%", printed(executed["joined"]))
    assert len(answers) == 12
    assert sum(truth == answer for truth, answer in answers) > 8


def test_nothing_is_left_running(student: Student, executed: dict[str, NotebookNode]) -> None:
    """After the last cell the seat has no model and no job at work."""
    assert printed(executed["clean-up"]) == "models: none left\n"
    sagemaker = student.client("sagemaker")
    assert not sagemaker.list_models(NameContains=student.prefix)["Models"]
    for kind in ("training", "processing", "transform", "hyper_parameter_tuning"):
        page = getattr(sagemaker, f"list_{kind}_jobs")(StatusEquals="InProgress", NameContains=student.prefix)
        [summaries] = [value for name, value in page.items() if name.endswith("Summaries")]
        assert summaries == []


def test_it_writes_in_the_seat_s_part_of_the_bucket_only(
    student: Student, executed: dict[str, NotebookNode]
) -> None:
    """Photos, arrays, tables, scores and models lie below seats/<seat>/."""
    assert executed
    new = student.keys() - student.keys_before
    assert any(key.endswith(".out") for key in new)
    assert all(key.startswith(f"seats/{student.seat}/") for key in new)
