"""Training jobs run in the image's environment and end as they would on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.exceptions
import pytest

from tests.embedded_aws.account import BUCKET, Account, files_of, python, until
from tests.zips import wheel

if TYPE_CHECKING:
    from typing import Any

GROUP = "/aws/sagemaker/TrainingJobs"
STUDS = "studs-1.0-py3-none-any.whl"

SCRIPT = b"""
import importlib.util, json, os, sys
import boto3

print("arguments " + " ".join(sys.argv[1:]))
print("channel " + " ".join(sorted(os.listdir(os.environ["SM_CHANNEL_TRAINING"]))))
for epoch in range(3):
    print(f"epoch={epoch + 1}/3 loss=0.{epoch} val_loss=1.{epoch}")
print("acts as " + boto3.client("sts", region_name=os.environ["AWS_REGION"]).get_caller_identity()["Arn"])
print("job " + os.environ["TRAINING_JOB_NAME"] + " host " + os.environ["SM_CURRENT_HOST"])
print("python %d.%d" % sys.version_info[:2])
print(f"without {[name for name in os.environ['PACKAGES'].split() if importlib.util.find_spec(name) is None]}")
print("keys:" + " ".join(name for name in os.environ if "ACCESS_KEY" in name), file=sys.stderr)
with open(os.path.join(os.environ["SM_MODEL_DIR"], "weights.txt"), "w") as file:
    file.write("42")
with open(os.path.join(os.environ["SM_OUTPUT_DATA_DIR"], "curve.txt"), "w") as file:
    file.write("falling")
"""
# What the page of AWS's image says that it includes, where a CPU, a job and PyPI can have it.
PACKAGES = (
    "mlflow smclarify smexperiments tensorflow_datasets pandas sklearn scipy numpy PIL h5py cv2 numba plotly seaborn "
    "shap bokeh imageio cloudpickle boto3 botocore awscli s3fs pkg_resources sagemaker.core"
)


def channel(uri: str) -> list[dict[str, Any]]:
    """InputDataConfig with the channel `training`."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return [{"ChannelName": "training", "DataSource": {"S3DataSource": source}}]


@pytest.fixture(scope="module")
def trained(account: Account) -> dict[str, Any]:
    """A job of the real toolkit that has completed."""
    account.put("data/images.npy", b"images")
    account.put("data/labels/train.npy", b"labels")
    definitions = [
        {"Name": "train:loss", "Regex": r"\sloss=([0-9.]+)"},
        {"Name": "validation:loss", "Regex": r"val_loss=([0-9.]+)"},
    ]
    return account.train(
        algorithm={"MetricDefinitions": definitions},
        HyperParameters={**account.source({"train.py": SCRIPT, "requirements.txt": b"numpy\n"}), "epochs": "3"},
        InputDataConfig=channel(f"s3://{BUCKET}/data/"),
        Environment={"PACKAGES": PACKAGES},
    )


def test_completes(account: Account, trained: dict[str, Any]) -> None:
    """A job goes through AWS's states in order and leaves model.tar.gz and output.tar.gz where AWS puts them."""
    assert trained["TrainingJobStatus"] == "Completed", trained.get("FailureReason")
    transitions = trained["SecondaryStatusTransitions"]
    assert [each["Status"] for each in transitions] == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(each["StartTime"] <= each["EndTime"] for each in transitions)
    assert trained["TrainingStartTime"] < trained["TrainingEndTime"]
    assert trained["TrainingTimeInSeconds"] == trained["BillableTimeInSeconds"] >= 1
    artifact = trained["ModelArtifacts"]["S3ModelArtifacts"]
    assert artifact == f"s3://{BUCKET}/training/{trained['TrainingJobName']}/output/model.tar.gz"
    assert files_of(account.get(artifact)) == {"weights.txt": b"42"}
    assert files_of(account.get(artifact.replace("model.tar", "output.tar"))) == {"curve.txt": b"falling"}


def test_logs_what_the_script_prints(account: Account, trained: dict[str, Any]) -> None:
    """The stream <job>/algo-1-… has the script's lines; it acts as the job's role, without keys in its environment."""
    name = trained["TrainingJobName"]
    lines = account.lines(GROUP, f"{name}/algo-1-")
    assert "arguments --epochs 3" in lines
    assert "channel images.npy labels" in lines
    assert f"job {name} host algo-1" in lines
    assert "acts as arn:aws:sts::000000000000:assumed-role/execution/SageMaker" in lines
    assert "keys:" in lines
    assert any("Requirement already satisfied: numpy" in line for line in lines)


def test_runs_what_the_image_is_called(account: Account, trained: dict[str, Any]) -> None:
    """Its Python is the tag's, or the log's first line says which one stands in; AWS's packages are there."""
    lines = account.lines(GROUP, f"{trained['TrainingJobName']}/algo-1-")
    assert "python 3.12" in lines or lines[0].startswith("This image stands for Python 3.12; ")
    assert "without []" in lines


def test_publishes_metrics(account: Account, trained: dict[str, Any]) -> None:
    """What MetricDefinitions find is in FinalMetricDataList and in CloudWatch, under the job's name."""
    final = {each["MetricName"]: each["Value"] for each in trained["FinalMetricDataList"]}
    assert final == {"train:loss": pytest.approx(0.2), "validation:loss": pytest.approx(1.2)}
    metrics = account.cloudwatch.list_metrics(Namespace=GROUP, MetricName="train:loss")["Metrics"]
    assert [{"Name": "TrainingJobName", "Value": trained["TrainingJobName"]}] in [
        each["Dimensions"] for each in metrics
    ]


def test_fails_with_the_scripts_error(account: Account) -> None:
    """A script that raises fails the job; FailureReason has the toolkit's text and the exit code."""
    ended = account.train(HyperParameters=account.source({"train.py": b"raise ValueError('too few bricks')"}))
    assert ended["TrainingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage")
    assert "too few bricks" in ended["FailureReason"]
    assert ended["FailureReason"].endswith(", exit code: 1")
    assert "ModelArtifacts" not in ended


def test_names_tensorflows_errors(account: Account) -> None:
    """An error of TensorFlow gives its own name to the failure, as the toolkit does it."""
    script = b"class InvalidArgumentError(Exception): ...\nraise InvalidArgumentError('shapes differ')"
    ended = account.train(HyperParameters=account.source({"train.py": script}))
    assert ended["FailureReason"].startswith("AlgorithmError: InvalidArgumentError:\n")


def test_cuts_a_long_failure(account: Account) -> None:
    """FailureReason has at most 1,024 characters, the exit code among them."""
    code = "import os; open(os.environ['SAGEMAKER_BASE_DIR'] + '/output/failure', 'w').write('x' * 5000); os._exit(3)"
    ended = account.train(entrypoint=python(code))
    assert len(ended["FailureReason"]) == 1024
    assert ended["FailureReason"].endswith("x, exit code: 3")


def test_fails_without_image(account: Account) -> None:
    """An image of one's own that does not exist fails the job in AWS's words."""
    ended = account.train(algorithm={"TrainingImage": "111122223333.dkr.ecr.us-east-1.amazonaws.com/mine:1.0"})
    assert ended["FailureReason"].startswith("ClientError: Cannot pull algorithm container.")
    assert "111122223333.dkr.ecr.us-east-1.amazonaws.com/mine:1.0" in ended["FailureReason"]


@pytest.mark.parametrize("trust", [None, '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}}]}'])
def test_refuses_a_role_it_cannot_assume(account: Account, trust: str | None) -> None:
    """A role that is missing or does not trust SageMaker is refused at once, in AWS's words, and no job is left."""
    arn = "arn:aws:iam::000000000000:role/not-for-sagemaker"
    if trust:
        account.iam.create_role(RoleName="not-for-sagemaker", AssumeRolePolicyDocument=trust)
    with pytest.raises(botocore.exceptions.ClientError, match=f"Could not assume role {arn}. Please ensure") as refused:
        account.start_job(RoleArn=arn)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    jobs = account.sagemaker.list_training_jobs(MaxResults=100)["TrainingJobSummaries"]
    assert all(
        account.sagemaker.describe_training_job(TrainingJobName=j["TrainingJobName"])["RoleArn"] != arn for j in jobs
    )


def test_stop_leaves_time_to_save(account: Account) -> None:
    """StopTrainingJob sends SIGTERM; what the script saves then is uploaded, and the job ends Stopped."""
    code = """
import os, signal, sys, time
def save(*_):
    open(os.environ["SAGEMAKER_BASE_DIR"] + "/model/saved.txt", "w").write("in time")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(60)
"""
    job = account.start_job(entrypoint=python(code))
    until(lambda: "ready" in account.printed(GROUP, job))
    account.sagemaker.stop_training_job(TrainingJobName=job)
    assert account.sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"] in ("Stopping", "Stopped")
    ended = account.end_of(job)
    assert (ended["TrainingJobStatus"], ended["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert files_of(account.get(ended["ModelArtifacts"]["S3ModelArtifacts"])) == {"saved.txt": b"in time"}


def test_stops_after_its_longest_time(account: Account) -> None:
    """MaxRuntimeInSeconds ends a job as Stopped, MaxRuntimeExceeded, on the real clock."""
    ended = account.train(entrypoint=python("import time; time.sleep(60)"), runtime=1)
    assert (ended["TrainingJobStatus"], ended["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert 1 <= ended["TrainingTimeInSeconds"] < 10


def test_a_job_installs_for_itself_only(account: Account) -> None:
    """What one job's requirements.txt installs is there for that job and for no other."""
    files = {"train.py": b"import studs\nprint(f'studs {studs.COUNT}')", STUDS: wheel("studs", b"COUNT = 8\n")}
    requirements = {"requirements.txt": f"./{STUDS}\n".encode()}
    having = account.start_job(HyperParameters=account.source({**files, **requirements}))
    assert account.end_of(having)["TrainingJobStatus"] == "Completed"
    assert "studs 8" in account.lines(GROUP, having)
    lacking = account.train(HyperParameters=account.source(files))
    assert "No module named 'studs'" in lacking["FailureReason"]
