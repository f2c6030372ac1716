"""Training jobs that are asked for wrongly fail with AWS's error or one sentence that says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import botocore.exceptions
import pytest

from tests.embedded_aws.account import BUCKET, Account

if TYPE_CHECKING:
    from typing import Any

MODEL_CODE = Path(__file__).parents[5] / "model_code"


@pytest.mark.parametrize("bucket", [BUCKET, "no-such-bucket"])
def test_a_channel_without_objects(account: Account, bucket: str) -> None:
    """CreateTrainingJob refuses it: the channel's address is named, and what to look at. There is no such job then."""
    nothing = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/nowhere/"}}
    channels = [{"ChannelName": "training", "DataSource": nothing}]
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        account.start_job(program="", TrainingJobName="without-data", InputDataConfig=channels)
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": f'No S3 objects found under S3 URL "s3://{bucket}/nowhere/" given in input data source. Please '
        "ensure that the bucket exists in the selected region (us-east-1), that objects exist under that S3 prefix, "
        f'and that the role "{account.role}" has "s3:ListBucket" permissions on bucket "{bucket}".',
    }
    with pytest.raises(botocore.exceptions.ClientError, match="Requested resource not found"):
        account.sagemaker.describe_training_job(TrainingJobName="without-data")


def test_a_script_that_is_not_in_the_archive(account: Account) -> None:
    """The toolkit's own failure names what it ran, and the log what was not found."""
    ended = account.train(HyperParameters=account.source({"train.py": b""}, program="trian.py"))
    assert ended["TrainingJobStatus"] == "Failed"
    assert "ExecuteUserScriptError:\nExitCode 2" in ended["FailureReason"]
    assert ended["FailureReason"].endswith('-- trian.py", exit code: 1')
    lines = account.lines("/aws/sagemaker/TrainingJobs", ended["TrainingJobName"])
    assert any("trian.py': [Errno 2] No such file or directory" in line for line in lines)


def test_an_unknown_hyperparameter(account: Account) -> None:
    """What the lab's own train.py says to its user is the FailureReason."""
    files = {str(path.relative_to(MODEL_CODE)): path.read_bytes() for path in MODEL_CODE.rglob("*.py")}
    ended = account.train(HyperParameters={**account.source(files), "epoch": "3"})
    assert ended["TrainingJobStatus"] == "Failed"
    assert "ValueError: Unrecognized arguments: --epoch 3;" in ended["FailureReason"]


def test_a_progress_bar_before_the_error(account: Account) -> None:
    """What a bar has written over is no reason: the error stands in FailureReason, however long the bar was."""
    bar = 'import sys\nfor n in range(200): sys.stderr.write("\\r%d %% |%s| " % (n / 2, n * "#"))\n'
    program = f'{bar}sys.stderr.write("\\rValueError: no bricks")\nsys.exit(1)\n'
    reason = account.train(HyperParameters=account.source({"train.py": program.encode()}))["FailureReason"]
    assert 'ErrorMessage "ValueError: no bricks' in reason
    assert "#" not in reason


def test_a_metric_that_never_matches(account: Account) -> None:
    """The job completes without it."""
    definitions = [{"Name": "never", "Regex": "accuracie=([0-9.]+)"}, {"Name": "no value", "Regex": "accuracy="}]
    ended = account.train(program='print("accuracy=0.5")', algorithm={"MetricDefinitions": definitions})
    assert ended["TrainingJobStatus"] == "Completed", ended["FailureReason"]
    assert "FinalMetricDataList" not in ended


def test_two_jobs_of_one_name(account: Account) -> None:
    """The second is refused, whether the first one runs or has ended."""
    job = account.start_job(program="")
    for _ in range(2):
        with pytest.raises(botocore.exceptions.ClientError, match="names must be unique within an AWS") as refused:
            account.start_job(program="", TrainingJobName=job)
        assert refused.value.response["Error"]["Code"] == "ResourceInUse"
        account.end_of(job)


@pytest.mark.parametrize(
    "name",
    ["sagemaker_mpi_enabled", "sagemaker_distributed_dataparallel_enabled", "sagemaker_parameter_server_enabled"],
)
def test_a_distribution_that_is_not_offered(account: Account, name: str) -> None:
    """It is refused by name, not left out in silence."""
    with pytest.raises(botocore.exceptions.ClientError, match=f"does not offer the hyperparameter {name}; "):
        account.start_job(HyperParameters={name: "true"})


def test_paths_in_hyperparameters(account: Account) -> None:
    """The toolkit's script is called with paths that exist where it runs, and the hyperparameters stay as they are."""
    script = b"""
import json, os, pathlib, sys
print(f"there: {pathlib.Path(sys.argv[2]).is_dir()}")
print(f"given: {json.loads(os.environ['SM_HPS'])['state']}")
"""
    ended: dict[str, Any] = account.train(
        HyperParameters={**account.source({"train.py": script}), "state": "/srv/state"},
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/paths", "LocalPath": "/srv/state"},
    )
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    lines = account.lines("/aws/sagemaker/TrainingJobs", ended["TrainingJobName"])
    assert "there: True" in lines
    assert "given: /srv/state" in lines


def test_an_archive_of_programs_that_is_a_bomb(account: Account) -> None:
    """The toolkit does not unpack more than an archive of that size can honestly hold; the job fails and says so."""
    ended = account.train(HyperParameters=account.source({"train.py": b"", "zeros": bytes(80 * 1024**2)}))
    assert ended["TrainingJobStatus"] == "Failed"
    assert "too much for its size" in ended["FailureReason"]
