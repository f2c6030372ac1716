"""A class that changes: seats that come, are rebuilt and go, with what their students made."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.embedded_aws.account import INFERENCE_IMAGE, until
from tests.embedded_aws.jupyter import Jupyter
from tests.seats.class_of_two import NAME, empty_archive, notebooks, outputs, stack_id, standings
from tests.seats.labeling import SeatLabeling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Lab
    from tests.seats.class_of_two import Student

pytestmark = pytest.mark.usefixtures("in_order")


@pytest.fixture(scope="module")
def settings(settings: list[str]) -> list[str]:
    """The class's settings; it has Ground Truth."""
    return [*settings, "-c", "lab.labelling=ground-truth"]


@pytest.fixture(scope="module")
def labeling(lab: Lab) -> dict[str, SeatLabeling]:
    """What two seats have of Ground Truth; for Ada's somebody has worked already."""
    made = {seat: SeatLabeling(lab, seat) for seat in ("ada", "grace-hopper")}
    made["ada"].label(10)
    return made


def test_the_class_comes_up(lab: Lab, settings: list[str]) -> None:
    """Both seats are ready."""
    lab("up", *settings)
    assert standings(lab, settings) == {"ada": "ready", "grace-hopper": "ready"}


def test_a_student_leaves_one_of_each_kind(ada: Student) -> None:
    """What Ada makes here is what `remove` has to find."""
    ada.s3.put_object(Bucket=ada.bucket, Key="seats/ada/model.tar.gz", Body=empty_archive())
    ada.s3.put_object(Bucket=ada.bucket, Key="seats/ada/photos/none.npy", Body=b"no photo")
    ada.model(f"{NAME}-ada-model")
    ada.config(f"{NAME}-ada-config")
    ada.train(f"{NAME}-ada-job")
    ada.process(f"{NAME}-ada-prepare")
    ada.transform(f"{NAME}-ada-score")
    ada.tune(f"{NAME}-ada-tune")
    described, score = ada.sagemaker.describe_transform_job, {"TransformJobName": f"{NAME}-ada-score"}
    until(lambda: described(**score)["TransformJobStatus"] == "Failed")  # there is no photo in what it scores


def test_a_rebuilt_seat_has_its_files_again(lab: Lab, settings: list[str]) -> None:
    """Objects are where they were; what the notebook held, or the new seat has anew, lies beside, and nothing twice."""
    before, s3, bucket = stack_id(lab, "grace-hopper"), lab.client("s3"), outputs(lab, "storage")["BucketName"]
    Jupyter(json.loads(lab("notebook", "grace-hopper", "--json", *settings))["url"]).run(
        "import os; os.mkdir('deep'); open('deep/my work.txt', 'w').write('hers')"
    )
    s3.put_object(Bucket=bucket, Key="seats/grace-hopper/model/one.bin", Body=b"model")
    s3.put_object(Bucket=bucket, Key="seats/grace-hopper/bricks.ipynb", Body=b"changed")
    shown = lab("seats", "rebuild", "Grace Hopper", *settings)
    assert "✓ 1 ready" in shown
    assert f"s3://{bucket}/seats/grace-hopper/before-rebuild/" in shown
    assert stack_id(lab, "grace-hopper") != before

    def read(key: str) -> bytes:
        content: bytes = s3.get_object(Bucket=bucket, Key=f"seats/grace-hopper/{key}")["Body"].read()
        return content

    assert read("model/one.bin") == b"model"
    assert read("before-rebuild/bricks.ipynb") == b"changed"
    assert read("before-rebuild/notebook/deep/my work.txt") == b"hers"
    assert len(read("bricks.ipynb")) > 1000
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert "seats/grace-hopper/before-rebuild/notebook/jobs.ipynb" not in keys
    assert not [key for key in keys if key.startswith("aside/")]


def test_add_writes_the_roster_and_deploys_the_seat(lab: Lab, settings: list[str], roster: Path) -> None:
    """A student who comes late gets a seat; the roster has the name as it was written.

    It may be there already, from an `add` that was killed before the seat was deployed.
    """
    with roster.open("a", encoding="utf-8") as killed:
        killed.write("José Núñez,\n")
    assert "✓ 1 ready" in lab("seats", "add", "José Núñez", *settings)
    assert roster.read_text(encoding="utf-8").count("José Núñez,\n") == 1
    assert f"{NAME}-jose-nunez" in notebooks(lab)


def test_remove_takes_the_seat_and_what_its_student_made(
    lab: Lab, settings: list[str], roster: Path, ada: Student, labeling: dict[str, SeatLabeling]
) -> None:
    """Notebook, role, objects, jobs, teams, models and configurations of Ada's are gone, and of nobody else's.

    Only of transform and labeling jobs AWS keeps the record.
    """
    ada.model(f"{NAME}-ada-second", artifact="")
    root = lab.client("sagemaker")
    neighbour = outputs(lab, "seat-jose-nunez")["RoleArn"]
    root.create_model(ModelName=f"{NAME}-adam", ExecutionRoleArn=neighbour, PrimaryContainer={"Image": INFERENCE_IMAGE})
    said = lab("seats", "remove", "Ada", *settings)
    for job in ("transform job class-ada-score", "labeling job class-ada-labels"):
        assert f"{job}: ended; AWS keeps the record of such a job for ever" in said
    assert "gone, and nothing of it is left but these records." in said
    assert "Ada" not in roster.read_text(encoding="utf-8")
    assert notebooks(lab) == {f"{NAME}-grace-hopper", f"{NAME}-jose-nunez"}
    models = {model["ModelName"] for model in root.list_models()["Models"]}
    assert f"{NAME}-adam" in models
    assert not [name for name in models if name.startswith(f"{NAME}-ada-")]
    assert not root.list_training_jobs(NameContains=f"{NAME}-ada-")["TrainingJobSummaries"]
    assert not root.list_processing_jobs(NameContains=f"{NAME}-ada-")["ProcessingJobSummaries"]
    assert not root.list_hyper_parameter_tuning_jobs(NameContains=f"{NAME}-ada-")["HyperParameterTuningJobSummaries"]
    kept = root.list_transform_jobs(NameContains=f"{NAME}-ada-")["TransformJobSummaries"]
    assert [each["TransformJobStatus"] for each in kept] == ["Failed"]
    assert not root.list_endpoint_configs(NameContains=f"{NAME}-ada-")["EndpointConfigs"]
    objects = lab.client("s3").list_object_versions(Bucket=ada.bucket, Prefix="seats/")
    assert {each["Key"].split("/")[1] for each in objects["Versions"]} == {"grace-hopper", "jose-nunez"}
    # The workgroup is not empty: its student has asked something in it.
    groups = {group["Name"] for group in lab.client("athena").list_work_groups()["WorkGroups"]}
    assert {name for name in groups if name.startswith(NAME)} == {NAME, f"{NAME}-grace-hopper", f"{NAME}-jose-nunez"}
    databases = {database["Name"] for database in lab.client("glue").get_databases()["DatabaseList"]}
    assert databases == {NAME, f"{NAME}__grace_hopper", f"{NAME}__jose_nunez"}
    assert ada.role not in {role["Arn"] for role in lab.client("iam").list_roles()["Roles"]}
    root.delete_model(ModelName=f"{NAME}-adam")
    other = labeling["grace-hopper"]
    assert {each["WorkteamName"] for each in root.list_workteams()["Workteams"]} == {f"{NAME}-labelers", other.team}
    assert [each["HumanTaskUiName"] for each in root.list_human_task_uis()["HumanTaskUiSummaries"]] == [other.form]
    assert [each.described()["LabelingJobStatus"] for each in labeling.values()] == ["Stopped", "InProgress"]
    other.label(1)


def test_a_seat_that_has_left_the_settings_is_listed(lab: Lab, settings: list[str], roster: Path) -> None:
    """A line taken out of the roster by hand leaves a seat that costs. tests/test_lab.py has what `up` says of it."""
    kept = [line for line in roster.read_text(encoding="utf-8").splitlines() if "José" not in line]
    roster.write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert standings(lab, settings) == {"grace-hopper": "ready", "jose-nunez": "not in the settings"}


class _Refusal(BaseHTTPRequestHandler):
    """An S3 that lets nobody in."""

    def do_GET(self) -> None:  # http.server asks for this name
        body = b"<Error><Code>AccessDenied</Code><Message>Not today.</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    """The address of an S3 that refuses every call."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_seat_that_could_not_be_deleted_goes_with_the_next_command(
    lab: Lab, settings: list[str], refusing: str
) -> None:
    """S3 does not let the prefix be emptied: `remove` says so, and finishes when it may."""
    functions = lab.client("lambda")
    names = [function["FunctionName"] for function in functions.list_functions()["Functions"]]
    [handler] = [name for name in names if "ContentsHandlerPrefix" in name]
    functions.update_function_configuration(
        FunctionName=handler, Environment={"Variables": {"AWS_ENDPOINT_URL_S3": refusing}}
    )
    said = lab("seats", "remove", "jose-nunez", *settings, code=1)
    assert "Not today." in said
    assert "run the same command again" in said
    functions.update_function_configuration(FunctionName=handler, Environment={"Variables": {}})
    lab("seats", "remove", "jose-nunez", *settings)
    assert standings(lab, settings) == {"grace-hopper": "ready"}


def test_there_are_no_seats_without_a_lab(
    lab: Lab, settings: list[str], roster: Path, labeling: dict[str, SeatLabeling]
) -> None:
    """Seats share the lab's storage: `add` says that the lab is not up, and leaves the roster alone.

    With it the workforce has gone, and before it whoever was at work for a seat.
    """
    said = lab("down", "--keep-aws", *settings)
    assert f"labeling job {NAME}-grace-hopper-labels: ended; AWS keeps the record" in said
    assert labeling["grace-hopper"].described()["LabelingJobStatus"] == "Stopped"
    root = lab.client("sagemaker")
    assert not root.list_workteams()["Workteams"]
    assert not root.list_workforces()["Workforces"]
    assert not root.list_human_task_uis()["HumanTaskUiSummaries"]
    before = roster.read_text(encoding="utf-8")
    assert "`./lab up` deploys it" in lab("seats", "add", "Bob", *settings, code=1)
    assert roster.read_text(encoding="utf-8") == before
