"""A lab that is monitored: photos move, a run finds it, an alarm is heard, and `./lab drift` shows it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datasets.dataset import images
from tests.embedded_aws.account import until
from tests.test_algorithm import data

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Lab

__all__ = ["data"]  # the fixture
pytestmark = pytest.mark.usefixtures("in_order")
NAME = "watched"
SCHEDULE = {"MonitoringScheduleName": "watched-drift"}
SETTINGS = ("-c", f"lab.name={NAME}", "-c", "lab.seats=0", "-c", "lab.monitor=hourly")


@pytest.fixture(scope="module", autouse=True)
def enforced(lab: Lab) -> None:
    """Policies are enforced, so that a permission that the monitor's role lacks fails a test here."""
    lab.environment["BRICKLAB_ENFORCE_IAM"] = "1"


def looked(lab: Lab) -> dict[str, Any]:
    """Run the lab's own monitoring job now, for the last hour and this one; the execution at its end."""
    sagemaker = lab.client("sagemaker")
    config = sagemaker.describe_monitoring_schedule(**SCHEDULE)["MonitoringScheduleConfig"]
    before = len(executions(lab))
    config["ScheduleConfig"] = {
        "ScheduleExpression": "NOW",
        "DataAnalysisStartTime": "-PT1H",
        "DataAnalysisEndTime": "PT1H",
    }
    sagemaker.update_monitoring_schedule(**SCHEDULE, MonitoringScheduleConfig=config)

    def ended() -> dict[str, Any] | None:
        found = executions(lab)
        lasting = found and found[0]["MonitoringExecutionStatus"] not in ("Pending", "InProgress")
        return found[0] if len(found) > before and lasting else None

    return dict(until(ended, 300))


def executions(lab: Lab) -> list[dict[str, Any]]:
    """The schedule's executions, the latest first."""
    answer = lab.client("sagemaker").list_monitoring_executions(**SCHEDULE)
    return list(answer["MonitoringExecutionSummaries"])


def ask(lab: Lab, pixels: np.ndarray[Any, Any]) -> None:
    """Ask the endpoint about images, and wait until they are captured."""
    body = io.BytesIO()
    np.save(body, pixels)
    lab.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=NAME, Body=body.getvalue(), ContentType="application/x-npy"
    )
    s3, bucket = lab.client("s3"), lab.outputs()["BucketName"]
    until(lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"capture/{NAME}/").get("Contents"))


def test_bricks_as_in_training_are_no_drift(lab: Lab, data: Path) -> None:
    """The run completes, with IAM asked at each of its steps."""
    lab("up", *SETTINGS, "-c", f"lab.data={data}")
    ask(lab, images("test", count=120, seed=7))
    found = looked(lab)
    assert (found["MonitoringExecutionStatus"], found.get("FailureReason")) == ("Completed", None)


def test_dark_bricks_are_found_and_heard_of(lab: Lab, tmp_path: Path) -> None:
    """By the execution's status, the alarm, and `./lab drift` with a picture."""
    ask(lab, images("test", count=240, seed=8) // 2)
    assert looked(lab)["MonitoringExecutionStatus"] == "CompletedWithViolations"
    [alarm] = lab.client("cloudwatch").describe_alarms(AlarmNames=["watched-drift"])["MetricAlarms"]
    until(
        lambda: (
            lab.client("cloudwatch").describe_alarms(AlarmNames=["watched-drift"])["MetricAlarms"][0]["StateValue"]
            == "ALARM"
        )
    )
    assert alarm["AlarmActions"]
    picture = tmp_path / "drift.png"
    told = json.loads(lab("drift", *SETTINGS, "--json"))
    assert "brightness" in {each["name"] for each in told["report"]["tests"] if each["drifted"]}
    shown = lab("drift", *SETTINGS, "--picture", str(picture))
    assert "brightness" in shown
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "CompletedWithViolations" in lab("status", *SETTINGS)


def test_bad_requests_set_off_an_alarm_that_is_heard(lab: Lab) -> None:
    """Its message reaches the lab's topic, and says what to do."""
    sns, sqs = lab.client("sns"), lab.client("sqs")
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": "*"}]})
    url = sqs.create_queue(QueueName="heard", Attributes={"Policy": policy})["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=lab.outputs()["NoticesTopicArn"], Protocol="sqs", Endpoint=queue)
    runtime = lab.client("sagemaker-runtime")

    def heard() -> dict[str, Any] | None:
        for _ in range(5):  # each time anew: five minutes may end between one and the next
            with pytest.raises(runtime.exceptions.ModelError):
                runtime.invoke_endpoint(EndpointName=NAME, Body=b"no picture", ContentType="image/png")
        messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
        told = [json.loads(json.loads(each["Body"])["Message"]) for each in messages]
        return next((each for each in told if each["AlarmName"] == "watched-alarm-failed"), None)

    message = until(heard, 180)
    assert message["NewStateValue"] == "ALARM"
    assert "the endpoint's log tells which it is" in message["AlarmDescription"]


def test_every_metric_of_the_dashboard_has_values(lab: Lab) -> None:
    """What is shown is measured here, too, under AWS's names; `status` names the page."""
    cloudwatch = lab.client("cloudwatch")
    [name] = [each["DashboardName"] for each in cloudwatch.list_dashboards()["DashboardEntries"]]
    assert name in lab("status", *SETTINGS)
    widgets = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])["widgets"]
    metrics = [each for widget in widgets for each in widget["properties"].get("metrics", ())]
    assert len(metrics) > 20

    def without_values() -> list[str]:
        now = datetime.now(UTC)
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[query(number, metric) for number, metric in enumerate(metrics)],
            StartTime=now - timedelta(hours=3),
            EndTime=now + timedelta(minutes=1),
        )
        found = {each["Id"] for each in answer["MetricDataResults"] if each["Values"]}
        return [str(metric[:-1]) for number, metric in enumerate(metrics) if f"m{number}" not in found]

    until(lambda: not without_values(), 120)


def query(number: int, metric: list[Any]) -> dict[str, Any]:
    """What CloudWatch asks itself to draw a line of a dashboard."""
    namespace, name, *dimensions, drawn = metric
    pairs = zip(dimensions[::2], dimensions[1::2], strict=True)
    of = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in pairs],
    }
    return {"Id": f"m{number}", "MetricStat": {"Metric": of, "Period": 60, "Stat": drawn.get("stat", "Average")}}


def test_a_lab_that_is_paused_is_not_looked_at(lab: Lab) -> None:
    """The schedule stops with the endpoint, and both come back."""
    sagemaker = lab.client("sagemaker")
    lab("pause", *SETTINGS)
    assert sagemaker.describe_monitoring_schedule(**SCHEDULE)["MonitoringScheduleStatus"] == "Stopped"
    lab("resume", *SETTINGS)
    assert sagemaker.describe_monitoring_schedule(**SCHEDULE)["MonitoringScheduleStatus"] == "Scheduled"


def test_nothing_of_it_stays(lab: Lab) -> None:
    """`down` ends the schedule, and deletes the jobs that SageMaker has named."""
    lab("down", "--keep-aws", *SETTINGS)
    cloudwatch = lab.client("cloudwatch")
    assert cloudwatch.list_dashboards()["DashboardEntries"] == cloudwatch.describe_alarms()["MetricAlarms"] == []
    sagemaker = lab.client("sagemaker")
    assert sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"] == []
    jobs = sagemaker.list_processing_jobs(NameContains="monitoring")["ProcessingJobSummaries"]
    assert jobs == []
