"""Rounds of mixed load on what every account has beside SageMaker; each makes something, uses it, and removes it."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

from bench.support.asking import BrokenOffError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.support.asking import Caller

BUCKET, FUNCTION, PREFIX = "bench", "soak", "soak-"
_PART = 5 * 2**20  # S3's smallest but the last
_SIZES = (0, 100, 10_000, 300_000, 3_000_000)
_LOOK_SECONDS, _STACK_SECONDS = 0.5, 60
_CODE = "def handler(event, context):\n    return {'numbers': sum(event['numbers'])}\n"
_LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def name_of(caller: Caller) -> str:
    """Return a name that nothing else has."""
    return f"{PREFIX}{caller.choice.getrandbits(48):012x}"


def make_function(lambdas: Any, role: str) -> None:
    """Make the function that is invoked."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", _CODE)
    lambdas.create_function(
        FunctionName=FUNCTION,
        Runtime="python3.12",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": package.getvalue()},
    )
    lambdas.get_waiter("function_active_v2").wait(FunctionName=FUNCTION)


def objects(caller: Caller) -> None:
    """S3: puts, gets, ranges, a copy, lists, tags."""
    key, body = f"objects/{name_of(caller)}", caller.choice.randbytes(caller.choice.choice(_SIZES))
    at = {"Bucket": BUCKET, "Key": key}
    gone: Any = lambda members, _: ("delete_object", {name: members[name] for name in ("Bucket", "Key")})  # noqa: E731
    caller.ask("s3", "put_object", {**at, "Body": body}, undo=gone)
    caller.ask("s3", "head_object", at)
    caller.ask("s3", "get_object", at)
    if body:
        caller.ask("s3", "get_object", {**at, "Range": f"bytes={len(body) // 2}-"})
    caller.ask("s3", "put_object_tagging", {**at, "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}})
    copied = {"Bucket": BUCKET, "Key": f"{key}-copy", "CopySource": {"Bucket": BUCKET, "Key": key}}
    caller.ask("s3", "copy_object", copied, undo=gone)
    caller.ask("s3", "list_objects_v2", {"Bucket": BUCKET, "Prefix": "objects/", "MaxKeys": 20})


def upload(caller: Caller) -> None:
    """S3: an upload in parts; one in four is aborted."""
    at = {"Bucket": BUCKET, "Key": f"uploads/{name_of(caller)}"}
    abort: Any = lambda members, answer: (  # noqa: E731
        "abort_multipart_upload",
        {**{name: members[name] for name in ("Bucket", "Key")}, "UploadId": answer["UploadId"]},
    )
    upload_id = {"UploadId": caller.ask("s3", "create_multipart_upload", at, undo=abort)["UploadId"]}
    parts = []
    for number, size in enumerate((_PART, 1000), start=1):
        part = {**at, **upload_id, "PartNumber": number, "Body": bytes(size)}
        parts.append({"PartNumber": number, "ETag": caller.ask("s3", "upload_part", part, wrong=False)["ETag"]})
    caller.ask("s3", "list_parts", {**at, **upload_id})
    if caller.choice.randrange(4):
        completed = {**at, **upload_id, "MultipartUpload": {"Parts": parts}}
        caller.ask("s3", "complete_multipart_upload", completed, undo=lambda *_: ("delete_object", at), wrong=False)
        caller.ask("s3", "get_object", {**at, "Range": f"bytes={_PART - 10}-{_PART + 10}"})


def logs(caller: Caller) -> None:
    """Logs: a group with a stream and events."""
    group = {"logGroupName": f"/soak/{name_of(caller)}"}
    stream = {**group, "logStreamName": "one"}
    gone: Any = lambda members, _: ("delete_log_group", {"logGroupName": members["logGroupName"]})  # noqa: E731
    caller.ask("logs", "create_log_group", group, undo=gone)
    caller.ask("logs", "put_retention_policy", {**group, "retentionInDays": 7})
    caller.ask("logs", "create_log_stream", stream)
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": f"line {number} " + "x" * 200} for number in range(50)]
    caller.ask("logs", "put_log_events", {**stream, "logEvents": events})
    caller.ask("logs", "filter_log_events", {**group, "filterPattern": "line"})
    caller.ask("logs", "get_log_events", {**stream, "limit": 10})
    caller.ask("logs", "describe_log_streams", group)


def metrics(caller: Caller) -> None:
    """CloudWatch: values of a few metrics, which nobody can delete, their statistics, an alarm."""
    name = f"metric-{caller.choice.randrange(10)}"
    data = [{"MetricName": name, "Value": caller.choice.random(), "Unit": "None"}]
    # A wrong one that is taken would stay for two weeks.
    caller.ask("cloudwatch", "put_metric_data", {"Namespace": "soak", "MetricData": data}, wrong=False)
    of = {"Namespace": "soak", "MetricName": name, "Period": 60, "Statistics": ["Average"]}
    now = time.time()
    caller.ask("cloudwatch", "get_metric_statistics", {**of, "StartTime": now - 600, "EndTime": now})
    alarm = {
        "AlarmName": name_of(caller),
        "Namespace": "soak",
        "MetricName": name,
        "Period": 60,
        "Statistic": "Average",
        "EvaluationPeriods": 1,
        "Threshold": 2.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    gone: Any = lambda members, _: ("delete_alarms", {"AlarmNames": [members["AlarmName"]]})  # noqa: E731
    caller.ask("cloudwatch", "put_metric_alarm", alarm, undo=gone)
    caller.ask("cloudwatch", "describe_alarms", {"AlarmNames": [alarm["AlarmName"]]})


def parameters(caller: Caller) -> None:
    """SSM: a parameter."""
    name = {"Name": f"/soak/{name_of(caller)}"}
    gone: Any = lambda members, _: ("delete_parameter", {"Name": members["Name"]})  # noqa: E731
    caller.ask("ssm", "put_parameter", {**name, "Value": "1", "Type": "String"}, undo=gone)
    caller.ask("ssm", "get_parameter", name)
    caller.ask("ssm", "get_parameters_by_path", {"Path": "/soak", "Recursive": True})


def messages(caller: Caller) -> None:
    """SNS, SQS and EventBridge: a message by each of them to a queue, which is read and emptied."""
    name = name_of(caller)
    gone: Any = lambda _, answer: ("delete_queue", {"QueueUrl": answer["QueueUrl"]})  # noqa: E731
    queue = {"QueueUrl": caller.ask("sqs", "create_queue", {"QueueName": name}, undo=gone)["QueueUrl"]}
    asked = {**queue, "AttributeNames": ["QueueArn"]}
    arn = caller.ask("sqs", "get_queue_attributes", asked).get("Attributes", {}).get("QueueArn")
    topic_gone: Any = lambda _, answer: ("delete_topic", {"TopicArn": answer["TopicArn"]})  # noqa: E731
    topic = {"TopicArn": caller.ask("sns", "create_topic", {"Name": name}, undo=topic_gone)["TopicArn"]}
    caller.ask("sns", "subscribe", {**topic, "Protocol": "sqs", "Endpoint": arn})
    caller.ask("sns", "publish", {**topic, "Message": "by the topic"})
    rule_gone: Any = lambda members, _: ("delete_rule", {"Name": members["Name"]})  # noqa: E731
    pattern = json.dumps({"source": [f"soak.{name}"]})
    caller.ask("events", "put_rule", {"Name": name, "EventPattern": pattern}, undo=rule_gone)
    no_targets: Any = lambda members, _: ("remove_targets", {"Rule": members["Rule"], "Ids": ["one"]})  # noqa: E731
    caller.ask("events", "put_targets", {"Rule": name, "Targets": [{"Id": "one", "Arn": arn}]}, undo=no_targets)
    entry = {"Source": f"soak.{name}", "DetailType": "soak", "Detail": "{}"}
    caller.ask("events", "put_events", {"Entries": [entry]})
    caller.ask("sqs", "send_message", {**queue, "MessageBody": "by hand"})
    found = caller.ask("sqs", "receive_message", {**queue, "MaxNumberOfMessages": 10}, wrong=False)
    for message in found.get("Messages", []):
        caller.ask("sqs", "delete_message", {**queue, "ReceiptHandle": message["ReceiptHandle"]})


def function(caller: Caller) -> None:
    """Lambda: an invocation."""
    payload = json.dumps({"numbers": [caller.choice.randrange(100) for _ in range(10)]}).encode()
    caller.ask("lambda", "invoke", {"FunctionName": FUNCTION, "Payload": payload})
    caller.ask("lambda", "get_function_configuration", {"FunctionName": FUNCTION})


def stack(caller: Caller) -> None:
    """CloudFormation: a stack of a seat's size is made and deleted."""
    name = name_of(caller)
    template = json.dumps({"Resources": _seat(name)})
    made = {"StackName": name, "TemplateBody": template, "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    gone: Any = lambda members, _: ("delete_stack", {"StackName": members["StackName"]})  # noqa: E731
    caller.ask("cloudformation", "create_stack", made, undo=gone, wrong=False)
    if _settled(caller, name) != "CREATE_COMPLETE":
        caller.tally.add("cloudformation", "right", "not made", seconds=0, fault=f"the stack {name} was not made")
    caller.ask("cloudformation", "describe_stack_resources", {"StackName": name})
    caller.ask("cloudformation", "get_template", {"StackName": name})
    caller.ask("cloudformation", "delete_stack", {"StackName": name}, wrong=False)
    if _settled(caller, name) not in ("", "DELETE_COMPLETE"):
        caller.tally.add("cloudformation", "right", "not deleted", seconds=0, fault=f"the stack {name} was not deleted")


def _settled(caller: Caller, name: str) -> str:
    """Return a stack's status when nothing goes on in it; "" when it is gone."""
    deadline = time.monotonic() + _STACK_SECONDS
    while time.monotonic() < deadline:
        try:
            found = caller.ask("cloudformation", "describe_stacks", {"StackName": name}, refused=("ValidationError",))
        except BrokenOffError:
            return ""
        status = str(found["Stacks"][0]["StackStatus"])
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(_LOOK_SECONDS)
    return "no end"


def _seat(name: str) -> dict[str, Any]:
    """Return the resources of a seat."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{**_LAMBDA, "Principal": {"Service": "sagemaker.amazonaws.com"}}],
    }
    may = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/{name}/*"}],
    }
    policies = [{"PolicyName": "seat", "PolicyDocument": may}]
    role = {"RoleName": name, "AssumeRolePolicyDocument": trust, "Policies": policies}
    notebook = {
        "NotebookInstanceName": name,
        "InstanceType": "ml.t3.medium",
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "PlatformIdentifier": "notebook-al2023-v1",
    }
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/soak/{name}", "RetentionInDays": 7}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}},
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": f"/soak-stacks/{name}", "Type": "String", "Value": name},
        },
        "Notebook": {"Type": "AWS::SageMaker::NotebookInstance", "Properties": notebook},
    }


ROUNDS: dict[str, tuple[Callable[[Caller], object], float]] = {
    "objects": (objects, 10),
    "upload": (upload, 3),
    "logs": (logs, 5),
    "metrics": (metrics, 4),
    "parameters": (parameters, 4),
    "messages": (messages, 4),
    "function": (function, 6),
    "stack": (stack, 0.5),
}
"""The rounds, and how often each has its turn compared with the others."""
