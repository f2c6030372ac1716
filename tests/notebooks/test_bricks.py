"""The student's notebook, executed from top to bottom in a real kernel against a lab in the embedded AWS."""

from __future__ import annotations

import copy
import re
import shlex
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient

from cli import paths
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbformat import NotebookNode

    from tests.conftest import Lab

    Run = Callable[[NotebookNode, dict[str, str]], NotebookNode]

NOTEBOOK = paths.ROOT / "notebooks" / "bricks.ipynb"
LAB, SEAT = "school", "ada"
PREFIX = f"{LAB}-{SEAT}-"
# What a student may well run a second time: it must not break, nor leave anything behind.
RUN_TWICE = {"data", "script-folder", "names", "clean-up-function", "deploy", "clean-up", "left"}


@pytest.fixture(scope="module")
def variables(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `./lab env SEAT` tells a notebook, with the seat's own role in the place of the user's credentials."""
    settings = ["-c", f"lab.name={LAB}", "-c", f"lab.seats={SEAT}", "-c", "lab.epochs=2"]
    lab("up", *settings)
    exports = [shlex.split(line)[1] for line in lab("env", SEAT, *settings).splitlines()]
    told = dict(export.split("=", 1) for export in exports)
    role = lab.client("sts").assume_role(RoleArn=told["BRICKLAB_ROLE"], RoleSessionName="SageMaker")["Credentials"]
    return {
        **told,
        "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
        "AWS_SESSION_TOKEN": role["SessionToken"],
        "BRICKLAB_DATA": str(tmp_path_factory.mktemp("student") / "data"),
    }


@pytest.fixture(scope="module")
def run(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Executes a notebook in a folder of its own, in a kernel that has only these variables of ours."""
    folder: Path = tmp_path_factory.mktemp("jupyter")

    def execute(notebook: NotebookNode, variables: dict[str, str]) -> NotebookNode:
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )
        environment = {name: value for name, value in lab.environment.items() if not name.startswith("BRICKLAB_")}
        return client.execute(env={**environment, "IPYTHONDIR": str(folder / "ipython"), **variables})

    return execute


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    """The notebook as it is committed."""
    return nbformat.read(NOTEBOOK, as_version=nbformat.NO_CONVERT)


@pytest.fixture(scope="module")
def keys_before(lab: Lab, variables: dict[str, str]) -> set[str]:
    """What lay in the lab's bucket before the student came."""
    return keys(lab, variables["BRICKLAB_BUCKET"])


@pytest.fixture(scope="module")
def executed(
    notebook: NotebookNode, variables: dict[str, str], keys_before: set[str], run: Run
) -> dict[str, NotebookNode]:
    """The executed cells by their ids; those of RUN_TWICE were run twice."""
    assert keys_before
    doubled = copy.deepcopy(notebook)
    doubled.cells = [one for cell in notebook.cells for one in again(cell)]
    return {cell.id: cell for cell in run(doubled, variables).cells}


def again(cell: NotebookNode) -> list[NotebookNode]:
    """The cell, and once more if it belongs to RUN_TWICE."""
    second = copy.deepcopy(cell)
    second.id = f"{cell.id}-again"
    return [cell, second] if cell.id in RUN_TWICE else [cell]


def keys(lab: Lab, bucket: str) -> set[str]:
    """The keys of all objects of a bucket."""
    pages = lab.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {each["Key"] for page in pages for each in page.get("Contents", [])}


def printed(cell: NotebookNode) -> str:
    """What a cell wrote to standard output."""
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def test_it_is_a_notebook_without_outputs(notebook: NotebookNode) -> None:
    """Format 4.5: every cell has an id of its own, no output and no count of executions is stored."""
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("missing", ["BRICKLAB_BUCKET", "BRICKLAB_ROLE"])
def test_a_missing_variable_is_one_sentence(
    notebook: NotebookNode, variables: dict[str, str], run: Run, missing: str
) -> None:
    """Outside a seat the first cell names the variable and the next step, and stops the notebook."""
    first = copy.deepcopy(notebook)
    first.cells = [cell for cell in first.cells if cell.id == "setup"]
    first.cells[0].metadata["tags"] = ["raises-exception"]
    without = {name: value for name, value in variables.items() if name != missing}
    [error] = [output for output in run(first, without).cells[0].outputs if output.output_type == "error"]
    assert error.ename == "SystemExit"
    assert error.evalue.startswith(f"{missing} is not set.")
    assert 'eval "$(./lab env SEAT)"' in error.evalue


def test_the_student_s_network_learns(executed: dict[str, NotebookNode]) -> None:
    """Trained in the notebook itself, it sorts images that it never saw, one and many, and shows pictures."""
    [accuracy] = re.findall(r"([\d.]+)% of 1000 test images", printed(executed["evaluate"]))
    assert float(accuracy) > 90
    [right] = re.findall(r"(\d+) of 100 sorted right", printed(executed["predict-many"]))
    assert int(right) > 85
    for cell in ("show", "curves", "mistakes", "predict", "predict-many"):
        assert any("image/png" in output.get("data", {}) for output in executed[cell].outputs)


def test_the_lab_s_endpoint_answers(executed: dict[str, NotebookNode]) -> None:
    """The lab's own model names the brick in the image."""
    assert re.search(r"\w+ \(\d+\.\d%\); it is a \w+", printed(executed["endpoint"]))


def test_the_training_job_learns(lab: Lab, variables: dict[str, str], executed: dict[str, NotebookNode]) -> None:
    """The same network as a SageMaker training job: its log is shown, its metrics are recorded, the names are ours."""
    assert printed(executed["train"]).count("val_accuracy=") == 10
    told = printed(executed["job"])
    [accuracy] = re.findall(r"test:accuracy ([\d.]+)%", told)
    assert float(accuracy) > 90
    name = told.partition(":")[0]
    assert name.startswith(PREFIX)
    job = lab.client("sagemaker").describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Completed"
    assert job["RoleArn"] == variables["BRICKLAB_ROLE"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"].startswith(variables["BRICKLAB_SEAT_URI"])


def test_the_student_s_endpoint_answers(executed: dict[str, NotebookNode]) -> None:
    """The job's model, deployed, answers for one image and for many, about as well as the network in the notebook."""
    assert re.search(r"\w+ \(\d+\.\d%\); it is a \w+", printed(executed["ask-one"]))
    [there, here, agreed] = map(int, re.findall(r"(\d+) of 100", printed(executed["ask-many"])))
    assert min(there, here, agreed) > 85


def test_nothing_is_left_running(lab: Lab, executed: dict[str, NotebookNode]) -> None:
    """After the last cells the seat has no endpoint, endpoint config, model or running job, and the notebook says so."""
    assert printed(executed["left"]) == (
        "Endpoint: none left\nEndpointConfig: none left\nModel: none left\nTrainingJob: none running\n"
    )
    sagemaker = lab.client("sagemaker")
    assert [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]] == [LAB]
    assert not sagemaker.list_models(NameContains=PREFIX)["Models"]
    assert not sagemaker.list_endpoint_configs(NameContains=PREFIX)["EndpointConfigs"]
    running = sagemaker.list_training_jobs(NameContains=PREFIX, StatusEquals="InProgress")
    assert not running["TrainingJobSummaries"]


def test_it_writes_in_the_seat_s_part_of_the_bucket_only(
    lab: Lab, variables: dict[str, str], keys_before: set[str], executed: dict[str, NotebookNode]
) -> None:
    """Code, drivers and model lie below seats/<seat>/; capture is the lab's endpoint's own; no bucket was made."""
    assert executed
    new = {key for key in keys(lab, variables["BRICKLAB_BUCKET"]) - keys_before if not key.startswith("capture/")}
    assert any(key.endswith("/model.tar.gz") for key in new)
    assert all(key.startswith(f"seats/{SEAT}/") for key in new)
    names = [bucket["Name"] for bucket in lab.client("s3").list_buckets()["Buckets"]]
    assert not [name for name in names if name.startswith("sagemaker-")]
