"""Asynchronous endpoints take requests from S3 or inline, answer to S3 and SNS, and scale to nothing and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.account import BUCKET, Account, answering, until

if TYPE_CHECKING:
    from collections.abc import Callable

HANDLER = b"""
import time

busy = most = 0

def handler(data, context):
    global busy, most
    busy += 1
    most = max(most, busy)
    try:
        time.sleep(1.5 if context.request_content_type == "text/slow" else 0.02)
        if context.request_content_type == "text/boom":
            raise ValueError("no such thing")
        if context.request_content_type == "text/most":
            return str(most), "text/plain"
        return data.read().upper(), "text/plain"
    finally:
        busy -= 1
"""


class Topic:
    """A topic with a queue that hears of it."""

    def __init__(self, account: Account) -> None:
        self._sqs, self.sns = (service(account, name) for name in ("sqs", "sns"))
        name = f"topic-{uuid.uuid4().hex[:8]}"
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = self.sns.create_topic(Name=name)["TopicArn"]
        queue = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        self.sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue["QueueArn"])
        self.heard: list[dict[str, Any]] = []

    def about(self, inference_id: str) -> dict[str, Any]:
        """Wait for the message about an inference; it."""
        return dict(until(partial(self._find, inference_id)))

    def _find(self, inference_id: str) -> dict[str, Any] | None:
        for each in self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", ()):
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"])
            self.heard.append(json.loads(json.loads(each["Body"])["Message"]))
        return next((each for each in self.heard if each.get("inferenceId") == inference_id), None)


def service(account: Account, name: str) -> Any:
    """A client of another service, of the same account."""
    client: Any = boto3.client
    return client(
        name,
        endpoint_url=account.s3.meta.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the account's
    )


@pytest.fixture(scope="module")
def topic(hurried: Account) -> Topic:
    """One for success and failure."""
    return Topic(hurried)


def asynchronous(
    topic: Topic | None = None, *, included: tuple[str, ...] = (), at_once: int = 2, out: str = "answers"
) -> dict[str, Any]:
    """An AsyncInferenceConfig."""
    arn = topic.arn if topic else ""
    notified = {"SuccessTopic": arn, "ErrorTopic": arn, "IncludeInferenceResponseIn": included}
    return {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": at_once},
        "OutputConfig": {
            "S3OutputPath": f"s3://{BUCKET}/{out}",
            "S3FailurePath": f"s3://{BUCKET}/failures/",
            **({"NotificationConfig": notified} if topic else {}),
        },
    }


@pytest.fixture(scope="module")
def endpoint(hurried: Account, topic: Topic) -> str:
    """An asynchronous endpoint that takes two requests at a time."""
    model = hurried.model({"1/saved_model.pb": b"", "code/inference.py": HANDLER})
    included = ("SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC")
    return hurried.endpoint(hurried.config(model, AsyncInferenceConfig=asynchronous(topic, included=included)))


def ask(account: Account, endpoint: str, content: bytes = b"brick", **request: Any) -> dict[str, Any]:
    """Invoke an endpoint with an object; what InvokeEndpointAsync answers."""
    if "Body" not in request:
        request.setdefault("InputLocation", account.put(f"input/{uuid.uuid4()}", content))
    return dict(
        account.runtime.invoke_endpoint_async(EndpointName=endpoint, **{"ContentType": "text/plain", **request})
    )


def answer(account: Account, uri: str) -> bytes:
    """Wait for an object; its content."""

    def found() -> tuple[bytes] | None:
        try:
            return (account.get(uri),)
        except account.s3.exceptions.NoSuchKey:
            return None

    return bytes(until(found)[0])


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """The code and message that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def total(account: Account, metric: str, endpoint: str, most: str = "Sum", **dimensions: str) -> float:
    """A metric's sum, or another statistic's greatest value."""
    named = {"EndpointName": endpoint, **dimensions}
    values = [point[most] for point in account.statistics("AWS/SageMaker", metric, named, most)]
    return float(sum(values) if most in ("Sum", "SampleCount") else max(values, default=0.0))


def test_answers_to_s3_and_sns(hurried: Account, endpoint: str, topic: Topic) -> None:
    """202 with where the answer will be; it is there, and the topic hears of it in AWS's form."""
    told = ask(hurried, endpoint, InferenceId="the-first", Accept="text/plain")
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert told["InferenceId"] == "the-first"
    assert told["OutputLocation"] == f"s3://{BUCKET}/answers/the-first.out"
    assert answer(hurried, told["OutputLocation"]) == b"BRICK"
    heard = topic.about("the-first")
    assert heard.pop("eventTime") > heard.pop("receivedTime")
    assert heard.pop("requestParameters").pop("inputLocation").startswith(f"s3://{BUCKET}/input/")
    assert heard == {
        "awsRegion": "us-east-1",
        "invocationStatus": "Completed",
        "responseParameters": {"contentType": "text/plain", "outputLocation": told["OutputLocation"]},
        "inferenceId": "the-first",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
        "responseBody": {"content": "QlJJQ0s=", "encoding": "BASE64"},
    }
    assert {"eventVersion": "1.0", "eventSource": "aws:sagemaker", "eventName": "TestNotification"} in topic.heard
    described = hurried.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert described["AsyncInferenceConfig"]["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": 2}


def test_a_payload_may_come_along(hurried: Account, endpoint: str) -> None:
    """Up to 128,000 bytes; the answer's name and folder may be the caller's."""
    told = ask(hurried, endpoint, Body=b"x" * 128_000, Filename="mine.txt", S3OutputPathExtension="of/me")
    assert told["OutputLocation"] == f"s3://{BUCKET}/answers/of/me/mine.txt"
    assert answer(hurried, told["OutputLocation"]) == b"X" * 128_000


def test_what_fails_is_told(hurried: Account, endpoint: str, topic: Topic) -> None:
    """The model's error, and an object that is not there: failure file, topic, log, metrics."""
    failed = ask(hurried, endpoint, ContentType="text/boom")
    missing = ask(hurried, endpoint, InputLocation=f"s3://{BUCKET}/nothing/here")
    nowhere = ask(hurried, endpoint, InputLocation="s3://no-such-bucket-at-all/key")
    assert answer(hurried, failed["FailureLocation"]) == b'{"error": "no such thing"}'
    heard = topic.about(failed["InferenceId"])
    assert heard["invocationStatus"] == "Failed"
    assert heard["failureReason"].startswith("ClientError: Received server error (500) from model.")
    assert heard["responseParameters"] == {"failureLocation": failed["FailureLocation"]}
    for told in (missing, nowhere):
        assert "Failed to download the request" in topic.about(told["InferenceId"])["failureReason"]
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    until(lambda: any(failed["InferenceId"] in line for line in hurried.printed(group, "v0/")))
    variant = {"VariantName": "v0"}
    until(lambda: total(hurried, "RequestDownloadFailures", endpoint, **variant) == 2)
    assert total(hurried, "InvocationFailures", endpoint, **variant) == 3
    assert total(hurried, "Invocation5XXErrors", endpoint, **variant) == 1
    assert total(hurried, "InvocationsProcessed", endpoint, **variant) >= 3
    assert not total(hurried, "Invocations", endpoint, **variant)
    assert total(hurried, "TotalProcessingTime", endpoint, "Maximum", **variant) > 0


def test_so_many_at_a_time(hurried: Account, endpoint: str, topic: Topic) -> None:
    """An instance has as many as MaxConcurrentInvocationsPerInstance says; each takes as long as it may."""
    slow = [ask(hurried, endpoint, ContentType="text/slow") for _ in range(3)]
    late = ask(hurried, endpoint, ContentType="text/slow", InvocationTimeoutSeconds=1)
    assert [answer(hurried, told["OutputLocation"]) for told in slow] == [b"BRICK"] * 3
    assert topic.about(late["InferenceId"])["invocationStatus"] == "Failed"
    most = ask(hurried, endpoint, ContentType="text/most")
    assert answer(hurried, most["OutputLocation"]) == b"2"


def test_the_aws_cli_asks_it(hurried: Account, endpoint: str) -> None:
    """Unmodified; and a template has the properties."""
    location = hurried.put("input/cli", b"brick")
    program = Path(sys.executable).with_name("aws")
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(
        [
            program,
            *("sagemaker-runtime", "invoke-endpoint-async", "--endpoint-name", endpoint, "--input-location", location),
            *("--content-type", "text/plain", "--endpoint-url", hurried.s3.meta.endpoint_url),
        ],
        env={**os.environ, **keys},
        capture_output=True,
        check=True,
    )
    assert answer(hurried, json.loads(done.stdout)["OutputLocation"]) == b"BRICK"


def test_templates_have_it(hurried: Account) -> None:
    """CloudFormation's AsyncInferenceConfig and ServerlessConfig are the API's."""
    cloudformation = service(hurried, "cloudformation")
    model = hurried.model(answering())
    instances = {"VariantName": "v0", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    serverless = {"MaxConcurrency": 2, "MemorySizeInMB": 2048, "ProvisionedConcurrency": 1}
    properties = {
        "Async": {"ProductionVariants": [instances], "AsyncInferenceConfig": asynchronous()},
        "Serverless": {
            "ProductionVariants": [{"VariantName": "v0", "ModelName": model, "ServerlessConfig": serverless}]
        },
    }
    resources = {
        name: {"Type": "AWS::SageMaker::EndpointConfig", "Properties": each} for name, each in properties.items()
    }
    outputs = {name: {"Value": {"Fn::GetAtt": [name, "EndpointConfigName"]}} for name in resources}
    cloudformation.create_stack(
        StackName="modes", TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs})
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="modes", WaiterConfig={"Delay": 0.2})
    [stack] = cloudformation.describe_stacks(StackName="modes")["Stacks"]
    made = {
        each["OutputKey"]: hurried.sagemaker.describe_endpoint_config(EndpointConfigName=each["OutputValue"])
        for each in stack["Outputs"]
    }
    assert made["Async"]["AsyncInferenceConfig"] == asynchronous()
    assert made["Serverless"]["ProductionVariants"][0]["ServerlessConfig"] == serverless


def test_scales_to_nothing_and_back(hurried: Account, endpoint: str, topic: Topic) -> None:
    """Requests wait while there is no instance, until they expire or one comes; metrics tell of the backlog."""
    scale = partial(hurried.sagemaker.update_endpoint_weights_and_capacities, EndpointName=endpoint)
    scale(DesiredWeightsAndCapacities=[{"VariantName": "v0", "DesiredInstanceCount": 0}])
    described = hurried.settled(endpoint)["ProductionVariants"][0]
    assert (described["CurrentInstanceCount"], described["DesiredInstanceCount"]) == (0, 0)
    short = ask(hurried, endpoint, RequestTTLSeconds=60)
    told = ask(hurried, endpoint)
    assert topic.about(short["InferenceId"])["invocationStatus"] == "Expired"
    until(lambda: total(hurried, "HasBacklogWithoutCapacity", endpoint, "Maximum") == 1)
    assert total(hurried, "ApproximateBacklogSize", endpoint, "Maximum") >= 1
    scale(DesiredWeightsAndCapacities=[{"VariantName": "v0", "DesiredInstanceCount": 1}])
    assert answer(hurried, told["OutputLocation"]) == b"BRICK"
    until(lambda: total(hurried, "ExpiredRequests", endpoint, VariantName="v0") == 1)


def test_an_update_loses_no_request(hurried: Account, topic: Topic) -> None:
    """Those that wait, or are worked on, are answered by one of both fleets."""
    old, new = (hurried.model(answering(factor)) for factor in (1.0, 10.0))
    configs = [hurried.config(model, AsyncInferenceConfig=asynchronous(topic)) for model in (old, new)]
    name = hurried.endpoint(configs[0])
    hurried.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=configs[1])
    told = []
    while hurried.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Updating":
        told.append(ask(hurried, name, b"[1, 2, 3]", ContentType="application/json"))
        time.sleep(0.2)
    told.append(ask(hurried, name, b"[1, 2, 3]", ContentType="application/json"))
    answers = [json.loads(answer(hurried, each["OutputLocation"]))["predictions"][0][0] for each in told]
    assert set(answers) <= {6.0, 60.0}
    assert answers[-1] == 60.0


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"Body": b"brick", "InputLocation": f"s3://{BUCKET}/input"},
        {"InputLocation": f"s3://{BUCKET}/input", "Filename": "a/b"},
        {"InputLocation": f"s3://{BUCKET}/input", "S3OutputPathExtension": "s3://elsewhere"},
        {"InputLocation": "ftp://elsewhere/input"},
        {"InputLocation": "https://example.com/input"},
    ],
)
def test_requests_that_are_refused(hurried: Account, endpoint: str, request_: dict[str, Any]) -> None:
    """ValidationError for what botocore's model does not allow."""
    refused = refusal(hurried.runtime.invoke_endpoint_async, EndpointName=endpoint, **request_)
    assert refused[0] == "ValidationError"


def test_each_kind_of_endpoint_has_its_operation(hurried: Account, endpoint: str) -> None:
    """InvokeEndpoint is refused by an asynchronous one, InvokeEndpointAsync by all others, and by none."""
    refused = refusal(hurried.runtime.invoke_endpoint, EndpointName=endpoint, Body=b"brick")
    assert refused[0] == "ValidationError"
    assert "asynchronous" in refused[1]
    other = hurried.endpoint(hurried.config(hurried.model(answering())))
    for name in (other, "nobody"):
        refused = refusal(ask, account=hurried, endpoint=name, Body=b"brick")
        assert refused[0] == "ValidationError"
    scale = partial(hurried.sagemaker.update_endpoint_weights_and_capacities, EndpointName=other)
    change = [{"VariantName": "v0", "DesiredInstanceCount": 0}]
    assert refusal(scale, DesiredWeightsAndCapacities=change)[0] == "ValidationException"


def test_a_topic_that_is_not_there_fails_the_endpoint(hurried: Account) -> None:
    """The test notification tells: FailureReason in AWS's words."""
    config = asynchronous()
    config["OutputConfig"]["NotificationConfig"] = {"ErrorTopic": "arn:aws:sns:us-east-1:000000000000:nobody"}
    name = hurried.endpoint(hurried.config(hurried.model(answering()), AsyncInferenceConfig=config))
    described = hurried.sagemaker.describe_endpoint(EndpointName=name)
    assert described["EndpointStatus"] == "Failed"
    assert 'has "sns:Publish" permissions for topic' in described["FailureReason"]
