"""InvokeEndpoint and the runtimes' other operations, and how the control plane writes times."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

import pytest

from embedded_aws.services.sagemaker import authorization
from embedded_aws.services.sagemaker import runtime_api as runtimes
from embedded_aws.services.sagemaker.resource_types import members
from tests.embedded_aws.services.sagemaker import calls

JSON = {"Content-Type": "application/x-amz-json-1.1"}


def post(url: str, target: str, body: bytes) -> tuple[int, str, dict[str, str]]:
    """Return status, content type and document that a raw request is answered with."""
    request = Request(url, body, {**JSON, "X-Amz-Target": target})  # noqa: S310 - our own http URL
    with urlopen(request) as response:  # noqa: S310 - our own http URL
        return response.status, response.headers["Content-Type"], json.load(response)


def test_times_are_seconds_since_the_epoch(service: Any, sagemaker: Any, control_url: str) -> None:
    """The control plane speaks AWS's JSON 1.1."""
    assert service
    calls.model(sagemaker)
    status, content_type, document = post(control_url, "SageMaker.DescribeModel", b'{"ModelName": "bricks"}')
    assert (status, content_type) == (200, JSON["Content-Type"])
    assert isinstance(document["CreationTime"], float)


def test_an_endpoint_in_service_is_invoked(sagemaker: Any, runtime: Any) -> None:
    """Body and content type go to the host, its answer comes back."""
    calls.endpoint(sagemaker)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="lab", WaiterConfig={"Delay": 0.01})
    answer = runtime.invoke_endpoint(EndpointName="lab", ContentType="application/x-npy", Body=b"\x93NUMPY")
    with answer["Body"] as body:
        assert (body.read(), answer["ContentType"]) == (b"\x93NUMPY", "application/x-npy")


def test_an_endpoint_that_is_not_there_is_not_invoked(runtime: Any) -> None:
    """ValidationError, in AWS's words."""
    refused = calls.refusal(runtime.invoke_endpoint, EndpointName="lab", Body=b"")
    assert refused == ("ValidationError", "Endpoint lab of account 000000000000 not found.")


def test_an_endpoint_that_is_being_created_is_not_invoked(sagemaker: Any, runtime: Any) -> None:
    """ValidationError with its status."""
    calls.endpoint(sagemaker, "held")
    code, message = calls.refusal(runtime.invoke_endpoint, EndpointName="held", Body=b"")
    assert (code, message.endswith("its status is Creating.")) == ("ValidationError", True)


REFUSED = [name for name, support in runtimes.INVOKE_ENDPOINT.items() if support is members.REFUSED]


@pytest.mark.parametrize("member", REFUSED)
def test_what_an_invocation_may_not_ask_for(sagemaker: Any, runtime: Any, member: str) -> None:
    """Each member that is declared as refused is: ValidationError with its name."""
    calls.endpoint(sagemaker)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="lab", WaiterConfig={"Delay": 0.01})
    code, message = calls.refusal(runtime.invoke_endpoint, EndpointName="lab", Body=b"", **{member: "one"})
    assert code == "ValidationError"
    assert f" {member};" in message


def test_what_a_policy_may_look_at() -> None:
    """The model and the container that an invocation is aimed at are condition keys of it."""
    headers = {"x-amzn-sagemaker-target-model": "a.tar.gz", "x-amzn-sagemaker-target-container-hostname": "one"}
    [permission] = authorization.permissions_to_invoke("arn", None, headers)
    assert permission.action == "sagemaker:InvokeEndpoint"
    assert permission.context == {"sagemaker:TargetModel": "a.tar.gz", "sagemaker:TargetContainerHostname": "one"}


def test_other_ways_to_invoke(runtime: Any) -> None:
    """An invocation that answers later, or in parts, asks for the endpoint too."""
    later = calls.refusal(runtime.invoke_endpoint_async, EndpointName="lab", InputLocation="s3://bucket/key")
    in_parts = calls.refusal(runtime.invoke_endpoint_with_response_stream, EndpointName="lab", Body=b"")
    assert [code for code, _ in (later, in_parts)] == ["ValidationError"] * 2
    assert later[1] == "Endpoint lab of account 000000000000 not found."
    assert in_parts == later
