"""What of a lab can be paused and had back, with a SageMaker that answers as botocore's stub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.stub import Stubber

from cli.aws.paused import Kept
from cli.aws.pausing import FAILED, Endpoints

if TYPE_CHECKING:
    import pytest

NAME = {"EndpointName": "bricks"}


def test_a_failed_endpoint_s_deletion_is_waited_for_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two looks a minute are boto3's own; sixty of one a second would give up after a minute."""
    monkeypatch.setattr("botocore.waiter.time.sleep", lambda _: None)
    sagemaker = boto3.Session("test", "test", region_name="eu-west-1").client("sagemaker")
    deleting = {
        **NAME,
        "EndpointArn": "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/bricks",
        "EndpointStatus": "Deleting",
        "CreationTime": 0,
        "LastModifiedTime": 0,
    }
    with Stubber(sagemaker) as stub:
        stub.add_response(
            "describe_endpoint_config",
            {
                "EndpointConfigName": "config",
                "EndpointConfigArn": "arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/config",
                "ProductionVariants": [{"VariantName": "all"}],
                "CreationTime": 0,
            },
        )
        stub.add_response("delete_endpoint", {}, NAME)
        for _ in range(600):
            stub.add_response("describe_endpoint", deleting, NAME)
        stub.add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint")
        request = {**NAME, "EndpointConfigName": "config", "Tags": []}
        stub.add_response("create_endpoint", {"EndpointArn": deleting["EndpointArn"]}, request)
        Endpoints(sagemaker).resume(Kept("endpoint", "bricks", "config", {}), FAILED)
        stub.assert_no_pending_responses()
