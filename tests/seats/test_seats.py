"""A class as its instructor meets it: seats that fail alone, and whose students can't touch each other."""

from __future__ import annotations

import io
import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from embedded_aws import gateway
from tests.embedded_aws.jupyter import Jupyter
from tests.seats.class_of_two import NAME, Student, empty_archive, notebooks, stack_id, standings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Lab
    from tests.seats.class_of_two import ClassOfTwo

pytestmark = pytest.mark.usefixtures("in_order")


@pytest.fixture(scope="module")
def lab(class_of_two: ClassOfTwo) -> Lab:
    """The class's lab, in which the notebooks of tests/notebooks may have run on Ada's seat."""
    return class_of_two.lab


@pytest.fixture(scope="module")
def roster(class_of_two: ClassOfTwo) -> Path:
    """The class's roster."""
    return class_of_two.roster


def test_a_seat_that_fails_does_not_stop_the_others(class_of_two: ClassOfTwo, lab: Lab, settings: list[str]) -> None:
    """Somebody has Grace's notebook already: Ada's seat and the lab come up, and the table says why Grace's did not."""
    assert "1 of 2 seats failed" in class_of_two.told
    assert "./lab seats rebuild grace-hopper" in class_of_two.told
    found = standings(lab, settings)
    assert found["ada"] == "ready"
    assert found["grace-hopper"] != "ready"
    assert lab.client("sagemaker").describe_endpoint(EndpointName=NAME)["EndpointStatus"] == "InService"


def test_a_seat_that_failed_is_rebuilt(lab: Lab, settings: list[str]) -> None:
    """With the cause gone, what was left in the middle is cleared away and the seat made."""
    sagemaker = lab.client("sagemaker")
    name = f"{NAME}-grace-hopper"
    if sagemaker.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceStatus"] == "InService":
        sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    sagemaker.get_waiter("notebook_instance_stopped").wait(NotebookInstanceName=name, WaiterConfig={"Delay": 1})
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    sagemaker.get_waiter("notebook_instance_deleted").wait(NotebookInstanceName=name, WaiterConfig={"Delay": 1})
    assert "✓ 1 ready" in lab("seats", "rebuild", "Grace Hopper", *settings)
    assert standings(lab, settings) == {"ada": "ready", "grace-hopper": "ready"}


def test_each_seat_has_its_copy_of_the_notebook(lab: Lab, ada: Student) -> None:
    """It lies below the seat's own prefix, and the student can read it."""
    listed = ada.s3.list_objects_v2(Bucket=ada.bucket, Prefix="seats/ada/", Delimiter="/")["Contents"]
    assert {each["Key"] for each in listed} == {
        f"seats/ada/{name}.ipynb" for name in ("algorithms", "bricks", "drift", "hosting", "jobs", "pipeline")
    }
    copy = ada.s3.get_object(Bucket=ada.bucket, Key="seats/ada/bricks.ipynb")["Body"].read()
    assert copy == lab.client("s3").get_object(Bucket=ada.bucket, Key="notebooks/bricks.ipynb")["Body"].read()


def test_a_student_can_do_the_lab(ada: Student) -> None:
    """Read the data, keep objects, train, host and ask the lab's endpoint: all under the seat's own names."""
    assert ada.s3.list_objects_v2(Bucket=ada.bucket, Prefix="data/")["KeyCount"] == 4
    ada.s3.get_object(Bucket=ada.bucket, Key="data/lego-simple-test-labels.npy")
    ada.s3.put_object(Bucket=ada.bucket, Key="seats/ada/mine", Body=b"1")
    ada.s3.delete_object(Bucket=ada.bucket, Key="seats/ada/mine")
    ada.s3.put_object(Bucket=ada.bucket, Key="seats/ada/model.tar.gz", Body=empty_archive())
    ada.train(f"{NAME}-ada-job", KeepAlivePeriodInSeconds=3600)
    ended = ada.sagemaker.get_waiter("training_job_completed_or_stopped")
    ended.wait(TrainingJobName=f"{NAME}-ada-job", WaiterConfig={"Delay": 1})
    ada.keep(f"{NAME}-ada-job", 0)
    ada.model(f"{NAME}-ada-model")
    ada.config(f"{NAME}-ada-config")
    image = io.BytesIO()
    labels = ada.s3.get_object(Bucket=ada.bucket, Key="data/lego-simple-test-images.npy")["Body"].read()
    image.write(labels)
    answer = ada.runtime.invoke_endpoint(EndpointName=NAME, ContentType="application/x-npy", Body=image.getvalue())
    assert json.load(answer["Body"])["predictions"]
    ada.sagemaker.describe_notebook_instance(NotebookInstanceName=f"{NAME}-ada")


def test_a_student_can_run_every_kind_of_job(ada: Student) -> None:
    """Make, describe, list and stop them, and look at a tuning job's training jobs."""
    sagemaker, job = ada.sagemaker, f"{NAME}-ada-{{}}".format
    ada.process(job("prepare"))
    sagemaker.describe_processing_job(ProcessingJobName=job("prepare"))
    sagemaker.get_waiter("processing_job_completed_or_stopped").wait(
        ProcessingJobName=job("prepare"), WaiterConfig={"Delay": 1}
    )
    assert sagemaker.list_processing_jobs(NameContains=f"{NAME}-ada-")["ProcessingJobSummaries"]
    ada.s3.put_object(Bucket=ada.bucket, Key="seats/ada/photos/none.npy", Body=b"no photo")
    ada.transform(job("score"))
    sagemaker.describe_transform_job(TransformJobName=job("score"))
    assert sagemaker.list_transform_jobs(NameContains=f"{NAME}-ada-")["TransformJobSummaries"]
    ada.tune(job("tune"))
    name = {"HyperParameterTuningJobName": job("tune")}
    sagemaker.describe_hyper_parameter_tuning_job(**name)
    sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**name)
    assert sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    sagemaker.stop_hyper_parameter_tuning_job(**name)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda a: a.s3.get_object(Bucket=a.bucket, Key="seats/grace-hopper/bricks.ipynb"),
        lambda a: a.s3.put_object(Bucket=a.bucket, Key="seats/grace-hopper/bricks.ipynb", Body=b"gone"),
        lambda a: a.s3.delete_object(Bucket=a.bucket, Key="seats/grace-hopper/bricks.ipynb"),
        lambda a: a.s3.list_objects_v2(Bucket=a.bucket, Prefix="seats/grace-hopper/"),
        lambda a: a.s3.list_objects_v2(Bucket=a.bucket, Prefix="seats/"),
        lambda a: a.s3.list_objects_v2(Bucket=a.bucket),
        lambda a: a.s3.copy_object(
            Bucket=a.bucket, Key="seats/ada/stolen", CopySource=f"{a.bucket}/seats/grace-hopper/bricks.ipynb"
        ),
        lambda a: a.s3.put_object(Bucket=a.bucket, Key="data/lego-simple-test-labels.npy", Body=b"all wrong"),
        lambda a: a.s3.put_object(Bucket=a.bucket, Key="notebooks/bricks.ipynb", Body=b"another"),
        lambda a: a.s3.delete_bucket(Bucket=a.bucket),
        lambda a: a.train(f"{NAME}-ada-large", instance_type="ml.p3.16xlarge"),
        lambda a: a.train(f"{NAME}-grace-hopper-job"),
        lambda a: a.train(f"{NAME}-job"),
        lambda a: a.train("ada-job"),
        lambda a: a.train(f"{NAME}-ada-as-grace", role=a.other),
        lambda a: a.train(f"{NAME}-ada-warm", KeepAlivePeriodInSeconds=3601),
        lambda a: a.keep(f"{NAME}-ada-job", 3601),
        lambda a: a.keep(f"{NAME}-job", 0),
        lambda a: a.process(f"{NAME}-ada-large", instance_type="ml.p3.16xlarge"),
        lambda a: a.process(f"{NAME}-grace-hopper-job"),
        lambda a: a.process(f"{NAME}-ada-as-grace", role=a.other),
        lambda a: a.sagemaker.stop_processing_job(ProcessingJobName=f"{NAME}-grace-hopper-job"),
        lambda a: a.transform(f"{NAME}-ada-large", instance_type="ml.p3.16xlarge"),
        lambda a: a.transform(f"{NAME}-grace-hopper-job"),
        lambda a: a.sagemaker.describe_transform_job(TransformJobName=f"{NAME}-grace-hopper-job"),
        lambda a: a.tune(f"{NAME}-ada-large", instance_type="ml.p3.16xlarge"),
        lambda a: a.tune(f"{NAME}-grace-hopper-job"),
        lambda a: a.tune(f"{NAME}-ada-as-grace", role=a.other),
        lambda a: a.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=f"{NAME}-grace-hopper-job"
        ),
        lambda a: a.model(f"{NAME}-grace-hopper-model"),
        lambda a: a.model(f"{NAME}-ada-as-grace", role=a.other),
        lambda a: a.config(f"{NAME}-ada-large", instance_type="ml.p3.16xlarge"),
        lambda a: a.config(f"{NAME}-ada-serverless", instance_type=None, concurrency=100),
        lambda a: a.config(f"{NAME}-grace-hopper-config"),
        lambda a: a.sagemaker.create_endpoint(EndpointName=f"{NAME}-other", EndpointConfigName=f"{NAME}-ada-config"),
        lambda a: a.sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName=f"{NAME}-ada-config"),
        lambda a: a.sagemaker.delete_endpoint(EndpointName=NAME),
        lambda a: a.sagemaker.stop_notebook_instance(NotebookInstanceName=f"{NAME}-grace-hopper"),
        lambda a: a.sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName=f"{NAME}-grace-hopper"),
        lambda a: a.sagemaker.delete_notebook_instance(NotebookInstanceName=f"{NAME}-ada"),
        lambda a: a.sagemaker.create_notebook_instance(
            NotebookInstanceName=f"{NAME}-ada-two", InstanceType="ml.t3.medium", RoleArn=a.role
        ),
        lambda a: a.sagemaker.list_notebook_instances(),
        lambda a: a.runtime.invoke_endpoint(EndpointName=f"{NAME}-grace-hopper-endpoint", Body=b"x"),
    ],
)
def test_a_student_cannot(ada: Student, attempt: Callable[[Student], object]) -> None:
    """Another seat's objects and resources, the lab's own, large instances, another's role: IAM says no to each."""
    with pytest.raises(ClientError) as caught:
        attempt(ada)
    assert caught.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    assert "is not authorized to perform" in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("instance_types", "decision"),
    [
        (["ml.m5.large"], "allowed"),
        (["ml.m5.large", "ml.p3.16xlarge"], "implicitDeny"),
        ([], "implicitDeny"),
    ],
)
@pytest.mark.parametrize("kind", ["TrainingJob", "ProcessingJob", "TransformJob", "HyperParameterTuningJob"])
def test_iam_s_own_simulator_agrees(
    lab: Lab, ada: Student, kind: str, instance_types: list[str], decision: str
) -> None:
    """SimulatePrincipalPolicy with the condition key decides as the service does."""
    arn_type = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()
    entry = {
        "ContextKeyName": "sagemaker:InstanceTypes",
        "ContextKeyValues": instance_types,
        "ContextKeyType": "stringList",
    }
    answer = lab.client("iam").simulate_principal_policy(
        PolicySourceArn=ada.role,
        ActionNames=[f"sagemaker:Create{kind}"],
        ResourceArns=[f"arn:aws:sagemaker:us-east-1:{gateway.ACCOUNT}:{arn_type}/{NAME}-ada-job"],
        ContextEntries=[entry] if instance_types else [],
    )
    assert [result["EvalDecision"] for result in answer["EvaluationResults"]] == [decision]


def test_a_student_asks_about_photos(lab: Lab, ada: Student) -> None:
    """The seat's own table, empty before anything is prepared, in the seat's own workgroup; IAM allows no other."""
    query = ada.athena.start_query_execution(
        QueryString="SELECT count(*) FROM photos WHERE dropped IS NULL",
        QueryExecutionContext={"Database": f"{NAME}__ada"},
        WorkGroup=f"{NAME}-ada",
    )["QueryExecutionId"]
    while (status := ada.athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"])["State"] in (
        "QUEUED",
        "RUNNING",
    ):
        pass
    assert status["State"] == "SUCCEEDED", status
    assert (
        ada.athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1]["Data"][0]["VarCharValue"] == "0"
    )
    assert ada.s3.get_object(Bucket=ada.bucket, Key=f"seats/ada/queries/{query}.csv")["Body"].read().split()[1] == b"0"
    here = f"us-east-1:{gateway.ACCOUNT}"
    for action, own, other in (
        ("athena:StartQueryExecution", f"athena:{here}:workgroup/{NAME}-ada", f"athena:{here}:workgroup/{NAME}"),
        ("glue:GetTable", f"glue:{here}:table/{NAME}__ada/photos", f"glue:{here}:table/{NAME}__grace_hopper/photos"),
    ):
        answer = lab.client("iam").simulate_principal_policy(
            PolicySourceArn=ada.role, ActionNames=[action], ResourceArns=[f"arn:aws:{own}", f"arn:aws:{other}"]
        )
        [of_action] = answer["EvaluationResults"]
        assert of_action["EvalDecision"] == "implicitDeny"
        decisions = {
            each["EvalResourceName"]: each["EvalResourceDecision"] for each in of_action["ResourceSpecificResults"]
        }
        assert decisions == {f"arn:aws:{own}": "allowed", f"arn:aws:{other}": "implicitDeny"}


def test_list_shows_people_and_programs_the_class(lab: Lab, settings: list[str]) -> None:
    """Each seat with its student's address and how it stands."""
    shown = lab("seats", "list", *settings)
    assert "grace@school.example" in shown
    assert "InService" in shown
    assert standings(lab, settings) == {"ada": "ready", "grace-hopper": "ready"}


def test_notebook_needs_to_know_whose(lab: Lab, settings: list[str]) -> None:
    """In a class of several a seat has to be named; one that is not there is a sentence."""
    assert "one of: ada, grace-hopper" in lab("notebook", *settings, code=1)
    assert "There is no seat bob" in lab("notebook", "bob", *settings, code=1)
    assert "There is no seat bob" in lab("env", "bob", *settings, code=1)


READY = "Ready: choose Restart Kernel in the menu Kernel, then run the cells from the top."
# Importing them takes half a minute the first time: the notebooks, executed on a seat in tests/notebooks, do that.
WHOSE = """
import os, boto3
from importlib.util import find_spec
assert all(map(find_spec, ("keras", "matplotlib", "sagemaker", "tensorflow")))
print(boto3.client("sts").get_caller_identity()["Arn"])
print(os.environ["BRICKLAB_SEAT"], os.environ["BRICKLAB_PREFIX"], os.environ["BRICKLAB_ROLE"], sep="\\n")
print(len(os.listdir(os.environ["BRICKLAB_DATA"])))
"""


def test_notebook_opens_the_seat_s_jupyterlab(lab: Lab, settings: list[str], ada: Student) -> None:
    """The URL leads to a JupyterLab in which notebook and data lie; the lab's kernel gets every package, as the seat.

    The packages come in the background: the notebooks' first cell, which this runs, waits until they are there.
    """
    opened = json.loads(lab("notebook", "Ada", "--json", *settings))
    jupyter = Jupyter(opened["url"])
    assert opened["notebook_instance"] == f"{NAME}-ada"
    names = {item["name"] for item in jupyter.ask("GET", "/api/contents")[1]["content"]}
    assert {"bricks.ipynb", "data"} <= names
    notebook = jupyter.ask("GET", "/api/contents/bricks.ipynb")[1]["content"]
    assert notebook["metadata"]["kernelspec"]["name"] == "bricklab"
    [first] = [cell["source"] for cell in notebook["cells"] if cell["id"] == "setup"]
    told = jupyter.run(first, kernel="bricklab")
    assert READY in told or jupyter.file(".lab/packages.txt") == READY
    arn, *told_of = jupyter.run(WHOSE, kernel="bricklab").split()
    assert arn.split("/")[1] == ada.role.rpartition("/")[2]
    assert told_of == ["ada", f"{NAME}-ada-", ada.role, "4"]


def test_the_presigned_url_of_a_running_notebook_comes_again(lab: Lab, settings: list[str]) -> None:
    """A second `notebook` finds the server of the first."""
    urls = {json.loads(lab("notebook", "ada", "--json", *settings))["url"] for _ in range(2)}
    assert len(urls) == 1
    assert urls.pop() in lab("notebook", "ada", "--no-browser", *settings)


def test_a_seat_at_work_is_not_taken_away(lab: Lab, settings: list[str], roster: Path) -> None:
    """While Ada's kernel computes, neither `remove` nor `rebuild` touches her seat: each says what runs."""
    jupyter = Jupyter(json.loads(lab("notebook", "ada", "--json", *settings))["url"])
    before = roster.read_text(encoding="utf-8")
    kernel = jupyter.start("import time; time.sleep(600)")
    for command in ("remove", "rebuild"):
        said = lab("seats", command, "ada", *settings, code=1)
        assert "ada has 1 busy kernel" in said
        assert "--force" in said
    assert roster.read_text(encoding="utf-8") == before
    assert standings(lab, settings)["ada"] == "ready"
    jupyter.ask("DELETE", f"/api/kernels/{kernel}")


def test_a_stopped_notebook_is_started_again(lab: Lab, settings: list[str]) -> None:
    """What idle stop or StopNotebookInstance ended, `notebook` brings back, with the student's files."""
    jupyter = Jupyter(json.loads(lab("notebook", "ada", "--json", *settings))["url"])
    jupyter.run("open('mine.txt', 'w').write('work')")
    sagemaker = lab.client("sagemaker")
    sagemaker.stop_notebook_instance(NotebookInstanceName=f"{NAME}-ada")
    sagemaker.get_waiter("notebook_instance_stopped").wait(
        NotebookInstanceName=f"{NAME}-ada", WaiterConfig={"Delay": 1}
    )
    assert standings(lab, settings)["ada"] == "stopped"
    again = Jupyter(json.loads(lab("notebook", "ada", "--json", *settings))["url"])
    assert again.ask("GET", "/api/contents/mine.txt")[1]["content"] == "work"
    # The packages lie there too: a kernel has them at once, and none are installed anew.
    version = again.run("from importlib.metadata import version; print(version('keras'))", kernel="bricklab")
    assert version.startswith("3.")
    assert again.file("packages.log").count("step 1 of 2") == 1


def test_a_change_that_can_not_succeed_changes_nothing(lab: Lab, settings: list[str], roster: Path) -> None:
    """Another command of the lab's is at work on the templates: it is said so; seat and roster are as they were."""
    before, written = stack_id(lab, "grace-hopper"), roster.read_bytes()
    busy = lab.home / "cdk.out" / f"read.{os.getpid()}.1.lock"  # as the CDK CLI marks that it reads there
    busy.write_text(str(os.getpid()))
    for change in (["rebuild", "Grace Hopper"], ["add", "Barbara"]):
        said = lab("seats", *change, *settings, code=1)
        assert f"Another command of this lab is at work, process {os.getpid()}: wait until it has ended" in said
        assert "context key" not in said
    busy.unlink()
    assert (stack_id(lab, "grace-hopper"), roster.read_bytes()) == (before, written)


def test_a_stopped_seat_is_not_rebuilt_unasked(lab: Lab, settings: list[str]) -> None:
    """What lies on a stopped notebook's volume can't be kept aside."""
    sagemaker, name = lab.client("sagemaker"), f"{NAME}-grace-hopper"
    sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    sagemaker.get_waiter("notebook_instance_stopped").wait(NotebookInstanceName=name, WaiterConfig={"Delay": 1})
    said = lab("seats", "rebuild", "Grace Hopper", *settings, code=1)
    assert "`./lab notebook grace-hopper` starts it, or add --force. Nothing was changed." in said
    assert standings(lab, settings)["grace-hopper"] == "stopped"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "ADA"], "both make the seat ada"),
        (["add", "Grace"], "begin with grace-"),
        (["add", "?"], "no letter or digit"),
        (["add", "x" * 200], "shorten it to at most 30"),
        (["remove", "gracehopper"], "Did you mean grace-hopper?"),
        (["remove", "ada", "bob"], "There is no seat bob"),
        (["rebuild", "bob"], "There are ada, grace-hopper"),
    ],
)
def test_a_wrong_name_changes_nothing(
    lab: Lab, settings: list[str], roster: Path, arguments: list[str], said: str
) -> None:
    """A sentence with the next step; roster and seats are as before."""
    before = roster.read_text(encoding="utf-8"), notebooks(lab)
    assert said in lab("seats", *arguments, *settings, code=1)
    assert (roster.read_text(encoding="utf-8"), notebooks(lab)) == before


def test_seats_on_the_command_line_can_not_be_changed(lab: Lab) -> None:
    """What -c lab.seats=… names is nowhere written down, so it is refused with the way out."""
    said = lab("seats", "add", "Bob", "-c", f"lab.name={NAME}", "-c", "lab.seats=ada", code=1)
    assert "-c lab.seats=class.csv" in said


def test_down_takes_the_class_with_it(lab: Lab, settings: list[str]) -> None:
    """No seat, no student's work and no log of either outlives the lab."""
    grace = Student(lab, "grace-hopper")
    grace.model(f"{NAME}-grace-hopper-model", artifact="")
    assert "is left" in lab("down", "--keep-aws", *settings)
    assert not lab.client("sagemaker").list_models()["Models"]
    assert not notebooks(lab)
    assert not lab.client("sagemaker").list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
