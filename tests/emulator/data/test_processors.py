"""The SageMaker SDK's processors run their scripts unchanged: they say /opt/ml/processing and find it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.emulator.data.account import BUCKET, TRAINING_IMAGE, Account

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.gateway import Gateway

# What a user of the SDK writes; without waiting, for the SDK looks every ten seconds only.
START = """
import sys
from sagemaker.core import processing, shapes
from sagemaker.core.helper.session_helper import Session

role, bucket, image, folder = sys.argv[1:]
source = shapes.ProcessingS3Input(
    s3_uri=f"s3://{bucket}/sdk/", local_path="/opt/ml/processing/input/photos", s3_data_type="S3Prefix"
)
photos = shapes.ProcessingInput(input_name="photos", s3_input=source)

def made(prefix):
    sink = shapes.ProcessingS3Output(
        s3_uri=f"s3://{bucket}/{prefix}", local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob"
    )
    return shapes.ProcessingOutput(output_name="made", s3_output=sink)

where = dict(role=role, image_uri=image, instance_count=1, instance_type="ml.m5.large")
ours = dict(sagemaker_session=Session(default_bucket=bucket), base_job_name="referee")
how = dict(arguments=["--loud"], wait=False, logs=False)
script = processing.ScriptProcessor(command=["python3"], **where, **ours)
script.run(code=f"{folder}/prepare.py", inputs=[photos], outputs=[made("by-script")], **how)
framework = processing.FrameworkProcessor(**where, **ours)
framework.run("prepare.py", source_dir=folder, inputs=[photos], outputs=[made("by-framework")], **how)
print(script.latest_job.processing_job_name, framework.latest_job.processing_job_name)
"""
PROGRAM = """
import pathlib, sys
for photo in pathlib.Path("/opt/ml/processing/input/photos").iterdir():
    pathlib.Path("/opt/ml/processing/output", photo.name).write_text(photo.read_text() + sys.argv[1])
"""


def test_both_processors_run_a_script(account: Account, embedded: Gateway, tmp_path: Path) -> None:
    """ScriptProcessor sends a file, FrameworkProcessor a folder in an archive with what it needs installed."""
    account.put("sdk/plate.txt", b"plate")
    (tmp_path / "prepare.py").write_text(PROGRAM)
    (tmp_path / "requirements.txt").write_text("numpy\n")
    names = subprocess.run(
        [sys.executable, "-c", START, account.role, BUCKET, TRAINING_IMAGE, str(tmp_path)],
        env={
            **os.environ,
            "AWS_ENDPOINT_URL": embedded.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.split()
    for name in names:
        job = account.processed(name)
        assert job["ProcessingJobStatus"] == "Completed", account.lines("/aws/sagemaker/ProcessingJobs", name)
    for prefix in ("by-script", "by-framework"):
        assert account.get(f"s3://{BUCKET}/{prefix}/plate.txt") == b"plate--loud"
