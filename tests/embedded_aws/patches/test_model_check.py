"""What a service's model does not allow is refused before anything of it is kept, in an answer that boto3 can read."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from embedded_aws import gateway
from tests.embedded_aws.services.sagemaker.calls import refusal
from tests.embedded_aws.test_step_functions import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROLE = "arn:aws:iam::111122220019:role/wrong"
GROUP = {"logGroupName": "wrong"}
STREAM = {**GROUP, "logStreamName": "1"}
FUNCTION = {"FunctionName": "wrong", "Runtime": "python3.12", "Role": ROLE, "Handler": "a.b", "Code": {"ZipFile": b""}}
SCHEDULE = {"Name": "wrong", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": "TOPIC", "RoleArn": ROLE}}
MACHINE = {"name": "wrong", "definition": "{}", "roleArn": ROLE}
XML = ("MalformedXML", "did not validate against our published schema")
NO_STRING = "NUMBER_VALUE can not be converted to a String"
NO_INTEGER = "STRING_VALUE can not be converted to an Integer"
NULL = "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null"


@pytest.fixture(scope="module")
def unchecked(embedded: gateway.Gateway) -> Iterator[Callable[[str], Any]]:
    """boto3's clients, which send whatever they are given, of an account with a log group, a bucket and a topic."""
    session: Any = boto3.Session("111122220019", "test", region_name=gateway.REGION)
    as_it_is = Config(parameter_validation=False, retries={"total_max_attempts": 1})

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=embedded.url, config=as_it_is)

    client("logs").create_log_group(**GROUP)
    client("logs").create_log_stream(**STREAM)
    client("s3").create_bucket(Bucket="wrong")
    topic = client("sns").create_topic(Name="wrong")["TopicArn"]
    yield client
    client("s3").delete_bucket(Bucket="wrong")
    client("logs").delete_log_group(**GROUP)
    client("sns").delete_topic(TopicArn=topic)


@pytest.mark.parametrize(
    ("service", "operation", "request_", "refused"),
    [
        ("logs", "create_log_stream", {**GROUP, "logStreamName": 5}, ("SerializationException", NO_STRING)),
        ("logs", "put_retention_policy", {**GROUP, "retentionInDays": "7"}, ("SerializationException", NO_INTEGER)),
        ("logs", "put_retention_policy", {**GROUP, "retentionInDays": 2**31}, ("SerializationException", "an Integer")),
        ("logs", "create_log_stream", GROUP, ("InvalidParameterException", NULL.format("logStreamName"))),
        (
            "logs",
            "put_log_events",
            {**STREAM, "logEvents": [{"message": "no time"}]},
            ("InvalidParameterException", NULL.format("logEvents.1.member.timestamp")),
        ),
        ("events", "put_rule", {"ScheduleExpression": "rate(1 hour)"}, ("ValidationException", NULL.format("name"))),
        (
            "events",
            "put_rule",
            {"Name": "\ud800", "ScheduleExpression": "rate(1 hour)"},
            ("Serialization", "surrog"),
        ),
        (
            "ssm",
            "put_parameter",
            {"Name": "wrong", "Value": ["a"], "Type": "String"},
            ("Serialization", "Start of list"),
        ),
        ("secretsmanager", "create_secret", {"Name": True}, ("SerializationException", "TRUE_VALUE can not be")),
        (
            "stepfunctions",
            "create_state_machine",
            {**MACHINE, "name": {}},
            ("Serialization", "Start of structure or map"),
        ),
        (
            "sqs",
            "create_queue",
            {"QueueName": "wrong", "Attributes": {"DelaySeconds": 5}},
            ("Serialization", NO_STRING),
        ),
        ("athena", "create_work_group", {"Description": "a"}, ("InvalidRequestException", NULL.format("name"))),
        ("lambda", "create_function", {**FUNCTION, "MemorySize": "1"}, ("SerializationException", NO_INTEGER)),
        ("scheduler", "create_schedule", {**SCHEDULE, "ScheduleExpression": 5}, ("SerializationException", NO_STRING)),
        ("sagemaker", "create_model", {"ModelName": 5}, ("SerializationException", NO_STRING)),
        ("sagemaker", "create_model", {"ModelName": "\ud800"}, ("SerializationException", "surrogate")),
        ("sns", "create_topic", {"Name": "a\x00b"}, ("InvalidParameterValue", "parameter Name is invalid")),
        ("sns", "create_topic", {"Name": "<a>&amp;</b>"}, ("InvalidParameter", "Invalid parameter: Topic Name")),
        (
            "cloudwatch",
            "put_metric_alarm",
            {"AlarmName": "wrong", "MetricName": "m", "Namespace": "n", "Period": 60, "EvaluationPeriods": 1},
            ("ValidationException", NULL.format("comparisonOperator")),
        ),
        ("iam", "create_role", {"RoleName": "wrong"}, ("ValidationError", NULL.format("assumeRolePolicyDocument"))),
        ("cloudformation", "create_stack", {"TemplateBody": "{}"}, ("ValidationError", NULL.format("stackName"))),
        (
            "iam",
            "create_role",
            {"RoleName": "wrong", "AssumeRolePolicyDocument": "{}", "MaxSessionDuration": "an hour"},
            ("InvalidParameterValue", "MaxSessionDuration"),
        ),
        # What only reads is asked of the model when ministack has stumbled over it.
        (
            "sqs",
            "delete_message",
            {"QueueUrl": {"a": "b"}, "ReceiptHandle": "1"},
            ("Serialization", "Start of structure"),
        ),
        ("sqs", "send_message", {"QueueUrl": "http://[[[/1", "MessageBody": "1"}, ("NonExistentQueue", "")),
        ("logs", "get_log_events", {**STREAM, "limit": "x"}, ("SerializationException", NO_INTEGER)),
        ("s3", "list_objects_v2", {"Bucket": "wrong", "MaxKeys": "many"}, ("InvalidArgument", "max-keys")),
        ("s3", "put_bucket_tagging", {"Bucket": "wrong", "Tagging": {}}, XML),
        ("s3", "put_bucket_tagging", {"Bucket": "wrong", "Tagging": {"TagSet": [{"Value": "a"}]}}, XML),
        ("s3", "delete_objects", {"Bucket": "wrong", "Delete": {}}, XML),
        *[
            ("s3", "put_bucket_lifecycle_configuration", {"Bucket": "wrong", "LifecycleConfiguration": wrong}, XML)
            for wrong in (
                {"Rules": [{"Filter": {}, "Status": "Enabled", "Expiration": {"Days": "soon"}}]},
                {"Rules": [{"Filter": {}, "Status": "", "Expiration": {"Days": 1}}]},
                {"Rules": [{"Filter": {}, "Expiration": {"Days": 1}}]},
            )
        ],
        ("sns", "subscribe", {"TopicArn": "TOPIC", "Protocol": "sqs", "Endpoint": "a\x00b"}, ("InvalidParameter", "")),
    ],
)
def test_what_the_model_does_not_allow_is_refused(
    unchecked: Callable[[str], Any], service: str, operation: str, request_: dict[str, Any], refused: tuple[str, str]
) -> None:
    """It is refused as the caller's, in AWS's words."""
    [topic] = [each["TopicArn"] for each in unchecked("sns").list_topics()["Topics"]]
    request_ = {name: topic if value == "TOPIC" else value for name, value in request_.items()}
    found = refusal(getattr(unchecked(service), operation), **request_)
    assert refused[0] in found[0]
    assert refused[1] in found[1]


def test_nothing_of_it_is_kept(unchecked: Callable[[str], Any]) -> None:
    """Whoever lists what there is has only what is in order, and what was refused can be made in the right way."""
    logs, events = unchecked("logs"), unchecked("events")
    refusal(logs.create_log_stream, **GROUP, logStreamName=5)
    refusal(events.put_rule, Name="\ud800", ScheduleExpression="rate(1 hour)")
    assert [each["logStreamName"] for each in logs.describe_log_streams(**GROUP)["logStreams"]] == ["1"]
    assert events.list_rules()["Rules"] == []
    logs.create_log_stream(**GROUP, logStreamName="5")
    assert [each["logStreamName"] for each in logs.describe_log_streams(**GROUP)["logStreams"]] == ["1", "5"]
    events.put_rule(Name="right", ScheduleExpression="rate(1 hour)")
    assert [each["Name"] for each in events.list_rules()["Rules"]] == ["right"]
    events.delete_rule(Name="right")


def sent(port: int, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Send a body as it is to a JSON interface; return status and document of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    scope = f"111122220019/20260101/{gateway.REGION}/service/aws4_request"
    headers = {
        "X-Amz-Target": target,
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read() or b"{}")
    connection.close()
    return found


def test_null_is_nothing_and_fractions_are_cut(embedded: gateway.Gateway, unchecked: Callable[[str], Any]) -> None:
    """A request is carried out as AWS reads it."""
    logs, ssm = unchecked("logs"), unchecked("ssm")
    logs.put_retention_policy(**GROUP, retentionInDays=7.9)
    [group] = logs.describe_log_groups()["logGroups"]
    assert group["retentionInDays"] == 7
    tags = [None, {"Key": "a", "Value": "b"}]
    asked = {"Name": "right", "Value": "1", "Type": "String", "Description": None, "Tags": tags}
    assert sent(embedded.port, "AmazonSSM.PutParameter", json.dumps(asked).encode())[0] == 200
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="right")["TagList"] == tags[1:]
    ssm.delete_parameter(Name="right")


@pytest.mark.parametrize(
    ("target", "body", "sentence"),
    [
        ("TrentService.CreateKey", b'{"Tags": "a"}', "Expected list or null"),
        ("AWSGlue.CreateDatabase", b'{"DatabaseInput": "a"}', "Expected null"),
        ("AWSEvents.PutRule", b'["Name", "wrong"]', "Start of list found where not expected"),
        ("AWSEvents.PutRule", b'{"Name": "wrong", "ScheduleExpression": "rate(1 hour)", "Tags": NaN}', "NaN"),
        ("AWSEvents.PutRule", b'{"Name": "wrong", "ScheduleExpression": "rate(1 hour)", "Number": 1e999}', "1e999"),
        ("AWSEvents.PutRule", b'{"Name": "\xed\xa0\x80", "ScheduleExpression": "rate(1 hour)"}', "UTF-8"),
        ("AWSEvents.PutRule", b'{"Name": "a", "Description": "\\uDC00\\uD800", "EventPattern": "{}"}', "surrogate"),
        ("AWSEvents.PutRule", b'{"Name": "wrong"', "not JSON"),
        ("AWSEvents.PutRule", b"[" * 100_000, "not JSON"),
    ],
)
def test_a_body_that_no_client_writes(embedded: gateway.Gateway, target: str, body: bytes, sentence: str) -> None:
    """What no text or number can hold, and what is no object, is refused, too."""
    status, document = sent(embedded.port, target, body)
    assert (status, document["__type"]) == (400, "SerializationException")
    assert sentence in document["message"]


def test_xml_that_is_none_is_refused_and_what_is_right_is_kept(unchecked: Callable[[str], Any]) -> None:
    """Another document, half of one, or one with no number where one must be, changes nothing of what a bucket has."""
    s3 = unchecked("s3")
    rule = {"ID": "a", "Filter": {"Prefix": "old/"}, "Status": "Enabled", "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket="wrong", LifecycleConfiguration={"Rules": [rule]})
    body = b""

    def replace(request: Any, **_: Any) -> None:
        request.data = body

    s3.meta.events.register("before-sign.s3.PutBucketLifecycleConfiguration", replace)
    no_boolean = b"<Rule><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>perhaps"
    for body in (  # noqa: B007 - what is sent
        b"<LifecycleConfiguration><Rule>",
        b"<Tagging><TagSet/></Tagging>",
        b"<LifecycleConfiguration>%s</ExpiredObjectDeleteMarker></Expiration></Rule></LifecycleConfiguration>"
        % no_boolean,
    ):
        code, _ = refusal(s3.put_bucket_lifecycle_configuration, Bucket="wrong", LifecycleConfiguration={"Rules": []})
        assert code == "MalformedXML"
    until = datetime(2040, 1, 1, tzinfo=UTC)
    for mode in ("governance", "FOREVER"):
        retention = {"Mode": mode, "RetainUntilDate": until}
        code, _ = refusal(s3.put_object_retention, Bucket="wrong", Key="a", Retention=retention)
        assert code == "MalformedXML"
    [kept] = s3.get_bucket_lifecycle_configuration(Bucket="wrong")["Rules"]
    assert kept == rule


def test_a_null_in_what_only_reads_is_a_member_left_out(unchecked: Callable[[str], Any]) -> None:
    """What ministack would stumble over is asked for without it."""
    logs = unchecked("logs")
    logs.create_log_stream(**GROUP, logStreamName="nulls")
    assert logs.get_log_events(**GROUP, logStreamName="nulls", limit=None)["events"] == []


def test_a_pair_of_surrogates_is_a_character(unchecked: Callable[[str], Any]) -> None:
    """What JSON writes as a whole pair is kept as the character that it is."""
    ssm = unchecked("ssm")
    ssm.put_parameter(Name="right", Value="\U0001f9f1", Type="String")
    assert ssm.get_parameter(Name="right")["Parameter"]["Value"] == "\U0001f9f1"
    ssm.delete_parameter(Name="right")


def test_a_state_machine_s_call_is_read_likewise(unchecked: Callable[[str], Any]) -> None:
    """Step Functions spells members as its SDK does; its calls go through, and wrong ones fail the task."""
    states = unchecked("stepfunctions")
    service = "aws-sdk:cloudwatchlogs"
    made = run(states, "stream", "createLogStream", {"LogGroupName": "wrong", "LogStreamName": "s"}, service=service)
    assert made["status"] == "SUCCEEDED"
    failed = run(states, "number", "createLogStream", {"LogGroupName": "wrong", "LogStreamName": 5}, service=service)
    assert failed["status"] == "FAILED"
    assert failed["error"] == "CloudWatchLogs.SerializationException"
    assert NO_STRING in failed["cause"]
