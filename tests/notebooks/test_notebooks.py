"""The students' notebooks, each executed from top to bottom on a seat's notebook instance in the embedded AWS."""

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
JOBS = {"EPOCHS": 3, "TRIALS": 2}
HOSTING = {"EPOCHS": 3, "WAIT": 100}


@pytest.fixture(scope="module")
def bricks(student: Student) -> dict[str, NotebookNode]:
    """The executed cells by their ids."""
    return student.run_on_seat("bricks.ipynb", twice=RUN_TWICE, numbers=BRICKS)


def test_a_laptop_does_as_well(student: Student) -> None:
    """With Jupyter from the lab's own environment and the variables that `./lab env` tells."""
    cells = student.run_on_laptop("bricks.ipynb", last="evaluate", numbers=BRICKS)
    [accuracy] = re.findall(r"([\d.]+)% of 1000 test images", printed(cells["evaluate"]))
    assert float(accuracy) > 90


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


@pytest.fixture(scope="module")
def hosting(student: Student) -> dict[str, NotebookNode]:
    """The executed cells by their ids."""
    return student.run_on_seat("hosting.ipynb", twice={"data", "clean-up"}, numbers=HOSTING)


def test_a_canary_brings_the_new_model(hosting: dict[str, NotebookNode]) -> None:
    """Both models answer for a while, nothing fails, and then the new one has all."""
    told = printed(hosting["canary"])
    assert "canary capacity of 1 instance(s)" in told
    [new, all_of_them, errors] = map(int, re.findall(r"(\d+) (?:of|answers|were)", told))
    assert 0 < new < all_of_them
    assert errors == 0
    assert shows_a_picture(hosting["canary"])


def test_a_broken_model_is_rolled_back(hosting: dict[str, NotebookNode]) -> None:
    """The alarm goes off; the model before serves on."""
    assert "AutoRollbackConfiguration" in printed(hosting["broken"])
    serves, known = re.findall(r"model that answers: (\w+) \((\w+)\)", printed(hosting["rolled-back"]))[0]
    assert serves == known


def test_requests_are_shared_by_weight(hosting: dict[str, NotebookNode]) -> None:
    """About nine in ten to the one, then about half."""
    shares = [int(each) for each in re.findall(r"careful: (\d+)%", printed(hosting["variants"]))]
    assert 80 <= shares[0] <= 97
    [half] = map(int, re.findall(r"careful: (\d+)%", printed(hosting["weights"])))
    assert 35 <= half <= 65
    assert re.findall(r"careful: (\d)", printed(hosting["by-hand"])) == ["2", "1"]


def test_no_machine_waits(hosting: dict[str, NotebookNode]) -> None:
    """The first answer of a serverless endpoint takes longer than the second; a queue answers a whole file."""
    cold, warm = map(float, re.findall(r"([\d.]+) s,", printed(hosting["serverless"])))
    assert cold > warm
    [(right, images)] = re.findall(r"(\d+) of (\d+) test images", printed(hosting["async"]))
    assert int(right) > 0.8 * int(images)


def test_no_endpoint_is_left(student: Student, hosting: dict[str, NotebookNode]) -> None:
    """After the last cell the seat has no endpoint, model or alarm."""
    assert printed(hosting["clean-up"]).splitlines()[-1] == "endpoints: none left, models: none left"
    assert not student.client("cloudwatch").describe_alarms(AlarmNamePrefix=student.prefix)["MetricAlarms"]
