"""A labeling job goes on after the embedded AWS was killed: no answer is lost or refused, none is asked for twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from embedded_aws import gateway
from tests.embedded_aws.account import BUCKET, Account, until
from tests.embedded_aws.home import Home
from tests.embedded_aws.labeler import Labeler, UserPool
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.labeling.test_labeling_jobs import (
    BUILT_IN,
    LABELS,
    TEMPLATE,
    ended,
    manifest,
    photos,
    truth,
    wait_for,
)

if TYPE_CHECKING:
    from pathlib import Path

COUNT, BEFORE = 14, 4


def test_a_job_goes_on(tmp_path: Path) -> None:
    """Answers of before count, the workforce is as it was, and who was signed in signs in again."""
    aws = Home(tmp_path, pace=0.1)
    try:
        account = Account(aws.client)
        account.put("labeling/template.html", TEMPLATE.encode())
        labels = {"document-version": "2018-11-28", "labels": [{"label": label} for label in LABELS]}
        account.put("labeling/labels.json", json.dumps(labels).encode())
        account.put("labeling/input.manifest", "\n".join(photos(COUNT)).encode())
        team = UserPool(aws.client, "labelers", "ann")
        start(account, team)
        code = str(account.sagemaker.describe_labeling_job(LabelingJobName="killed")["JobReferenceCode"])
        ann = Labeler(aws.running.url, team.portal, "ann")
        ann.sign_in()
        wait_for(ann, code)
        for _ in range(BEFORE):
            where, page = ann.task(code)
            assert ann.answer(where, {"crowd-image-classifier": {"label": truth(page)}}) == 200
        where, page = ann.task(code)
        aws.kill()
        account.reach(aws.client)
        ann = Labeler(aws.running.url, team.portal, "ann")
        assert "Sign out" in ann.sign_in()
        until(lambda: ann.answer(where, {"crowd-image-classifier": {"label": truth(page)}}) == 200)  # it was Ann's
        done = BEFORE + 1
        while done < COUNT:  # the next batch comes when one is done, at once or a moment later
            wait_for(ann, code)
            done += ann.label(code, truth)
        assert done == COUNT
        assert [line["animal"] for line in manifest(account, ended(account, "killed"))] == [n % 4 for n in range(COUNT)]
    finally:
        gateway.stop(tmp_path)


def start(account: Account, team: UserPool) -> None:
    """Start the job."""
    calls.labeling_job(
        account.sagemaker,
        "killed",
        {"WorkteamArn": team.arn, "TaskTimeLimitInSeconds": 3600, **BUILT_IN},
        manifest=f"s3://{BUCKET}/labeling/input.manifest",
        template=f"s3://{BUCKET}/labeling/template.html",
        LabelAttributeName="animal",
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/labels"},
        LabelCategoryConfigS3Uri=f"s3://{BUCKET}/labeling/labels.json",
        RoleArn=account.role,
    )
