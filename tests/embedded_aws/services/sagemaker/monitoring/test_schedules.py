"""Monitoring schedules are checked when they are made, pass through AWS's statuses, and know when they are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name

from embedded_aws.services.sagemaker.monitoring.timing import Timing
from tests.embedded_aws.account import until
from tests.embedded_aws.services.sagemaker import calls

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = {"MonitoringScheduleName": "watch"}
MORNING = datetime(2026, 11, 30, 9, 20, tzinfo=UTC)


def scheduled(sagemaker: Any) -> dict[str, Any]:
    """Wait until the schedule is; what Describe answers then."""
    until(lambda: sagemaker.describe_monitoring_schedule(**NAME)["MonitoringScheduleStatus"] == "Scheduled", 10)
    return dict(sagemaker.describe_monitoring_schedule(**NAME))


def test_the_life_of_a_schedule(sagemaker: Any) -> None:
    """Pending, Scheduled, updated, stopped, started, gone; it is listed by its endpoint."""
    calls.schedule(sagemaker)
    described = scheduled(sagemaker)
    assert (described["EndpointName"], described["MonitoringType"]) == ("lab", "DataQuality")
    config = described["MonitoringScheduleConfig"]
    config["ScheduleConfig"]["ScheduleExpression"] = "cron(0 12 ? * * *)"
    sagemaker.update_monitoring_schedule(**NAME, MonitoringScheduleConfig=config)
    assert scheduled(sagemaker)["MonitoringScheduleConfig"] == config
    sagemaker.stop_monitoring_schedule(**NAME)
    [listed] = sagemaker.list_monitoring_schedules(EndpointName="lab")["MonitoringScheduleSummaries"]
    assert listed["MonitoringScheduleStatus"] == "Stopped"
    assert sagemaker.list_monitoring_schedules(EndpointName="other")["MonitoringScheduleSummaries"] == []
    sagemaker.start_monitoring_schedule(**NAME)
    scheduled(sagemaker)
    sagemaker.delete_monitoring_schedule(**NAME)
    assert sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"] == []


def test_one_that_is_pending_stays(sagemaker: Any) -> None:
    """AWS refuses its deletion in these words."""
    calls.schedule(sagemaker, "held")
    said = calls.refusal(sagemaker.delete_monitoring_schedule, MonitoringScheduleName="held")
    assert said == ("ValidationException", "Monitoring schedule in status Pending")


@pytest.mark.parametrize(
    ("expression", "timing", "said"),
    [
        ("cron(5 * ? * * *)", {}, "is none of NOW"),
        ("rate(1 hour)", {}, "is none of NOW"),
        ("cron(0 24 ? * * *)", {}, "is none of NOW"),
        ("NOW", {}, "both with the ScheduleExpression NOW"),
        ("NOW", {"DataAnalysisStartTime": "-PT1H"}, "are given together"),
        ("NOW", {"DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT2H"}, "must follow"),
        ("NOW", {"DataAnalysisStartTime": "-P2D", "DataAnalysisEndTime": "PT0H"}, "24 hours at most"),
        ("NOW", {"DataAnalysisStartTime": "-PX", "DataAnalysisEndTime": "PT0H"}, "no duration in ISO 8601"),
    ],
)
def test_a_time_that_aws_does_not_know(sagemaker: Any, expression: str, timing: dict[str, str], said: str) -> None:
    """It is refused with its rule, and nothing is made."""
    code, message = calls.refusal(lambda: calls.schedule(sagemaker, expression=expression, timing=timing))
    assert code == "ValidationException"
    assert said in message
    assert sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"] == []


@pytest.mark.parametrize("kind", ["DataQuality", "ModelQuality", "ModelBias", "ModelExplainability"])
def test_job_definitions_are_refused_by_their_names(unchecked: Any, kind: str) -> None:
    """They are for AWS's own containers."""
    for operation in (f"Create{kind}JobDefinition", f"List{kind}JobDefinitions"):
        code, message = calls.refusal(getattr(unchecked, xform_name(operation)))
        assert code == "UnknownOperationException"
        assert operation in message
    config = {"MonitoringJobDefinitionName": "theirs", "MonitoringType": "DataQuality"}
    request = {**NAME, "MonitoringScheduleConfig": config}
    _, message = calls.refusal(unchecked.create_monitoring_schedule, **request)
    assert "MonitoringJobDefinitionName" in message


@pytest.mark.parametrize(
    ("expression", "hours"),
    [
        ("cron(0 * ? * * *)", [10, 11, 12, 13]),
        ("cron(0 12 ? * * *)", [12, 12]),
        ("cron(0 0/10 ? * * *)", [10, 20, 0, 10]),  # as the SageMaker SDK has it
        ("cron(0 17/12 ? * * *)", [17, 5, 17]),  # as ScheduleConfig has it
    ],
)
def test_when_a_schedule_is_due(expression: str, hours: list[int]) -> None:
    """On the hour, and each run looks at the time since the one before."""
    timing, moment = Timing({"ScheduleConfig": {"ScheduleExpression": expression}}, {}), MORNING
    found = []
    for _ in hours:
        before, moment = moment, timing.next_after(moment)
        found.append(moment.hour)
        window = timing.window(moment)
        assert window.end == window.due == moment
        assert window.start <= before < moment
    assert found == hours


@pytest.mark.parametrize(
    ("endpoint", "hours"), [({}, (-5, -1)), ({"StartTimeOffset": "-PT2H", "EndTimeOffset": "-PT1H"}, (-7, -2))]
)
def test_a_window_by_offsets(endpoint: Mapping[str, str], hours: tuple[int, int]) -> None:
    """From the time at which it runs; an input's own offsets are subtracted."""
    schedule = {
        "ScheduleExpression": "cron(0 * ? * * *)",
        "DataAnalysisStartTime": "-PT5H",
        "DataAnalysisEndTime": "-PT1H",
    }
    window = Timing({"ScheduleConfig": schedule}, endpoint).window(MORNING)
    assert (window.start - MORNING, window.end - MORNING) == tuple(timedelta(hours=each) for each in hours)
