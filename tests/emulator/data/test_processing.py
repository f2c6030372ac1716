"""Processing jobs bring data from S3 to a program and what it makes back to S3, and end as they would on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.data.account import BUCKET, Account, sinks, source

if TYPE_CHECKING:
    from typing import Any

GROUP = "/aws/sagemaker/ProcessingJobs"
PROGRAM = b"""
import json, os, pathlib, sys
import boto3

print("arguments " + " ".join(sys.argv[1:]))
print("acts as " + boto3.client("sts", region_name=os.environ["AWS_REGION"]).get_caller_identity()["Arn"])
job = json.loads(pathlib.Path("/opt/ml/config/processingjobconfig.json").read_text())
print("job " + job["ProcessingJobName"] + " " + job["ProcessingJobArn"].rpartition(":")[2])
print("hosts " + pathlib.Path("/opt/ml/config/resourceconfig.json").read_text())
photos = pathlib.Path(os.environ["PHOTOS"])
for photo in photos.rglob("*.txt"):
    made = pathlib.Path("/opt/ml/processing/arrays") / photo.relative_to(photos)
    made.parent.mkdir(exist_ok=True)
    made.write_text(photo.read_text().upper())
pathlib.Path(job["ProcessingOutputConfig"]["Outputs"][1]["S3Output"]["LocalPath"], "count").write_text("2")
pathlib.Path("/opt/ml/output/message").write_text("two photos")
"""


@pytest.fixture(scope="module")
def processed(account: Account) -> dict[str, Any]:
    """A job that has completed."""
    account.put("photos/plate.txt", b"plate")
    account.put("photos/bricks/two.txt", b"two")
    return account.process(
        PROGRAM,
        program={"ContainerArguments": ["--size", "48", "--from", "/opt/ml/processing/input/photos"]},
        inputs=[source("photos", f"s3://{BUCKET}/photos/", "/opt/ml/processing/input/photos")],
        Environment={"PHOTOS": "/opt/ml/processing/input/photos"},
        ProcessingOutputConfig=sinks(arrays=f"s3://{BUCKET}/made/arrays", table=f"s3://{BUCKET}/made/table/"),
        Tags=[{"Key": "lab", "Value": "bricks"}],
    )


def test_completes(account: Account, processed: dict[str, Any]) -> None:
    """What the program leaves in its outputs' folders is in S3 under their prefixes; its message is ExitMessage."""
    assert processed["ProcessingJobStatus"] == "Completed", processed.get("FailureReason")
    assert processed["ExitMessage"] == "two photos"
    assert processed["CreationTime"] <= processed["ProcessingStartTime"] < processed["ProcessingEndTime"]
    made = {key: account.get(f"s3://{BUCKET}/{key}") for key in account.keys("made/")}
    assert made == {"made/arrays/plate.txt": b"PLATE", "made/arrays/bricks/two.txt": b"TWO", "made/table/count": b"2"}
