"""Services that the embedded AWS has not got: each call is refused with a code, and the sentence names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from embedded_aws import gateway
from tests.embedded_aws.services.sagemaker.calls import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

PERIOD = {"Start": "2026-01-01", "End": "2026-02-01"}


@pytest.mark.parametrize(
    ("service", "operation", "request_", "code"),
    [
        ("pricing", "GetProducts", {"ServiceCode": "AmazonSageMaker"}, "UnknownOperationException"),
        (
            "ce",
            "GetCostAndUsage",
            {"TimePeriod": PERIOD, "Granularity": "DAILY", "Metrics": ["UnblendedCost"]},
            "UnknownOperationException",
        ),
        (
            "application-autoscaling",
            "DescribeScalableTargets",
            {"ServiceNamespace": "sagemaker"},
            "UnknownOperationException",
        ),
        ("redshift", "DescribeClusters", {}, "InvalidAction"),
        ("ram", "GetResourceShares", {"resourceOwner": "SELF"}, "UnknownOperationException"),
    ],
)
def test_a_service_that_is_not_there(
    client: Callable[[str], Any], service: str, operation: str, request_: dict[str, Any], code: str
) -> None:
    """Whatever protocol it speaks, boto3 raises an error of AWS's kind."""
    made = client(service)
    names = {api: method for method, api in made.meta.method_to_api_mapping.items()}
    refused = refusal(getattr(made, names[operation]), **request_)
    assert refused[0] == code
    assert made.meta.service_model.signing_name in refused[1]
    assert operation.lower() in refused[1].lower()
    made.close()


def test_s3_still_answers_what_nobody_signed(client: Callable[[str], Any]) -> None:
    """A request without a service in its signature is S3's, as presigned and public ones are."""
    s3 = client("s3")
    assert refusal(s3.head_bucket, Bucket="nobodys-bucket")[0] == "404"
    s3.close()


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("sagemaker-a2i-runtime", "ListHumanLoops", {"FlowDefinitionArn": "arn"}),
        (
            "sagemaker-featurestore-runtime",
            "PutRecord",
            {"FeatureGroupName": "bricks", "Record": [{"FeatureName": "f", "ValueAsString": "1"}]},
        ),
        (
            "sagemaker-featurestore-runtime",
            "GetRecord",
            {"FeatureGroupName": "bricks", "RecordIdentifierValueAsString": "1"},
        ),
        (
            "sagemaker-metrics",
            "BatchPutMetrics",
            {"TrialComponentName": "run", "MetricData": [{"MetricName": "loss", "Timestamp": 0, "Value": 1.0}]},
        ),
        ("sagemaker-edge", "SendHeartbeat", {"AgentVersion": "1", "DeviceName": "d", "DeviceFleetName": "f"}),
    ],
)
def test_a_runtime_of_sagemaker_that_is_not_there(
    client: Callable[[str], Any], service: str, operation: str, request_: dict[str, Any]
) -> None:
    """SageMaker's other runtimes are refused by service and operation."""
    made = client(service)
    names = {api: method for method, api in made.meta.method_to_api_mapping.items()}
    code, message = refusal(getattr(made, names[operation]), **request_)
    assert code == "UnknownOperationException"
    assert f"{operation} of {service}" in message
    made.close()


@pytest.mark.parametrize(
    ("service", "operation", "request_", "code"),
    [
        ("sqs", "delete_message", {"QueueUrl": {"a": "b"}, "ReceiptHandle": "1"}, "SerializationException"),
        ("sqs", "send_message", {"QueueUrl": "http://[[[/1", "MessageBody": "1"}, "NonExistentQueue"),
        ("logs", "get_log_events", {"logGroupName": "wrong", "logStreamName": "1", "limit": "x"}, "Serialization"),
        (
            "logs",
            "put_log_events",
            {"logGroupName": "wrong", "logStreamName": "1", "logEvents": [{"timestamp": "now", "message": "1"}]},
            "SerializationException",
        ),
        ("s3", "list_objects_v2", {"Bucket": "wrong", "MaxKeys": "many"}, "InvalidArgument"),
        ("sns", "subscribe", {"TopicArn": "TOPIC", "Protocol": "sqs", "Endpoint": "a\x00b"}, "InvalidParameter"),
    ],
)
def test_a_value_that_the_services_model_does_not_allow(
    embedded: gateway.Gateway, service: str, operation: str, request_: dict[str, Any], code: str
) -> None:
    """It is refused as the caller's, in an answer that boto3 can read, and nothing of it is kept."""
    session: Any = boto3.Session("111122220019", "test", region_name=gateway.REGION)
    as_it_is = Config(parameter_validation=False, retries={"total_max_attempts": 1})

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=embedded.url, config=as_it_is)

    group = {"logGroupName": "wrong"}
    client("logs").create_log_group(**group)
    client("logs").create_log_stream(**group, logStreamName="1")
    client("s3").create_bucket(Bucket="wrong")
    topic = client("sns").create_topic(Name="wrong")["TopicArn"]
    try:
        request_ = {name: topic if value == "TOPIC" else value for name, value in request_.items()}
        assert code in refusal(getattr(client(service), operation), **request_)[0]
        assert client("logs").describe_log_streams(**group, orderBy="LastEventTime")["logStreams"]
    finally:
        client("s3").delete_bucket(Bucket="wrong")
        client("logs").delete_log_group(**group)
        client("sns").delete_topic(TopicArn=topic)
