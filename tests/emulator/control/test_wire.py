"""What goes over the wire: times, and the runtime."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

from tests.emulator.control import calls

JSON = {"Content-Type": "application/x-amz-json-1.1"}


def post(url: str, target: str, body: bytes) -> tuple[int, str, dict[str, str]]:
    """Status, content type and document that a raw request is answered with."""
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
