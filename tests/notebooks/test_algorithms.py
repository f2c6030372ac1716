"""The students' notebook on AWS's own algorithms, executed from top to bottom on a seat's notebook instance."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli import paths
from tests.notebooks.cells import printed, shows_a_picture
from tests.notebooks.test_every_notebook import VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

    from tests.notebooks.conftest import Student

NUMBERS = {"EPOCHS": 20, "ROUNDS": 10, "IMAGES": 1000}


@pytest.fixture(scope="module")
def cells(student: Student) -> dict[str, NotebookNode]:
    """The executed cells by their ids."""
    return student.run_on_seat("algorithms.ipynb", twice={"data", "clean-up", "left"}, numbers=NUMBERS)


def numbers(pattern: str, cell: NotebookNode) -> list[float]:
    """Return the numbers in what the first match of a pattern in a cell's text has as its groups."""
    found = re.search(pattern, printed(cell))
    assert found, printed(cell)
    return [float(each) for each in found.groups()]


def test_regression(cells: dict[str, NotebookNode]) -> None:
    """The test channel's metric is the error of what a transform job answers, and as small as scikit-learn's."""
    [squared] = numbers(r"test:mse ([\d.e+]+)", cells["linear"])
    ours, theirs, mean = numbers(
        r"linear learner ([\d.]+), scikit-learn ([\d.]+), always the mean ([\d.]+)", cells["linear-compare"]
    )
    assert squared == pytest.approx(ours**2, rel=0.01)
    assert ours < 1.05 * theirs < 0.8 * mean
    assert shows_a_picture(cells["diabetes"])
    assert shows_a_picture(cells["linear-compare"])


def test_classification(cells: dict[str, NotebookNode]) -> None:
    """The endpoint sorts as many wrong as the job's metric says, about as well as scikit-learn's forest."""
    [wrong] = numbers(r"validation:merror ([\d.e-]+)", cells["xgboost"])
    ours, theirs = numbers(r"XGBoost sorts ([\d.]+)% right, scikit-learn's forest ([\d.]+)%", cells["confusion"])
    assert ours == pytest.approx(100 * (1 - wrong), abs=0.2)
    assert ours > max(80, theirs - 10)
    assert shows_a_picture(cells["small"])
    assert shows_a_picture(cells["confusion"])


def test_clustering(cells: dict[str, NotebookNode]) -> None:
    """Centroids are pictures; images are about as near to them as to scikit-learn's, and the metric says how near."""
    [metric] = numbers(r"test:msd ([\d.e+]+)", cells["kmeans"])
    ours, theirs, mean = numbers(
        r"AWS's k-means ([\d.e+]+), scikit-learn's ([\d.e+]+), to the mean of all ([\d.e+]+)", cells["kmeans-compare"]
    )
    assert ours == pytest.approx(metric, rel=0.01)
    assert ours < 1.1 * theirs < mean
    assert shows_a_picture(cells["centroids"])
    assert shows_a_picture(cells["kmeans-compare"])


def test_recommendation(cells: dict[str, NotebookNode]) -> None:
    """Better than what knows nobody's taste, worse than the rule behind the ratings; the endpoint is the same one."""
    off = [float(each) for each in re.findall(r": ([\d.]+) stars off", printed(cells["machines-compare"]))]
    ours, ridge, mean, rule = off
    [metric] = numbers(r"test:rmse ([\d.]+)", cells["machines"])
    assert ours == pytest.approx(metric, abs=0.01)
    assert rule < ours < 0.8 * ridge < mean
    assert len(re.findall(r"set +\d+: [\d.]+ stars", printed(cells["recommend"]))) == 5
    assert shows_a_picture(cells["machines-compare"])
    first, second = (printed(cells[name]).partition(":")[0] for name in ("xgboost-ask", "machines-ask"))
    assert first == second


def test_every_job_is_the_seat_s_and_has_ended(student: Student, cells: dict[str, NotebookNode]) -> None:
    """Four training jobs and two transform jobs, below the seat's prefix, by its role."""
    assert cells
    sagemaker = student.client("sagemaker")
    trained = sagemaker.list_training_jobs(NameContains=student.prefix)["TrainingJobSummaries"]
    transformed = sagemaker.list_transform_jobs(NameContains=student.prefix)["TransformJobSummaries"]
    assert [each["TrainingJobStatus"] for each in trained] == ["Completed"] * 4
    assert [each["TransformJobStatus"] for each in transformed] == ["Completed"] * 2
    for each in trained:
        job = sagemaker.describe_training_job(TrainingJobName=each["TrainingJobName"])
        assert job["RoleArn"] == student.variables["BRICKLAB_ROLE"]


def test_nothing_is_left(student: Student, cells: dict[str, NotebookNode]) -> None:
    """No endpoint, config, model or warm pool, as the notebook says; files lie in the seat's part of the bucket."""
    assert printed(cells["left"]) == (
        "endpoints: none left\nendpoint_configs: none left\nmodels: none left\njobs: none running\n"
        "warm pools: none waiting\n"
    )
    sagemaker = student.client("sagemaker")
    assert [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]] == [student.lab]
    assert not sagemaker.list_models(NameContains=student.prefix)["Models"]
    assert not sagemaker.list_endpoint_configs(NameContains=student.prefix)["EndpointConfigs"]
    assert all(key.startswith(f"seats/{student.seat}/") for key in student.written())


def test_a_region_without_the_algorithms_is_one_sentence(tmp_path: Path) -> None:
    """The second cell names the algorithm and the region, and stops the notebook."""
    import nbformat

    notebook = nbformat.read(paths.ROOT / "notebooks" / "algorithms.ipynb", as_version=nbformat.NO_CONVERT)
    source = "\n".join(cell.source for cell in notebook.cells if cell.id in {"setup", "imports"})
    told = {f"BRICKLAB_{name}": "known" for name in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", source],
        cwd=tmp_path,
        env={**os.environ, **told, "AWS_DEFAULT_REGION": "mx-central-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = "AWS has no linear-learner in mx-central-1: this notebook needs a lab in another region."
    assert (done.returncode, done.stderr.strip()) == (1, said)
