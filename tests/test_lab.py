"""The lab as its user meets it, from `./lab up` to `./lab down`."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import psutil
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from cli import paths
from embedded_aws import gateway
from tests.cli.console.conftest import served
from tests.conftest import SECRET
from tests.labelling.labeller import Labeller

if TYPE_CHECKING:
    from tests.conftest import Lab

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "e2e"
SETTINGS = ["-c", f"lab.name={NAME}", "-c", "lab.seats=1"]
CHANGED = ["-c", "lab.epochs=2", "-c", "lab.hidden_units=64,32", "-c", "lab.endpoint_instances=1-2"]
SCALED = f"endpoint/{NAME}/variant/AllTraffic"
NONE = "none.png is not a file"
# What the caller keeps to itself, and what STS gives out: the key of a role, a session's token.
CREDENTIALS = re.compile(rf"{SECRET}|\bASIA[A-Z0-9]{{16}}\b|\bSessionToken|AUTHORIZATION_TOKEN")


@pytest.fixture(scope="module", autouse=True)
def enforced(lab: Lab) -> None:
    """Policies are enforced, so that a permission that somebody lacks fails a test here."""
    lab.environment["BRICKLAB_ENFORCE_IAM"] = "1"


@pytest.fixture(scope="module")
def held_out(lab: Lab) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 48, 48) and labels (n,) that the network was not trained on, read from the lab's bucket."""
    s3, bucket = lab.client("s3"), lab.outputs()["BucketName"]

    def array(what: str) -> np.ndarray:
        body = s3.get_object(Bucket=bucket, Key=f"data/lego-simple-test-{what}.npy")["Body"].read()
        read: np.ndarray = np.load(io.BytesIO(body), allow_pickle=False)
        return read

    return array("images"), array("labels")


def asked(lab: Lab, images: np.ndarray) -> list[dict[str, Any]]:
    """What the endpoint answers for an array."""
    body = io.BytesIO()
    np.save(body, images)
    answer = lab.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=NAME, ContentType="application/x-npy", Body=body.getvalue()
    )
    predictions: list[dict[str, Any]] = json.loads(answer["Body"].read())["predictions"]
    return predictions


def test_up_deploys_trains_and_serves(lab: Lab) -> None:
    """One command leads to a trained model behind an endpoint, and shows every epoch on the way."""
    shown = lab("up", *SETTINGS, "-c", "lab.epochs=4")
    assert shown.count("val_accuracy=") == 4
    assert f"{NAME}-storage" in shown
    assert float(lab.outputs()["TestAccuracy"]) > 0.8


def test_it_sorts_images_that_it_never_saw(lab: Lab, held_out: tuple[np.ndarray, np.ndarray]) -> None:
    """The endpoint's answers for held-out images are as good as the job's own metric."""
    images, labels = held_out
    classes = np.array([prediction["class"] for prediction in asked(lab, images)])
    assert np.mean(classes == labels) == pytest.approx(float(lab.outputs()["TestAccuracy"]), abs=0.005)


def test_predict_names_the_brick(lab: Lab, held_out: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    """`predict` prints the label of a photo with a bar a class, and the same as JSON."""
    photo = tmp_path / "photo.png"
    Image.fromarray(held_out[0][0]).save(photo)
    answer = json.loads(lab("predict", str(photo), "-c", f"lab.name={NAME}", "--json"))[str(photo)][0]
    shown = lab("predict", str(photo), "-c", f"lab.name={NAME}")
    assert answer["label"] in shown
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert "█" in shown
    assert answer["known"]


def test_predict_says_where_there_is_no_brick(lab: Lab, tmp_path: Path) -> None:
    """Noise is none of the ten, however sure of one the network is."""
    photo = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)).save(photo)
    assert "no brick that this model knows" in lab("predict", str(photo), "-c", f"lab.name={NAME}")


@pytest.mark.parametrize(
    ("name", "said"),
    [("none.png", "is not a file"), ("README.md", "ends with .md"), ("text.png", "the model refused it")],
)
def test_predict_says_what_is_wrong_with_a_file(lab: Lab, tmp_path: Path, name: str, said: str) -> None:
    """A file that is not there, or is no photo, is answered with one sentence."""
    (tmp_path / "README.md").touch()
    (tmp_path / "text.png").write_text("brick")
    assert said in lab("predict", str(tmp_path / name), "-c", f"lab.name={NAME}", code=1)


def test_predict_answers_for_the_good_files_and_names_the_bad(
    lab: Lab, held_out: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    """One bad photo among many costs its own answer only; each has the model's sentence, and no JSON around it."""
    good, bad, shape = (str(tmp_path / name) for name in ("good.png", "bad.png", "shape.npy"))
    Image.fromarray(held_out[0][0]).save(good)
    Path(bad).write_text("brick")
    np.save(shape, np.zeros((3, 5, 5)))
    said = lab("predict", bad, good, "none.png", shape, "-c", f"lab.name={NAME}", "--json", code=1)
    assert [line.partition(": ")[0].removeprefix("✗ ") for line in said.splitlines()] == [NONE, bad, shape]
    assert "{" not in said
    shown = subprocess.run(
        [sys.executable, "-m", "cli", "predict", bad, good, "-c", f"lab.name={NAME}"],
        cwd=paths.ROOT,
        env=lab.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{good}: " in shown.stdout


def test_status_shows_the_lab(lab: Lab) -> None:
    """`status --json` tells a program how stacks, job, endpoint and seats stand."""
    status = json.loads(lab("status", "--json", "-c", f"lab.name={NAME}"))
    assert {stack["status"] for stack in status["stacks"]} == {"CREATE_COMPLETE"}
    assert len(status["stacks"]) == 5
    assert status["training_job"]["status"] == "Completed"
    assert status["endpoint"] == {
        "name": NAME,
        "status": "InService",
        "hosting": "real-time",
        "stage": "",
        "instances": 1,
        "scaled": "",
    }
    assert [seat["status"] for seat in status["seats"]] == ["InService"]


def test_nothing_listens_beyond_this_machine(lab: Lab) -> None:
    """Gateway, endpoint, and whatever else runs for the lab take connections from this machine only."""
    running = gateway.running(lab.home / "aws")
    assert running
    process = psutil.Process(running.pid)
    family = [process, *process.children(recursive=True)]
    listening = {
        (each.pid, connection.laddr.ip)
        for each in family
        for connection in each.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert len({pid for pid, _ in listening}) > 1
    assert {address for _, address in listening} == {"127.0.0.1"}


def test_no_secret_is_logged(lab: Lab) -> None:
    """Neither what the caller's environment keeps nor a role's credentials are in any of the account's logs."""
    logs = lab.client("logs")
    groups = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
    pages = logs.get_paginator("filter_log_events")
    lines = [
        event["message"] for group in groups for page in pages.paginate(logGroupName=group) for event in page["events"]
    ]
    assert len(lines) > 100
    assert not [line for line in lines if CREDENTIALS.search(line)]


def test_cost_names_what_each_thing_costs(lab: Lab) -> None:
    """Each has AWS's price; at the lease's end the lab will have cost so many hours more."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=10)
    scheduler = lab.client("scheduler")
    scheduler.create_schedule(
        Name=f"{NAME}-lease-end",
        ScheduleExpression=f"at({end:%Y-%m-%dT%H:%M:%S})",
        StartDate=end,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:us-east-1:000000000000:none", "RoleArn": "arn:aws:iam::000000000000:role/none"},
    )
    bill = json.loads(lab("cost", "--json", *SETTINGS))
    scheduler.delete_schedule(Name=f"{NAME}-lease-end")
    kinds = {resource["kind"]: resource for resource in bill["resources"]}
    assert kinds.keys() == {"endpoint", "notebook", "training job", "key", "dashboard", "alarm"}
    assert kinds["endpoint"]["usd_hour"] == 0.115
    assert kinds["notebook"]["usd_hour"] == pytest.approx(0.05 + 10 * 0.14 / 730)
    assert kinds["training job"]["usd_hour"] == 0
    assert kinds["training job"]["usd_so_far_at_most"] > 0
    assert [seat["seat"] for seat in bill["seats"]] == [None, "seat-01"]
    usd = bill["usd"]
    assert usd["hour"] == pytest.approx(sum(resource["usd_hour"] for resource in bill["resources"]))
    assert usd["hour"] * 9.9 < usd["at_lease_end_at_most"] - usd["so_far_at_most"] <= usd["hour"] * 10
    shown = lab("cost", *SETTINGS)
    assert "it costs nothing" in shown
    assert "It has no lease" in shown


def test_preflight_knows_the_lab_that_stands(lab: Lab) -> None:
    """Its name is its own, and a lab whose name begins alike has to have another one."""
    findings = json.loads(lab("preflight", "--json", *SETTINGS))["findings"]
    assert {"subject": "name", "state": "ok", "text": f"{NAME} is this lab's"} in findings
    lab("preflight", "-c", f"lab.name={NAME}-two", code=1)


def test_env_points_the_aws_cli_here(lab: Lab) -> None:
    """The exports of `./lab env` are enough for the AWS CLI, unmodified."""
    script = f'eval "$({sys.executable} -m cli env)"; aws sagemaker describe-endpoint --endpoint-name {NAME}'
    environment = {**os.environ, "BRICKLAB_HOME": str(lab.home)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    answer = subprocess.run(["bash", "-c", script], cwd=paths.ROOT, env=environment, capture_output=True, check=True)
    assert json.loads(answer.stdout)["EndpointStatus"] == "InService"


def test_a_student_labels_for_the_own_seat_only(lab: Lab, held_out: tuple[np.ndarray, np.ndarray]) -> None:
    """`./lab label` with the rights of the seat's role keeps the seat's answers; IAM refuses all else below labels/."""
    of, bucket, s3 = ("-c", f"lab.name={NAME}"), lab.outputs()["BucketName"], lab.client("s3")
    for number in range(2):
        photo = io.BytesIO()
        Image.fromarray(held_out[0][number]).save(photo, "png")
        s3.put_object(Bucket=bucket, Key=f"raw/{number}.png", Body=photo.getvalue())
    with served(lab, "label", "--prefix", "raw/", "--people", "3", "--as", "eve", "--suggest", *of) as link:
        eve = Labeller(link)
        assert eve.answer(0, 3)["stored"]
        assert eve.suggestion(0).keys() >= {"label", "probability"}
    [stack] = lab.client("cloudformation").describe_stacks(StackName=f"{NAME}-seat-seat-01")["Stacks"]
    [role] = [each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "RoleArn"]
    student = lab.as_role(role)
    student.environment |= {"BRICKLAB_BUCKET": bucket, "BRICKLAB_SEAT": "seat-01"}
    with served(student, "label", *of) as link:
        page = Labeller(link)
        assert page("photos/1").status == 200
        for label in (3, None, 4):
            assert page.answer(1, label)["stored"]
    [key] = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="labels/raw/answers/seat-")["Contents"]]
    assert key == "labels/raw/answers/seat-01/1.json"
    assert json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())["workerId"] == "seat-01"
    assert "You lack the right cloudformation:DescribeStacks" in student("label", "--suggest", *of, code=1)
    assert "There is no labelling job none" in student("label", "none", *of, code=1)
    theirs = student.client("s3")
    reading = ("labels/raw/answers/eve/0.json", "labels/raw/uncertainty.json", "models/x")
    writing = (
        "labels/raw/answers/eve/0.json",
        "labels/raw/answers/seat-01-two/0.json",
        "labels/raw/review/seat-01/0.json",
        "labels/raw/input.manifest",
        "labels/raw/job.json",
        "labels/raw/manifests/output/output.manifest",
        "raw/0.png",
    )
    attempts: list[tuple[Any, dict[str, Any]]] = [
        *((theirs.get_object, {"Key": each}) for each in reading),
        *((theirs.put_object, {"Key": each, "Body": b"{}"}) for each in writing),
        *((theirs.delete_object, {"Key": each}) for each in writing),
    ]
    for attempt, request in attempts:
        with pytest.raises(ClientError, match="is not authorized to perform"):
            attempt(Bucket=bucket, **request)
    theirs.delete_object(Bucket=bucket, Key=key)
    student.close()


def test_who_may_not_ask_the_endpoint_is_told_so(lab: Lab) -> None:
    """The page says which right is missing; labelling goes on."""
    iam, may = lab.client("iam"), ["cloudformation:DescribeStacks", "kms:*", "s3:*", "sagemaker:DescribeEndpoint"]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": gateway.ACCOUNT}}
    allowed = {"Effect": "Allow", "Action": may, "Resource": "*"}
    documents = [json.dumps({"Version": "2012-10-17", "Statement": [each]}) for each in (trust, allowed)]
    role = iam.create_role(RoleName="labels", AssumeRolePolicyDocument=documents[0])["Role"]["Arn"]
    iam.put_role_policy(RoleName="labels", PolicyName="all", PolicyDocument=documents[1])
    options = ("--as", "bob", "--suggest", "--uncertain-first", "-c", f"lab.name={NAME}")
    with served(lab.as_role(role), "label", "raw", *options) as link:
        bob = Labeller(link)
        assert bob.answer(0, 3)["stored"]
        assert bob.suggestion(0) == {"problem": "You lack the right sagemaker:InvokeEndpoint."}
        assert bob.next() == [1]
    iam.delete_role_policy(RoleName="labels", PolicyName="all")
    iam.delete_role(RoleName="labels")


def test_a_new_hyperparameter_brings_a_new_model_to_the_same_endpoint(
    lab: Lab, held_out: tuple[np.ndarray, np.ndarray]
) -> None:
    """A change trains anew, and the endpoint is updated, not replaced; a seat that has left the settings is named.

    From then on it is scaled, and `status` says between which numbers.
    """
    sagemaker = lab.client("sagemaker")
    before, artifact = sagemaker.describe_endpoint(EndpointName=NAME), lab.outputs()["ModelArtifact"]
    old = asked(lab, held_out[0][:5])
    shown = lab("up", "-c", f"lab.name={NAME}", "-c", "lab.seats=0", *CHANGED)
    assert "./lab seats remove seat-01" in shown
    assert "not retrained" not in shown
    after = sagemaker.describe_endpoint(EndpointName=NAME)
    assert lab.outputs()["ModelArtifact"] != artifact
    assert after["CreationTime"] == before["CreationTime"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    assert after["EndpointStatus"] == "InService"
    assert asked(lab, held_out[0][:5]) != old
    scaling = lab.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="sagemaker")
    assert [each["ResourceId"] for each in scaling["ScalingPolicies"]] == [SCALED]
    assert "1 of 1-2 instances" in lab("status", "-c", f"lab.name={NAME}")


def test_every_trained_model_is_a_version_and_an_older_one_serves_again(
    lab: Lab, held_out: tuple[np.ndarray, np.ndarray]
) -> None:
    """Two trainings, two versions; a rollback brings the first one back, which answers as its version says."""
    of = ("-c", f"lab.name={NAME}")
    newest, first = json.loads(lab("models", "--json", *of))
    assert (newest["version"], newest["serves"], first["version"], first["serves"]) == (2, True, 1, False)
    assert newest["test_accuracy"] == lab.outputs()["TestAccuracy"]
    assert "rejected" in lab("models", "reject", "1", "--because", "it is rejected", *of).lower()
    assert "no approved version before 2" in lab("models", "rollback", *of, code=1)
    assert "has no version 7" in lab("models", "serve", "7", *of, code=1)
    lab("models", "approve", "1", *of)
    lab("models", "rollback", *of)
    shown = json.loads(lab("models", "show", "1", "--json", *of))
    assert shown["serves"]
    assert shown["hyperparameters"]["epochs"] == "4"
    body = io.BytesIO()
    np.save(body, held_out[0][:1])
    answer = lab.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=NAME, ContentType="application/x-npy", Body=body.getvalue()
    )
    borne = json.loads(answer["Body"].read())["model"]
    assert borne == shown["answers_bear"] == shown["known"]["Model"]
    assert json.loads(lab("models", "show", borne, "--json", *of)) == shown
    assert json.loads(lab("status", "--json", *of))["model"]["version"] == 1


def test_who_deletes_a_scaled_endpoint_must_be_allowed_to_end_its_scaling(lab: Lab) -> None:
    """SageMaker says so in a sentence, and the endpoint stays."""
    iam, running = lab.client("iam"), gateway.running(lab.home / "aws")
    assert running
    trust = {"Effect": "Allow", "Principal": {"AWS": gateway.ACCOUNT}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "sagemaker:DeleteEndpoint", "Resource": "*"}
    documents = (json.dumps({"Version": "2012-10-17", "Statement": [each]}) for each in (trust, may))
    role = iam.create_role(RoleName="deletes", AssumeRolePolicyDocument=next(documents))["Role"]["Arn"]
    iam.put_role_policy(RoleName="deletes", PolicyName="all", PolicyDocument=next(documents))
    given = lab.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], gateway.REGION)
    trusted = running.environment()["AWS_CA_BUNDLE"]
    acting = session.client("sagemaker", endpoint_url=running.url, verify=trusted)
    with pytest.raises(ClientError, match="An Application AutoScaling scalable target exists for a variant"):
        acting.delete_endpoint(EndpointName=NAME)
    assert lab.client("sagemaker").describe_endpoint(EndpointName=NAME)["EndpointStatus"] == "InService"
    iam.delete_role_policy(RoleName="deletes", PolicyName="all")
    iam.delete_role(RoleName="deletes")


def test_up_sees_that_something_else_is_served(lab: Lab) -> None:
    """An endpoint whose config is not the one deployed is named, with what puts it right."""
    sagemaker = lab.client("sagemaker")
    deployed = sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=deployed)["ProductionVariants"]
    sagemaker.create_endpoint_config(EndpointConfigName=f"{NAME}-by-hand", ProductionVariants=variants)
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName=f"{NAME}-by-hand")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig={"Delay": 1})
    before = lab.outputs()
    said = lab("up", *SETTINGS, *CHANGED, code=1)
    assert lab.outputs() == before
    assert f"serves the config {NAME}-by-hand" in said
    assert f"--endpoint-config-name {deployed}" in said
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName=deployed)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig={"Delay": 1})


def test_a_failed_job_shows_its_reason_and_leaves_the_lab_as_it_was(lab: Lab, tmp_path: Path) -> None:
    """Data that the training refuses fail the deployment with the job's own sentence; the old model goes on serving."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 10)):
        np.save(tmp_path / f"lego-simple-{part}-images.npy", rng.random((count, 48, 48)))
        np.save(tmp_path / f"lego-simple-{part}-labels.npy", np.full(count, 11))
    serving = lab.client("sagemaker").describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    said = lab("up", *SETTINGS, "-c", "lab.epochs=2", "-c", f"lab.data={tmp_path}", code=1)
    assert "lego-simple-train-labels.npy" in said
    assert lab.client("sagemaker").describe_endpoint(EndpointName=NAME)["EndpointConfigName"] == serving


def test_down_leaves_nothing(lab: Lab) -> None:
    """`down --keep-aws` ends everything and gives a receipt; a second one is a no-op; a plain one stops the rest."""
    receipt = json.loads(lab("down", "--keep-aws", "--json", "-c", f"lab.name={NAME}"))
    assert receipt["clean"]
    deleted = {(thing["kind"], thing["name"]) for thing in receipt["deleted"]}
    assert {("stack", f"{NAME}-{part}") for part in ("operations", "storage", "training", "endpoint")} <= deleted
    assert ("endpoint config", f"{NAME}-by-hand") in deleted
    assert {("model package", f"model-package/{NAME}/{number}") for number in (1, 2)} <= deleted
    assert ("scalable target", f"{SCALED} (sagemaker:variant:DesiredInstanceCount)") in deleted
    assert not lab.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert not lab.client("cloudwatch").list_dashboards()["DashboardEntries"]
    assert {each["kind"] for each in receipt["remains"]} == {"KMS key", "stack"}
    assert all(each["why"] and each["expected"] for each in receipt["remains"])
    sagemaker = lab.client("sagemaker")
    assert not sagemaker.list_endpoints()["Endpoints"]
    assert not sagemaker.list_models()["Models"]
    assert not sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert not sagemaker.list_endpoint_configs()["EndpointConfigs"]
    assert not sagemaker.list_notebook_instances()["NotebookInstances"]
    assert not sagemaker.list_training_jobs()["TrainingJobSummaries"]
    assert not [b for b in lab.client("s3").list_buckets()["Buckets"] if not b["Name"].startswith("cdk-")]
    stacks = lab.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == ["CDKToolkit"]
    assert not lab.client("logs").describe_log_groups()["logGroups"]
    again = json.loads(lab("down", "--keep-aws", "--json", "-c", f"lab.name={NAME}"))
    assert again["clean"]
    assert again["deleted"] == []
    lab("down", "-c", f"lab.name={NAME}")
    assert gateway.running(lab.home / "aws") is None
    assert "nothing to take down" in lab("down", "-c", f"lab.name={NAME}")


def test_no_secret_is_left(lab: Lab) -> None:
    """Templates, receipts and logs on the disk have none either."""
    files = {path: path.read_text(errors="replace") for path in lab.home.rglob("*") if path.is_file()}
    assert {"receipts", "cdk.out", "aws"} <= {path.relative_to(lab.home).parts[0] for path in files}
    found = [
        f"{path.name}: {content[max(0, match.start() - 60) : match.end() + 20]}"
        for path, content in files.items()
        for match in CREDENTIALS.finditer(content)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("lab.epochs=0", "epochs"),
        ("lab.training_instance_type=ml.toy.large", "ml.toy.large"),
        ("lab.epoch=3", "epochs"),
        ("lab.name=My_Lab", "My_Lab"),
        ("epochs", "lab.KEY=VALUE"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_happens(lab: Lab, setting: str, said: str) -> None:
    """Every command refuses a setting that can't be, with its key and rule, and starts nothing."""
    assert said in lab("up", "-c", setting, code=1)
    assert gateway.running(lab.home / "aws") is None
