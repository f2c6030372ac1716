"""Serverless endpoints have no process until they are asked, take so many requests at a time, and cost nothing idle."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.embedded_aws.account import BUCKET, Account, answering, until

if TYPE_CHECKING:
    from collections.abc import Callable

HANDLER = b"""
import time
import uuid

kept, name = [], uuid.uuid4().hex

def handler(data, context):
    if context.request_content_type == "text/slow":
        time.sleep(1)
    if context.request_content_type == "text/large":
        kept.append(bytearray(b"x") * 2**31)
    return name, "text/plain"
"""


@pytest.fixture(scope="module")
def model(hurried: Account) -> str:
    """A model that answers by which of its containers it was."""
    return hurried.model({"1/saved_model.pb": b"", "code/inference.py": HANDLER})


def serverless(account: Account, model: str, *, memory: int = 1024, **concurrency: int) -> str:
    """Create a configuration of a serverless variant; its name."""
    name = f"config-{uuid.uuid4().hex[:8]}"
    config = {"MemorySizeInMB": memory, "MaxConcurrency": 2, **concurrency}
    variant = {"VariantName": "AllTraffic", "ModelName": model, "ServerlessConfig": config}
    account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    return name


@pytest.fixture(scope="module")
def endpoint(hurried: Account, model: str) -> str:
    """A serverless endpoint that takes two requests at a time."""
    return hurried.endpoint(serverless(hurried, model))


def processes(endpoint: str) -> list[psutil.Process]:
    """The processes that serve an endpoint."""
    folder = f"/endpoints/{endpoint}/"
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(folder in part for part in (process.info["cmdline"] or ()))
    ]


def ask(account: Account, endpoint: str, content_type: str = "text/plain") -> bytes:
    """Invoke an endpoint; its answer."""
    answer = account.runtime.invoke_endpoint(EndpointName=endpoint, ContentType=content_type, Body=b"brick")
    return bytes(answer["Body"].read())


def refusal(call: Callable[..., Any], **request: Any) -> tuple[int, str, str | None]:
    """The status, code and message that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**request)
    error = refused.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"].get("Message")


def total(account: Account, metric: str, endpoint: str, most: str = "Sum", space: str = "AWS/SageMaker") -> float:
    """A metric's sum, or another statistic's greatest value."""
    variant = {"EndpointName": endpoint, "VariantName": "AllTraffic"}
    values = [point[most] for point in account.statistics(space, metric, variant, most)]
    return float(sum(values) if most in ("Sum", "SampleCount") else max(values, default=0.0))


def test_no_process_until_it_is_asked(hurried: Account, model: str) -> None:
    """The container is tried when the endpoint is made; then there is none, until a call brings one up, nor later."""
    name = hurried.endpoint(serverless(hurried, model))
    described = hurried.sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"][0]
    assert described.pop("DeployedImages")
    assert described == {
        "VariantName": "AllTraffic",
        "CurrentWeight": 1.0,
        "DesiredWeight": 1.0,
        "CurrentInstanceCount": 0,
        "CurrentServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2},
    }
    assert not processes(name)
    first = ask(hurried, name)
    assert ask(hurried, name) == first, "the same container took both"
    assert processes(name)
    until(lambda: not processes(name))
    assert ask(hurried, name)


def test_a_cold_start_is_measured(hurried: Account, endpoint: str) -> None:
    """ModelSetupTime and OverheadLatency have it; CPU, disk and InvocationsPerInstance are no metrics of these."""
    ask(hurried, endpoint)
    until(lambda: total(hurried, "ModelSetupTime", endpoint, "SampleCount"))
    setup = total(hurried, "ModelSetupTime", endpoint, "Maximum")
    assert 100_000 < setup < 180_000_000
    until(lambda: total(hurried, "OverheadLatency", endpoint, "Maximum") >= setup * 0.9)
    assert total(hurried, "ServerlessConcurrentExecutionsUtilization", endpoint, "Maximum") == 0.5
    measured = "/aws/sagemaker/Endpoints"
    until(partial(total, hurried, "MemoryUtilization", endpoint, "Maximum", measured))
    assert not total(hurried, "CPUUtilization", endpoint, "SampleCount", measured)
    assert not total(hurried, "InvocationsPerInstance", endpoint)


def test_throttles_at_its_concurrency(hurried: Account, endpoint: str) -> None:
    """Beyond MaxConcurrency a request gets AWS's ThrottlingException, which clients ask again for."""
    client = boto3.client(
        "sagemaker-runtime",
        endpoint_url=hurried.runtime.meta.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - ministack's
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=8),
    )
    request: dict[str, Any] = {"EndpointName": endpoint, "ContentType": "text/slow", "Body": b"brick"}

    def call(_number: int) -> str:
        try:
            return str(client.invoke_endpoint(**request)["Body"].read())
        except ClientError as error:
            return f"{error.response['Error']['Code']} {error.response['ResponseMetadata']['HTTPStatusCode']}"

    with ThreadPoolExecutor(5) as callers:
        answers = list(callers.map(call, range(5)))
    assert sorted(answers)[:3] == ["ThrottlingException 400"] * 3
    assert len(set(answers)) == 3, "the two that were taken had a container each"


def test_a_container_that_takes_more_memory_ends(hurried: Account, endpoint: str) -> None:
    """MemorySizeInMB is its limit: the caller gets a ModelError, and the next a new one."""
    status, code, _ = refusal(
        hurried.runtime.invoke_endpoint, EndpointName=endpoint, ContentType="text/large", Body=b"brick"
    )
    assert (status, code) == (424, "ModelError")
    until(lambda: answers(hurried, endpoint))


def answers(account: Account, endpoint: str) -> bool:
    """Whether an endpoint answers."""
    try:
        return bool(ask(account, endpoint))
    except ClientError:
        return False


def test_provisioned_concurrency_is_warm(hurried: Account, model: str) -> None:
    """As many containers as it says are there before anybody asks; changes come with weights and capacities."""
    name = hurried.endpoint(serverless(hurried, model, MaxConcurrency=3, ProvisionedConcurrency=1))
    assert processes(name)
    with ThreadPoolExecutor(2) as callers:
        assert len(set(callers.map(lambda _: ask(hurried, name, "text/slow"), range(2)))) == 2
    until(lambda: total(hurried, "ServerlessProvisionedConcurrencyInvocations", name))
    assert total(hurried, "ServerlessProvisionedConcurrencySpilloverInvocations", name) == 1
    assert total(hurried, "ServerlessProvisionedConcurrencyUtilization", name, "Maximum") == 1.0
    change = {"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"MaxConcurrency": 4, "ProvisionedConcurrency": 2}}
    hurried.sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=[change])
    described = hurried.settled(name)["ProductionVariants"][0]
    assert described["CurrentServerlessConfig"] == {
        "MemorySizeInMB": 1024,
        "MaxConcurrency": 4,
        "ProvisionedConcurrency": 2,
    }
    assert "DesiredServerlessConfig" not in described
    update = partial(hurried.sagemaker.update_endpoint_weights_and_capacities, EndpointName=name)
    for wanted in ({"DesiredInstanceCount": 2}, {"ServerlessUpdateConfig": {"ProvisionedConcurrency": 5}}):
        refused = refusal(update, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", **wanted}])
        assert refused[1] == "ValidationException"
    hurried.sagemaker.delete_endpoint(EndpointName=name)
    until(lambda: not processes(name))


def test_an_update_moves_to_the_new_configuration(hurried: Account, endpoint: str) -> None:
    """From serverless to serverless without a lost request, and to instances, but never from those."""
    other = hurried.model(answering(10.0))
    name = hurried.endpoint(serverless(hurried, other))
    assert hurried.invoke(name, [1, 2, 3]) == {"predictions": [[60.0]]}
    stop, lost = threading.Event(), []

    def call() -> None:
        while not stop.is_set():
            try:
                assert hurried.invoke(name, [1, 2, 3])["predictions"][0][0] in (6.0, 60.0)
            except (ClientError, AssertionError) as error:
                lost.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    instances = hurried.config(hurried.model(answering(1.0)))
    for config in (serverless(hurried, hurried.model(answering(1.0))), instances):
        hurried.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
        assert hurried.settled(name)["EndpointConfigName"] == config
    time.sleep(0.1)
    stop.set()
    caller.join()
    assert not lost
    back = serverless(hurried, other)
    refused = refusal(hurried.sagemaker.update_endpoint, EndpointName=name, EndpointConfigName=back)
    assert refused[1] == "ValidationException"
    assert endpoint != name


def test_a_container_that_never_comes_up_fails_the_endpoint(hurried: Account) -> None:
    """It is tried at the creation: FailureReason says what is wrong with it."""
    broken = hurried.model({"1/saved_model.pb": b"", "code/inference.py": b"raise ValueError('no such thing')"})
    name = hurried.endpoint(serverless(hurried, broken))
    described = hurried.sagemaker.describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]


@pytest.mark.parametrize(
    ("variant", "request_"),
    [
        ({"ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 1}}, {}),
        ({"ServerlessConfig": {"MemorySizeInMB": 7168, "MaxConcurrency": 1}}, {}),
        ({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 201}}, {}),
        ({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1, "ProvisionedConcurrency": 2}}, {}),
        ({"InstanceType": "ml.m5.large"}, {}),
        ({"InitialInstanceCount": 1}, {}),
        (
            {},
            {
                "DataCaptureConfig": {
                    "InitialSamplingPercentage": 100,
                    "DestinationS3Uri": f"s3://{BUCKET}/capture",
                    "CaptureOptions": [{"CaptureMode": "Input"}],
                }
            },
        ),
    ],
)
def test_what_a_serverless_variant_can_not_have(
    hurried: Account, model: str, variant: dict[str, Any], request_: dict[str, Any]
) -> None:
    """Memory in steps of 1 GB, concurrency within its bounds, nothing of instances and no data capture."""
    config = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    wanted = {"VariantName": "AllTraffic", "ModelName": model, "ServerlessConfig": config, **variant}
    refused = refusal(
        hurried.sagemaker.create_endpoint_config,
        EndpointConfigName="refused",
        ProductionVariants=[wanted],
        **request_,
    )
    assert refused[:2] == (400, "ValidationException")


def test_only_one_variant_may_be_serverless(hurried: Account, model: str) -> None:
    """And none beside it."""
    config = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    variants = [{"VariantName": name, "ModelName": model, "ServerlessConfig": config} for name in ("a", "b")]
    refused = refusal(
        hurried.sagemaker.create_endpoint_config, EndpointConfigName="refused", ProductionVariants=variants
    )
    assert refused[1] == "ValidationException"


def test_a_body_over_four_megabytes_is_refused(hurried: Account, endpoint: str) -> None:
    """The limit is smaller than that of instances."""
    body = b"x" * (4 * 1024 * 1024 + 1)
    status, _, message = refusal(hurried.runtime.invoke_endpoint, EndpointName=endpoint, Body=body)
    assert (status, message) == (413, "HTTP content length exceeded 4194304 bytes.")
