"""pipeline.ipynb, executed from top to bottom on a seat's notebook instance in the embedded AWS."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.notebooks.cells import printed, shows_a_picture

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from tests.notebooks.conftest import Student

NUMBERS = {"EPOCHS": 1, "IMAGES": 1000}


@pytest.fixture(scope="module")
def cells(student: Student) -> dict[str, NotebookNode]:
    """The executed cells by their ids."""
    return student.run_on_seat("pipeline.ipynb", twice={"clean-up", "left"}, numbers=NUMBERS)


def ends(cell: NotebookNode) -> dict[str, str]:
    """Return the last state of each step that a cell shows."""
    return dict(re.findall(r"^[\d:]{8}  (\w+) +(\w+)", printed(cell), re.MULTILINE))


def test_it_runs_from_the_data_to_a_version(cells: dict[str, NotebookNode]) -> None:
    """Each step succeeds, the branch that is not taken does not run, and the graph is drawn."""
    assert ends(cells["first"]) == dict.fromkeys(
        ("Prepare", "Train", "Evaluate", "GoodEnough", "Register"), "Succeeded"
    )
    assert shows_a_picture(cells["first-picture"])


def test_what_is_the_same_serves_again(cells: dict[str, NotebookNode]) -> None:
    """With other epochs the prepared data, and below an accuracy that nobody reaches everything but the decision."""
    again = dict.fromkeys(("Train", "Evaluate", "GoodEnough", "Register"), "Succeeded")
    assert ends(cells["second"]) == {"Prepare": "cached", **again}
    [first] = re.findall(r"^(\w+)  Succeeded +the defaults$", printed(cells["executions"]), re.MULTILINE)
    assert f"Prepare serves again from {first}\n" in printed(cells["second"])
    cached = dict.fromkeys(("Prepare", "Train", "Evaluate"), "cached")
    assert ends(cells["third"]) == {**cached, "GoodEnough": "Succeeded", "TooLow": "Failed"}
    assert printed(cells["third"]).splitlines()[-1] == "The accuracy is below 1.01"
    assert shows_a_picture(cells["third"])


def test_the_better_version_is_approved_and_answers(cells: dict[str, NotebookNode]) -> None:
    """Ten times the epochs sort better; a model made of that package sorts as the evaluation said."""
    found = re.findall(r"version (\d): ([\d.]+)%, PendingManualApproval", printed(cells["versions"]))
    assert [number for number, _ in found] == ["1", "2"]
    assert float(found[0][1]) < float(found[1][1])
    assert printed(cells["approve"]).splitlines()[1] == "version 2: Approved The best of 2."
    said = re.search(r"version 2 sorts (\d+)% of 200 right; the pipeline said (\d+)%", printed(cells["ask"]))
    assert said, printed(cells["ask"])
    assert int(said[1]) == pytest.approx(int(said[2]), abs=12)
    assert shows_a_picture(cells["versions-picture"])


def test_every_job_is_the_seat_s(student: Student, cells: dict[str, NotebookNode]) -> None:
    """Two trainings and three processing jobs, below the seat's prefix, by its role; nothing anywhere else."""
    assert cells
    sagemaker = student.client("sagemaker")
    role = student.variables["BRICKLAB_ROLE"]
    for kind, what in (("training", ["train"] * 2), ("processing", ["evaluate", "evaluate", "prepare"])):
        member = f"{kind.capitalize()}Job"
        # The other notebooks' jobs are there too: more than a page of them.
        pages = sagemaker.get_paginator(f"list_{kind}_jobs").paginate(NameContains=student.prefix)
        names = [each[f"{member}Name"] for page in pages for each in page[f"{member}Summaries"]]
        made = [name for name in names if name.removeprefix(student.prefix).partition("-")[0] in what]
        jobs = [getattr(sagemaker, f"describe_{kind}_job")(**{f"{member}Name": name}) for name in made]
        steps = [job for job in jobs if "pipeline/" in str(job.get("OutputDataConfig", job.get("ProcessingInputs")))]
        assert sorted(job[f"{member}Name"].removeprefix(student.prefix).partition("-")[0] for job in steps) == what
        assert {job["RoleArn"] for job in steps} == {role}
    assert not sagemaker.list_training_jobs(NameContains="pipelines-")["TrainingJobSummaries"]


def test_nothing_is_left(student: Student, cells: dict[str, NotebookNode]) -> None:
    """No endpoint, config, model, pipeline, version or group, as the notebook says; files are the seat's."""
    kinds = ("endpoint", "endpoint_config", "model", "pipeline", "model_package", "model_package_group")
    assert printed(cells["left"]) == "".join(f"{kind}s: none left\n" for kind in kinds) + "jobs: none running\n"
    sagemaker = student.client("sagemaker")
    assert not sagemaker.list_pipelines()["PipelineSummaries"]
    assert not sagemaker.list_model_package_groups(NameContains=student.prefix)["ModelPackageGroupSummaryList"]
    assert not sagemaker.list_models(NameContains=student.prefix)["Models"]
    assert [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]] == [student.lab]
    assert all(key.startswith(f"seats/{student.seat}/") for key in student.written())
