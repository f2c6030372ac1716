"""CloudWatch has what SageMaker measures of its instances and of what endpoints are asked, under AWS's names."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.services.sagemaker.metrics.invocations import Invocations
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from embedded_aws.services.sagemaker.store import Record
from tests.embedded_aws.account import BUCKET, Account, python, until

if TYPE_CHECKING:
    from collections.abc import Callable

BUSY = "import time; end = time.time() + 5\nwhile time.time() < end: pass"
HANDLER = b"""
import time

def handler(data, context):
    if context.request_content_type == "text/slow":
        time.sleep(4)
    if context.request_content_type == "text/boom":
        raise ValueError("no such thing")
    return data.read(), "text/plain"
"""


@pytest.fixture(scope="module")
def endpoint(account: Account) -> str:
    """Return an endpoint that was asked six times: one model failed, and one request had no variant to go to."""
    model = account.model({"1/saved_model.pb": b"", "code/inference.py": HANDLER})
    name = account.endpoint(account.config(model))
    for content in ("text/plain",) * 5 + ("text/boom",):
        ask(account, name, ContentType=content)
    ask(account, name, TargetVariant="other")
    return name


def ask(account: Account, endpoint: str, **request: Any) -> None:
    """Invoke an endpoint, whatever comes of it."""
    with contextlib.suppress(account.runtime.exceptions.ClientError):
        account.runtime.invoke_endpoint(EndpointName=endpoint, **{"Body": b"brick", **request})


def total(account: Account, namespace: str, metric: str, dimensions: dict[str, str], most: str = "Sum") -> float:
    """Return the sum, or another statistic's greatest value, of the last hour; 0 without any."""
    values = [point[most] for point in account.statistics(namespace, metric, dimensions, most)]
    return float(sum(values) if most in ("Sum", "SampleCount") else max(values, default=0.0))


def test_invocations(account: Account, endpoint: str) -> None:
    """Requests that reach the model are counted by endpoint and variant, and the model's errors among them."""
    variant = {"EndpointName": endpoint, "VariantName": "v0"}
    until(lambda: total(account, "AWS/SageMaker", "Invocations", variant) == 6)
    found = {
        name: total(account, "AWS/SageMaker", name, variant)
        for name in (
            "InvocationsPerInstance",
            "Invocation4XXErrors",
            "Invocation5XXErrors",
            "InvocationModelErrors",
        )
    }
    assert found == {
        "InvocationsPerInstance": 6,
        "Invocation4XXErrors": 0,
        "Invocation5XXErrors": 1,
        "InvocationModelErrors": 1,
    }
    assert total(account, "AWS/SageMaker", "Invocation4XXErrors", variant, "SampleCount") == 6  # 0 for each good one


def test_latencies(account: Account, endpoint: str) -> None:
    """Model and overhead, in microseconds, by GetMetricData with percentiles."""
    variant = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "v0"}]
    until(lambda: total(account, "AWS/SageMaker", "Invocations", {one["Name"]: one["Value"] for one in variant}) == 6)
    queries = [
        {
            "Id": f"{name.lower()}_{stat.lower()}",
            "MetricStat": {
                "Metric": {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": variant},
                "Period": 3600,
                "Stat": stat,
            },
        }
        for name in ("ModelLatency", "OverheadLatency")
        for stat in ("p50", "Maximum", "SampleCount")
    ]
    now = datetime.now(UTC)
    answer = account.cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=now - timedelta(hours=2), EndTime=now + timedelta(minutes=1)
    )
    found = {one["Id"]: sum(one["Values"]) for one in answer["MetricDataResults"]}
    assert found["modellatency_samplecount"] == found["overheadlatency_samplecount"] == 6
    assert 100 < found["modellatency_p50"] <= found["modellatency_maximum"] < 60_000_000
    assert 0 < found["overheadlatency_p50"] < 10_000_000


def test_instances_of_an_endpoint(account: Account, endpoint: str) -> None:
    """Processor, memory and disk, by endpoint and variant."""
    variant = {"EndpointName": endpoint, "VariantName": "v0"}
    for name in ("CPUUtilization", "MemoryUtilization", "DiskUtilization"):
        assert until(partial(total, account, "/aws/sagemaker/Endpoints", name, variant, "Maximum"))


def test_an_alarm_on_failed_requests_tells_its_topic(
    account: Account, client: Callable[[str], Any], endpoint: str
) -> None:
    """With the alarm's description, which says what to do; a queue's own policy lets the topic send to it."""
    sns, sqs = client("sns"), client("sqs")
    topic = sns.create_topic(Name=f"{endpoint}-told")["TopicArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": "*"}]})
    url = sqs.create_queue(QueueName=f"{endpoint}-heard", Attributes={"Policy": policy})["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    account.cloudwatch.put_metric_alarm(
        AlarmName=f"{endpoint}-failed",
        AlarmActions=[topic],
        AlarmDescription="Look into the log.",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "v0"}],
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=3,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )

    def heard() -> list[Any]:
        ask(account, endpoint, ContentType="text/boom")
        messages = sqs.receive_message(QueueUrl=url).get("Messages", [])
        return [json.loads(json.loads(each["Body"])["Message"]) for each in messages]

    [message] = until(heard)
    assert (message["NewStateValue"], message["AlarmDescription"]) == ("ALARM", "Look into the log.")
    account.cloudwatch.delete_alarms(AlarmNames=[f"{endpoint}-failed"])


@pytest.mark.parametrize("resource_type", ["TrainingJobs", "ProcessingJobs"])
def test_instances_of_a_job(account: Account, resource_type: str) -> None:
    """A job that keeps a processor busy shows it, under its name and that of its host; one that ends leaves it."""
    if resource_type == "TrainingJobs":
        name = account.train(entrypoint=python(BUSY))["TrainingJobName"]
    else:
        name = account.process(BUSY.encode())["ProcessingJobName"]
    host = {"Host": f"{name}/algo-1"}
    busy = until(lambda: total(account, f"/aws/sagemaker/{resource_type}", "CPUUtilization", host, "Maximum"))
    assert 10 < busy <= 110
    for metric in ("MemoryUtilization", "DiskUtilization"):
        used = until(partial(total, account, f"/aws/sagemaker/{resource_type}", metric, host, "Maximum"))
        assert 0 < used < 100


def test_instances_of_a_transform_job(account: Account) -> None:
    """By the job's name and the instance's id; without a disk."""
    name = f"measured-{uuid.uuid4().hex[:8]}"
    account.put(f"{name}/rows.json", json.dumps({"instances": [[1, 2, 3]]}).encode())
    account.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=account.model({"1/saved_model.pb": b"", "code/inference.py": HANDLER}),
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/"}},
            "ContentType": "text/slow",
        },
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/{name}-out/"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def published() -> set[str]:
        metrics = account.cloudwatch.list_metrics(Namespace="/aws/sagemaker/TransformJobs")["Metrics"]
        return {one["MetricName"] for one in metrics if one["Dimensions"][0]["Value"].startswith(f"{name}/i-")}

    until(lambda: published() >= {"CPUUtilization", "MemoryUtilization"})
    assert published() == {"CPUUtilization", "MemoryUtilization"}


def test_many_requests_make_few_values() -> None:
    """A minute holds few values whatever was asked in it, and their sum is exact."""
    counted = Invocations()
    endpoint = Record(RESOURCE_TYPES["Endpoint"], "e", "arn", "000000000000", "us-east-1")
    times = [0.001 + number / 100_000 for number in range(50_000)]
    for seconds in times:
        counted.count(endpoint, "v", "c", status=200, model=seconds, overhead=0.0001, instances=2)
    latencies = [datum for datum in counted.take() if datum.name == "ModelLatency"]
    data = [datum for datum in latencies if "EndpointConfigName" not in dict(datum.source.dimensions)]
    assert len(latencies) == 2 * len(data)
    assert sum(len(datum.values) for datum in data) < 300
    seen = [(value, count) for datum in data for value, count in datum.values.items()]
    assert sum(value * count for value, count in seen) == pytest.approx(sum(times) * 1e6)
    assert not [*counted.take()]
    assert time.time() - data[-1].time < 60
