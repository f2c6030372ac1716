"""What a seat's student has made of Ground Truth goes with the seat: its jobs, teams and templates, and no others'."""

from __future__ import annotations

from typing import Any

from teardown.receipt import Receipt, Resource
from teardown.sagemaker import SageMakerSweep
from teardown.scope import Scope
from tests.embedded_aws.services.sagemaker import calls
from tests.teardown.test_resource_types import finish


def test_labeling_goes_with_its_seat(sagemaker: Any) -> None:
    """Jobs are stopped and stay on record; teams and templates are gone; another seat's stand as they stood."""
    for seat in ("ada", "bob"):
        calls.workteam(sagemaker, f"trap-{seat}-team")
        calls.human_task_ui(sagemaker, f"trap-{seat}-form")
        team = {"WorkteamArn": f"{calls.ARN}:workteam/private-crowd/trap-{seat}-team"}
        calls.labeling_job(sagemaker, f"trap-{seat}-job", human=team)
    receipt = Receipt()
    scope = Scope(lab="trap", seat="ada")
    finish(SageMakerSweep(lambda _service: sagemaker, scope, receipt, only_stackless=True).step)
    assert receipt.clean
    assert {*receipt.deleted} == {Resource("workteam", "trap-ada-team"), Resource("human task UI", "trap-ada-form")}
    assert [*receipt.remaining] == [Resource("labeling job", "trap-ada-job")]
    assert [each["WorkteamName"] for each in sagemaker.list_workteams()["Workteams"]] == ["trap-bob-team"]
    [form] = sagemaker.list_human_task_uis()["HumanTaskUiSummaries"]
    assert form["HumanTaskUiName"] == "trap-bob-form"
    statuses = {
        each["LabelingJobName"]: each["LabelingJobStatus"]
        for each in sagemaker.list_labeling_jobs()["LabelingJobSummaryList"]
    }
    assert statuses == {"trap-ada-job": "Stopped", "trap-bob-job": "InProgress"}
