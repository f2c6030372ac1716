"""Dashboards: what AWS refuses is refused in its words, and one that is kept is there in all regions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws import gateway

REGION = {"region": "eu-west-1"}


def widget(**properties: Any) -> dict[str, Any]:
    """A metric widget with these properties."""
    return {"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {**REGION, **properties}}


CPU = ["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"]
NO_METRICS = "Should have required property 'metrics'"
NO_DATA = "The metric widget should have specified a region and a data source or an alarm annotation"
NO_ANNOTATIONS = "Should have required property 'annotations'"


@pytest.fixture(scope="module")
def cloudwatch(client: Callable[[str], Any]) -> Any:
    """CloudWatch's client."""
    return client("cloudwatch")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (widget(), [("", NO_METRICS), ("", NO_DATA), ("", NO_ANNOTATIONS)]),
        (widget(metrics={"expression": "m1"}), [("/metrics", "Should be array")]),
        (widget(metrics=[{"expression": "m1"}]), [("/metrics/0", "Should be array")]),
        (widget(metrics=[[*CPU, {"color": "red"}]]), [("/metrics/0", "Should NOT have more than 2 items")]),
        (
            widget(metrics=[["AWS/EC2", 5]]),
            [("/metrics/0", "Invalid metric field type, only 'String' type is allowed")],
        ),
        ({"type": "alarm", "properties": {"alarms": []}}, [("/alarms", "Should NOT have less than 1 items")]),
        ({"type": "text", "properties": {}}, [("", "Should have required property 'markdown'")]),
    ],
)
def test_a_body_is_refused_with_each_of_its_errors(
    cloudwatch: Any, wrong: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    """Each with its place; nothing is kept."""
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_dashboard(DashboardName="wrong", DashboardBody=json.dumps({"widgets": [wrong]}))
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidParameterInput"
    head, _, listed = error["Message"].partition("\n")
    assert head == f"The dashboard body is invalid, there are {len(told)} validation errors:"
    found = [(each["dataPath"].removeprefix("/widgets/0/properties"), each["message"]) for each in json.loads(listed)]
    assert found == told
    assert "wrong" not in [each["DashboardName"] for each in cloudwatch.list_dashboards()["DashboardEntries"]]


@pytest.mark.parametrize(
    ("name", "body", "code", "sentence"),
    [
        ("two words", '{"widgets": []}', "InvalidParameterValue", "contains invalid characters"),
        ("list", "[]", "InvalidParameterInput", "The field DashboardBody must be a valid JSON object"),
        ("cut", '{"widgets": [', "InvalidParameterInput", "The field DashboardBody must be a valid JSON object"),
        ("empty", "{}", "InvalidParameterInput", "Should have required property 'widgets'"),
        ("wide", json.dumps({"widgets": [{**widget(metrics=[CPU]), "width": 25}]}), "InvalidParameterInput", "<= 24"),
    ],
)
def test_names_and_documents_are_checked(cloudwatch: Any, name: str, body: str, code: str, sentence: str) -> None:
    """With the code that the API declares."""
    with pytest.raises(ClientError, match=sentence) as refused:
        cloudwatch.put_dashboard(DashboardName=name, DashboardBody=body)
    assert refused.value.response["Error"]["Code"] == code


def test_a_dashboard_is_the_same_in_all_regions(cloudwatch: Any, embedded: gateway.Gateway) -> None:
    """Put in one, it is read, listed and deleted in another, with all that its body has."""
    body = json.dumps({"widgets": [widget(metrics=[[*CPU, {"stat": "p99", "color": "#f00"}]], title="a < b & c")]})
    assert cloudwatch.put_dashboard(DashboardName="shown", DashboardBody=body)["DashboardValidationMessages"] == []
    session: Any = boto3.Session("test", "test", region_name="eu-central-1")
    elsewhere = session.client("cloudwatch", endpoint_url=embedded.url)
    assert elsewhere.get_dashboard(DashboardName="shown")["DashboardBody"] == body
    [entry] = elsewhere.list_dashboards(DashboardNamePrefix="shown")["DashboardEntries"]
    assert entry["DashboardArn"].endswith("::000000000000:dashboard/shown")
    elsewhere.delete_dashboards(DashboardNames=["shown"])
    assert cloudwatch.list_dashboards(DashboardNamePrefix="shown")["DashboardEntries"] == []


def test_a_stack_tells_why_its_dashboard_was_refused(client: Callable[[str], Any]) -> None:
    """In AWS's sentence, with service and code; the stack is rolled back."""
    dashboard = {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardBody": json.dumps({"widgets": [widget()]})},
    }
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName="drawn", TemplateBody=json.dumps({"Resources": {"Page": dashboard}}))
    with pytest.raises(Exception, match="failed"):
        cloudformation.get_waiter("stack_create_complete").wait(StackName="drawn", WaiterConfig={"Delay": 1})
    events = cloudformation.describe_stack_events(StackName="drawn")["StackEvents"]
    [reason] = [
        each["ResourceStatusReason"]
        for each in events
        if each["ResourceStatus"] == "CREATE_FAILED" and each["LogicalResourceId"] == "Page"
    ]
    assert NO_DATA in reason
    assert "(Service: CloudWatch, Status Code: 400, Error Code: InvalidParameterInput)" in reason
    cloudformation.delete_stack(StackName="drawn")
