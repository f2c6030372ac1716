"""Several containers behind one endpoint: one after the other as an inference pipeline, or each by its name."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.account import INFERENCE_IMAGE, Account, archive, until

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.usefixtures("ended")
CODE = b"""
import json
import os
import time

def handler(data, context):
    body = data.read()
    if context.request_content_type == "text/boom" and os.environ["STEP"] == body.decode():
        raise ValueError("no such thing")
    if context.request_content_type == "text/grow":
        return b" " * int(body), "text/plain"
    if context.request_content_type == "text/boom":
        return body, "text/boom"
    seen = [os.environ["STEP"], context.request_content_type, context.accept_header, context.custom_attributes]
    return json.dumps({"seen": seen, "of": json.loads(body)}), f"application/json; step={os.environ['STEP']}"
"""


def containers(account: Account, *names: str, **more: Any) -> list[dict[str, Any]]:
    """Containers with these ContainerHostnames, "" for none; each tells what it has got."""
    uri = account.put("containers/model.tar.gz", archive({"1/saved_model.pb": b"", "code/inference.py": CODE}))
    return [
        {
            "Image": INFERENCE_IMAGE,
            "ModelDataUrl": uri,
            "Environment": {"STEP": name or str(number)},
            **({"ContainerHostname": name} if name else {}),
            **more,
        }
        for number, name in enumerate(names)
    ]


def model(account: Account, name: str, those: Sequence[dict[str, Any]], mode: str = "") -> str:
    """Create a model of these containers; its name."""
    execution = {"InferenceExecutionConfig": {"Mode": mode}} if mode else {}
    account.sagemaker.create_model(ModelName=name, Containers=those, ExecutionRoleArn=account.role, **execution)
    return name


@pytest.fixture(scope="module")
def pipeline(account: Account) -> str:
    """An inference pipeline of two containers."""
    return account.endpoint(account.config(model(account, "pipeline", containers(account, "first", "second"))))


@pytest.fixture(scope="module")
def direct(account: Account) -> str:
    """Two containers that are invoked by their names."""
    those = containers(account, "first", "second")
    return account.endpoint(account.config(model(account, "direct", those, "Direct")))


def ask(account: Account, endpoint: str, content_type: str, body: str, **more: Any) -> bytes:
    """Invoke an endpoint; the answer's body."""
    answer = account.runtime.invoke_endpoint(EndpointName=endpoint, ContentType=content_type, Body=body, **more)
    return bytes(answer["Body"].read())


def total(account: Account, endpoint: str, metric: str, container: str, kind: str = "Sum") -> float:
    """A metric of a container of the variant, added up."""
    dimensions = {"EndpointName": endpoint, "VariantName": "v0", "ContainerName": container}
    return float(sum(each[kind] for each in account.statistics("AWS/SageMaker", metric, dimensions, kind)))


def printed(account: Account, endpoint: str, container: str) -> list[str]:
    """What a container has logged so far."""
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    try:
        streams = account.logs.describe_log_streams(logGroupName=group)["logStreams"]
    except account.logs.exceptions.ResourceNotFoundException:
        return []
    names = [each["logStreamName"] for each in streams if each["logStreamName"].endswith(f"/{container}")]
    return [line for name in names for line in account.lines(group, name)]


def test_a_pipeline_hands_on_what_each_answers(account: Account, pipeline: str) -> None:
    """One container's answer, with its Content-Type, is the next one's request; the caller's Accept is the last's."""
    answer = ask(account, pipeline, "application/json", "7", Accept="application/jsonlines", CustomAttributes="blue")
    assert json.loads(answer) == {
        "seen": ["second", "application/json; step=first", "application/jsonlines", "blue"],
        "of": {"seen": ["first", "application/json", "application/json", "blue"], "of": 7},
    }
    images = account.sagemaker.describe_endpoint(EndpointName=pipeline)["ProductionVariants"][0]["DeployedImages"]
    assert len(images) == 2
    until(lambda: total(account, pipeline, "ContainerLatency", "second") > 0)
    assert total(account, pipeline, "ContainerLatency", "first", "SampleCount") >= 1


@pytest.mark.parametrize("broken", ["first", "second"])
def test_a_pipeline_names_the_container_that_failed(account: Account, pipeline: str, broken: str) -> None:
    """ModelError says which one it was, and its log has a stream of its own."""
    with pytest.raises(account.runtime.exceptions.ModelError) as failed:
        ask(account, pipeline, "text/boom", broken)
    assert failed.value.response["Error"]["Message"].startswith(f"Received server error (500) from {broken} with")
    assert failed.value.response["OriginalStatusCode"] == 500
    until(lambda: any("ValueError: no such thing" in line for line in printed(account, pipeline, broken)))


def test_a_pipeline_hands_on_so_much_only(account: Account, pipeline: str) -> None:
    """More than 5 MB between two containers is a ModelError, in the guide's words."""
    with pytest.raises(account.runtime.exceptions.ModelError) as failed:
        ask(account, pipeline, "text/grow", "6000000")
    said = failed.value.response["Error"]["Message"]
    assert said.startswith(
        "Received response from first with status code 200. However, the request payload from first to second is "
        "6000000 bytes, which has exceeded the maximum limit of 5 MB. See https://"
    )


def test_each_container_by_its_name(account: Account, direct: str) -> None:
    """Only the container that is named answers, and has metrics of its own."""
    for name in ("first", "second"):
        answer = json.loads(ask(account, direct, "application/json", "7", TargetContainerHostname=name))
        assert answer == {"seen": [name, "application/json", "application/json", None], "of": 7}
        until(partial(total, account, direct, "Invocations", name))
    with pytest.raises(account.runtime.exceptions.ModelError, match="from second with message"):
        ask(account, direct, "text/boom", "second", TargetContainerHostname="second")
    dimensions = {"EndpointName": direct, "VariantName": "v0", "ContainerName": "first"}
    until(lambda: account.statistics("/aws/sagemaker/Endpoints", "MemoryUtilization", dimensions, "Maximum"))


@pytest.mark.parametrize(
    ("kind", "request_part", "said"),
    [
        ("direct", {}, "TargetContainerHostname must be one of first, second"),
        ("direct", {"TargetContainerHostname": "third"}, "TargetContainerHostname third does not exist"),
        ("direct", {"TargetContainerHostname": "first", "TargetModel": "a"}, "is not a multi-model endpoint"),
        ("pipeline", {"TargetContainerHostname": "first"}, "not configured for direct invocation"),
        ("pipeline", {"TargetModel": "a.tar.gz"}, "is not a multi-model endpoint and does not support target model"),
    ],
)
def test_what_is_aimed_at_nothing(
    account: Account, request: pytest.FixtureRequest, kind: str, request_part: dict[str, str], said: str
) -> None:
    """ValidationError where the caller's target does not fit to the endpoint."""
    with pytest.raises(account.runtime.exceptions.ValidationError, match=said):
        ask(account, request.getfixturevalue(kind), "application/json", "7", **request_part)


def test_names_that_nobody_gave(account: Account) -> None:
    """Containers without a hostname are called by their position."""
    name = account.endpoint(account.config(model(account, "unnamed", containers(account, "", ""))))
    with pytest.raises(account.runtime.exceptions.ModelError, match="from container-2 with message"):
        ask(account, name, "text/boom", "1")


@pytest.mark.parametrize(
    ("names", "mode", "more", "said"),
    [
        (("a", ""), "Serial", {}, "ContainerHostname must be given for every container"),
        (("", ""), "Direct", {}, "ContainerHostname must be given for every container"),
        (("a", "a"), "", {}, "ContainerHostname must be unique"),
        (("a",), "Direct", {}, "needs more than one container"),
        (("a", "b"), "", {"Mode": "MultiModel"}, "one container with Mode MultiModel only"),
        (
            ("a", "b"),
            "",
            {"MultiModelConfig": {"ModelCacheSetting": "Disabled"}},
            "for containers with Mode MultiModel",
        ),
        (tuple(map(str, range(16))), "", {}, "less than or equal to 15"),
    ],
)
def test_what_makes_no_model(
    account: Account, names: Sequence[str], mode: str, more: dict[str, Any], said: str
) -> None:
    """What does not go together is refused when the model is created."""
    with pytest.raises(ClientError, match=said):
        model(account, "impossible", containers(account, *names, **more), mode)


def test_a_transform_job_has_one_container(account: Account, pipeline: str) -> None:
    """A batch transform with several is refused by name."""
    assert pipeline
    with pytest.raises(ClientError, match="models of one container"):
        account.sagemaker.create_transform_job(
            TransformJobName="piped",
            ModelName="pipeline",
            TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://lab-data/c"}}},
            TransformOutput={"S3OutputPath": "s3://lab-data/piped"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )
