"""Services that the embedded AWS has not got: each call is refused with a code, and the sentence names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

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
