"""A caller of an endpoint gets headers, and an answer to whatever is sent; a process that is killed is replaced."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.exceptions import ClientError

from bench.support import requests
from tests.embedded_aws.account import Account, answering, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.gateway import Gateway

pytestmark = pytest.mark.usefixtures("ended")
JSON = "application/json"
ROW = b'{"instances": [[1, 2, 3]]}'
AT_ONCE = 1000


@pytest.fixture(scope="module")
def endpoint(account: Account) -> str:
    """An endpoint of a variant with two instances, and one that no request goes to by itself."""
    models = [account.model(answering(factor)) for factor in (1.0, 10.0)]
    return account.endpoint(account.config(*models, weights=(1, 0), count=2))


def ask(account: Account, endpoint: str, **request: Any) -> Any:
    """Invoke it."""
    return account.runtime.invoke_endpoint(EndpointName=endpoint, **{"ContentType": JSON, "Body": ROW, **request})


def test_the_answers_headers(account: Account, endpoint: str) -> None:
    """They name the variant and the request, and what the container says of its content."""
    answer = ask(account, endpoint, CustomAttributes="a" * 1024, InferenceId="one of them")
    assert (answer["InvokedProductionVariant"], answer["ContentType"]) == ("v0", JSON)
    assert answer["ResponseMetadata"]["RequestId"]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"] == answer["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [
        ("CustomAttributes", "a" * 1025, "'customAttributes' failed .* length less than or equal to 1024"),
        ("ContentType", "a" * 1025, "'contentType' failed .* length less than or equal to 1024"),
        ("Accept", "a" * 1025, "'accept' failed .* length less than or equal to 1024"),
        ("InferenceId", "a" * 65, "'inferenceId' failed .* length less than or equal to 64"),
        ("TargetVariant", "-a", "'targetVariant' failed .* regular expression pattern"),
        ("TargetVariant", "v9", "Variant v9 not found"),
    ],
)
def test_headers_that_cannot_be(account: Account, endpoint: str, member: str, value: str, said: str) -> None:
    """A member beyond its limits is the caller's ValidationError."""
    with pytest.raises(account.runtime.exceptions.ValidationError, match=said) as refused:
        ask(account, endpoint, **{member: value})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("body", [b"", b"{", b'{"instances": [[1, "a"]]}', b'{"instances": [[NaN]', b"\xff" * 1000])
def test_a_body_that_is_no_request(account: Account, endpoint: str, body: bytes) -> None:
    """It is a ModelError, which is a 4xx of the endpoint's, and the model answers on."""
    with pytest.raises(account.runtime.exceptions.ModelError) as failed:
        ask(account, endpoint, Body=body)
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert failed.value.response["OriginalStatusCode"] == 500
    assert ask(account, endpoint)["Body"].read() == b'{"predictions": [[6.0]]}'


def test_a_thousand_at_once(endpoint: str, embedded: Gateway) -> None:
    """Each of a thousand callers who have all sent their request gets an answer."""
    message = requests.to_endpoint(embedded.url, endpoint, JSON, ROW)
    callers = [socket.create_connection(("127.0.0.1", embedded.port)) for _ in range(AT_ONCE)]
    for caller in callers:
        caller.sendall(message)
    assert [caller.recv(12)[-3:] for caller in callers] == [b"200"] * AT_ONCE
    for caller in callers:
        caller.close()


def test_a_killed_process_is_replaced(account: Account, endpoint: str, embedded: Gateway) -> None:
    """While it is started again the other instance answers: only who was with it has lost anything."""
    before = len([*hosts(embedded, endpoint)])
    killed = next(each for each in hosts(embedded, endpoint) if "serving/__main__.py" in " ".join(each.cmdline()))
    killed.kill()
    with ThreadPoolExecutor(4) as callers:
        failed = [each for each in callers.map(partial(failure, account, endpoint), range(400)) if each]
    assert len(failed) <= 8, failed
    assert all("could not get a response" in str(error) for error in failed)
    until(lambda: len([*hosts(embedded, endpoint)]) == before)
    assert ask(account, endpoint)["Body"].read() == b'{"predictions": [[6.0]]}'


def failure(account: Account, endpoint: str, number: int) -> ClientError | None:
    """Ask once; what went wrong."""
    time.sleep(number % 5 / 1000)
    try:
        ask(account, endpoint)
    except ClientError as error:
        return error
    return None


def hosts(embedded: Gateway, endpoint: str) -> Iterator[psutil.Process]:
    """The processes of v0's and v1's containers."""
    for process in psutil.Process(embedded.pid).children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.NoSuchProcess:
            continue
        if any(f"/endpoints/{endpoint}/" in word for word in words) and not any("supervise" in word for word in words):
            yield process


def test_each_instance_is_measured(account: Account, endpoint: str) -> None:
    """A variant's processor, memory and disk have a sample of each of its instances."""
    variant = {"EndpointName": endpoint, "VariantName": "v0"}

    def most(metric: str) -> float:
        points = account.statistics("/aws/sagemaker/Endpoints", metric, variant, "SampleCount")
        return float(sum(each["SampleCount"] for each in points))

    for metric in ("CPUUtilization", "MemoryUtilization", "DiskUtilization"):
        until(lambda metric=metric: most(metric) >= 2)  # type: ignore[misc]


def test_weights_that_are_all_zero(account: Account, endpoint: str) -> None:
    """No request goes anywhere, but to a variant that is its target."""
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint, DesiredWeightsAndCapacities=[{"VariantName": "v0", "DesiredWeight": 0}]
    )
    account.settled(endpoint)
    with pytest.raises(account.runtime.exceptions.ValidationError, match="the weights of all of them are 0"):
        ask(account, endpoint)
    assert ask(account, endpoint, TargetVariant="v1")["Body"].read() == b'{"predictions": [[60.0]]}'
