"""`./lab status` where nothing is deployed, but people are at work on the lab's labeling jobs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.cli.console.conftest import aws
from tests.embedded_aws.account import BUCKET, Account, until
from tests.embedded_aws.labeler import Labeler, UserPool
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.labeling.test_labeling_jobs import BUILT_IN, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Lab

__all__ = ["aws"]

NAME = "brick"
OF = ("-c", f"lab.name={NAME}")
GROUND_TRUTH = (*OF, "-c", "lab.labelling=ground-truth")


@pytest.fixture(scope="module")
def team(lab: Lab, aws: Account) -> Iterator[UserPool]:
    """A team of one, who has three labeling jobs: of the lab, of it as well, which is stopped, and of another lab."""
    made = UserPool(lab.client, "labelers", "ann")
    lines = [json.dumps({"source-ref": f"s3://{BUCKET}/photos/{number}.png"}) for number in range(12)]
    aws.put("input.manifest", "\n".join(lines).encode())
    aws.put("template.html", TEMPLATE.encode())
    labels = {"document-version": "2018-11-28", "labels": [{"label": label} for label in ("2x3 Brick", "2x2 Brick")]}
    aws.put("labels.json", json.dumps(labels).encode())
    for name in (f"{NAME}-first", f"{NAME}-stopped", f"{NAME}work-first"):
        start(aws, made, name)
    aws.sagemaker.stop_labeling_job(LabelingJobName=f"{NAME}-stopped")
    yield made
    made.close()


def start(aws: Account, team: UserPool, name: str) -> None:
    """Start a labeling job over twelve photos."""
    calls.labeling_job(
        aws.sagemaker,
        name,
        {"WorkteamArn": team.arn, "TaskTimeLimitInSeconds": 3600, **BUILT_IN},
        manifest=f"s3://{BUCKET}/input.manifest",
        template=f"s3://{BUCKET}/template.html",
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/labels"},
        LabelCategoryConfigS3Uri=f"s3://{BUCKET}/labels.json",
        RoleArn=aws.role,
    )


def test_labeling_jobs_that_run(lab: Lab, aws: Account, team: UserPool) -> None:
    """The lab's own, with how many of their objects are labeled; in a lab without Ground Truth none is asked for."""
    described = aws.sagemaker.describe_labeling_job
    until(lambda: described(LabelingJobName=f"{NAME}-stopped")["LabelingJobStatus"] == "Stopped")
    ann = Labeler(lab.client("sagemaker").meta.endpoint_url, team.portal, "ann")
    assert "Sign out" in ann.sign_in()
    code = str(described(LabelingJobName=f"{NAME}-first")["JobReferenceCode"])
    until(lambda: code in ann.jobs())
    assert ann.label(code, lambda _page: "2x3 Brick", most=10) == 10  # the first batch
    until(lambda: described(LabelingJobName=f"{NAME}-first")["LabelCounters"]["TotalLabeled"] == 10)
    assert json.loads(lab("status", "--json", *GROUND_TRUTH))["labeling_jobs"] == [
        {"name": f"{NAME}-first", "status": "InProgress", "labeled": 10, "unlabeled": 2}
    ]
    shown = lab("status", *GROUND_TRUTH)
    assert re.search(rf"labeling job +{NAME}-first +InProgress +10 of 12 objects labeled", shown)
    assert shown.count("labeling job") == 1
    assert json.loads(lab("status", "--json", *OF))["labeling_jobs"] == []
