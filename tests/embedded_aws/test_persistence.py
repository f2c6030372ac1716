"""What ministack's services were told is there after a kill, as it was; stacks that were at work are rolled back."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws import gateway
from tests import functions
from tests.embedded_aws.account import until
from tests.embedded_aws.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "sagemaker.amazonaws.com", "scheduler.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
VOLATILE = ("ResponseMetadata", "nextForwardToken", "nextBackwardToken", "NextToken")
NOTEBOOK = {
    "Type": "AWS::SageMaker::NotebookInstance",
    "DependsOn": "Topic",
    "Properties": {
        "NotebookInstanceName": "stacked",
        "InstanceType": "ml.t3.medium",
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
    },
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One for this module."""
    made = Home(tmp_path_factory.mktemp("kept"), pace=3.0)  # time to be killed in
    yield made
    gateway.forget(made.home)


@pytest.fixture(scope="module")
def role(aws: Home) -> str:
    """A role that functions and notebooks may act as; its ARN."""
    made = aws.client("iam").create_role(RoleName="kept", AssumeRolePolicyDocument=json.dumps(TRUST))
    return str(made["Role"]["Arn"])


def stable(answer: Any) -> Any:
    """An answer without what is another with each one."""
    if isinstance(answer, dict):
        return {name: stable(value) for name, value in answer.items() if name not in VOLATILE}
    return [stable(each) for each in answer] if isinstance(answer, list) else answer


def answer(aws: Home) -> bytes:
    """What the function answers."""
    return bytes(aws.client("lambda").invoke(FunctionName="kept", Payload=b'{"n": 1}')["Payload"].read())


def fill(aws: Home, role: str) -> dict[str, Callable[[], Any]]:
    """Tell services something; how each is asked for it."""
    iam, kms, ssm, sns, sqs = map(aws.client, ("iam", "kms", "ssm", "sns", "sqs"))
    logs, events, lambda_, glue, athena = map(aws.client, ("logs", "events", "lambda", "glue", "athena"))
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="kept", PolicyName="own", PolicyDocument=json.dumps(policy))
    iam.attach_role_policy(RoleName="kept", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    key = kms.create_key(Description="kept")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/kept", TargetKeyId=key)
    sealed = kms.encrypt(KeyId=key, Plaintext=b"a secret")["CiphertextBlob"]
    ssm.put_parameter(Name="/kept", Value="1", Type="String", Tags=[{"Key": "lab", "Value": "kept"}])
    topic = sns.create_topic(Name="kept")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="somebody@example.com")
    queue = sqs.create_queue(QueueName="kept")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="a message")
    logs.create_log_group(logGroupName="kept")
    logs.put_retention_policy(logGroupName="kept", retentionInDays=7)
    logs.create_log_stream(logGroupName="kept", logStreamName="stream")
    now = int(time.time() * 1000)
    for batch in range(3):
        # The second is late: it comes in between.
        at = now + (0, -1000, 1000)[batch]
        told = [{"timestamp": at + line, "message": f"line {batch}.{line}"} for line in range(5)]
        logs.put_log_events(logGroupName="kept", logStreamName="stream", logEvents=told)
    events.put_rule(Name="kept", ScheduleExpression="rate(7 days)", Tags=[{"Key": "lab", "Value": "kept"}])
    events.put_targets(Rule="kept", Targets=[{"Id": "topic", "Arn": topic}])
    function = functions.make(lambda_, "kept", role=role, source="def handler(event, context):\n    return event\n")
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    aws.client("scheduler").create_schedule(
        Name="kept",
        ScheduleExpression=f"at({later})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function, "RoleArn": role},
    )
    glue.create_database(DatabaseInput={"Name": "kept"})
    glue.create_table(DatabaseName="kept", TableInput={"Name": "table", "Parameters": {"classification": "json"}})
    athena.create_work_group(Name="kept", Configuration={"EnforceWorkGroupConfiguration": True})
    values = {"MetricName": "kept", "Value": 4.0, "Dimensions": [{"Name": "lab", "Value": "kept"}]}
    aws.client("cloudwatch").put_metric_data(Namespace="Kept", MetricData=[values])
    bucket = aws.client("s3")
    bucket.create_bucket(Bucket="kept")
    bucket.put_bucket_tagging(Bucket="kept", Tagging={"TagSet": [{"Key": "lab", "Value": "kept"}]})
    statistics = {
        "Namespace": "Kept",
        "MetricName": "kept",
        "Dimensions": values["Dimensions"],
        "StartTime": datetime.now(UTC) - timedelta(hours=1),
        "EndTime": datetime.now(UTC) + timedelta(hours=1),
        "Period": 3600,
        "Statistics": ["Sum", "SampleCount"],
    }
    return {
        "role": lambda: aws.client("iam").get_role_policy(RoleName="kept", PolicyName="own"),
        "attached": lambda: aws.client("iam").list_attached_role_policies(RoleName="kept"),
        "key": lambda: aws.client("kms").describe_key(KeyId="alias/kept"),
        "ciphertext": lambda: aws.client("kms").decrypt(CiphertextBlob=sealed),
        "parameter": lambda: aws.client("ssm").get_parameter(Name="/kept"),
        "parameter's tags": lambda: aws.client("ssm").list_tags_for_resource(
            ResourceType="Parameter", ResourceId="/kept"
        ),
        "topic": lambda: aws.client("sns").list_subscriptions_by_topic(TopicArn=topic),
        "queue": lambda: aws.client("sqs").get_queue_attributes(
            QueueUrl=aws.client("sqs").get_queue_url(QueueName="kept")["QueueUrl"],
            AttributeNames=["ApproximateNumberOfMessages"],
        ),
        "log group": lambda: aws.client("logs").describe_log_groups(logGroupNamePrefix="kept"),
        "log": lambda: aws.client("logs").get_log_events(
            logGroupName="kept", logStreamName="stream", startFromHead=True
        ),
        "rule": lambda: aws.client("events").describe_rule(Name="kept"),
        "targets": lambda: aws.client("events").list_targets_by_rule(Rule="kept"),
        "function": lambda: aws.client("lambda").get_function_configuration(FunctionName="kept"),
        "answer": lambda: answer(aws),
        "schedule": lambda: aws.client("scheduler").get_schedule(Name="kept"),
        "table": lambda: aws.client("glue").get_table(DatabaseName="kept", Name="table"),
        "workgroup": lambda: aws.client("athena").get_work_group(WorkGroup="kept"),
        "metric": lambda: aws.client("cloudwatch").get_metric_statistics(**statistics),
        "bucket": lambda: aws.client("s3").get_bucket_tagging(Bucket="kept"),
    }


def test_what_was_acknowledged_is_there_after_a_kill_and_after_a_stop(aws: Home, role: str) -> None:
    """Each service answers as before: killed the moment after the last answer, then ended in order."""
    asked = fill(aws, role)
    aws.kill()
    after_kill = {name: stable(ask()) for name, ask in asked.items()}
    assert after_kill["ciphertext"]["Plaintext"] == b"a secret"
    assert after_kill["answer"] == b'{"n": 1}'
    assert [each["message"] for each in after_kill["log"]["events"]] == [
        f"line {batch}.{line}" for batch in (1, 0, 2) for line in range(5)
    ]
    assert after_kill["metric"]["Datapoints"][0]["Sum"] == 4.0
    assert after_kill["queue"]["Attributes"] == {"ApproximateNumberOfMessages": "1"}
    gateway.stop(aws.home)
    aws.begin()
    assert {name: stable(ask()) for name, ask in asked.items()} == after_kill


def test_what_is_deleted_does_not_come_back(aws: Home) -> None:
    """A deletion is kept as a creation is; so is the end of a whole account."""
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/gone", Value="1", Type="String")
    ssm.delete_parameter(Name="/gone")
    aws.client("ssm", "123412341234").put_parameter(Name="/others", Value="1", Type="String")
    request = aws.running.admin_request("/_embedded_aws/accounts/123412341234/close")
    urllib.request.urlopen(request, timeout=60).close()  # noqa: S310 - our own URL
    aws.kill()
    names = [each["Name"] for each in aws.client("ssm").describe_parameters()["Parameters"]]
    assert "/gone" not in names
    assert not aws.client("ssm", "123412341234").describe_parameters()["Parameters"]


def test_events_past_their_groups_retention_go(aws: Home) -> None:
    """What is older is not there after an hour, nor after a start; what is younger is."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="retained")
    logs.put_retention_policy(logGroupName="retained", retentionInDays=1)
    logs.create_log_stream(logGroupName="retained", logStreamName="stream")
    now = int(time.time() * 1000)
    told = [{"timestamp": now - hours * 3_600_000, "message": f"{hours} hours"} for hours in (30, 20)]
    logs.put_log_events(logGroupName="retained", logStreamName="stream", logEvents=told)
    for _ in range(2):  # the second start finds what the first has kept
        aws.kill()
        told = aws.client("logs").get_log_events(logGroupName="retained", logStreamName="stream")["events"]
        assert [each["message"] for each in told] == ["20 hours"]


def template(*, display: str, notebook: bool, volume: int = 5) -> str:
    """A stack of a role and a topic and, if wanted, a notebook instance, which takes its time."""
    resources: dict[str, Any] = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "stacked", "DisplayName": display}},
    }
    if notebook:
        properties = {**NOTEBOOK["Properties"], "VolumeSizeInGB": volume}  # type: ignore[dict-item]  # it is a dict
        resources["Notebook"] = {**NOTEBOOK, "Properties": properties}
    return json.dumps({"Resources": resources})


def status(aws: Home) -> str:
    """The stack's status once it is no longer at work."""

    def settled() -> str:
        found = str(aws.client("cloudformation").describe_stacks(StackName="stacked")["Stacks"][0]["StackStatus"])
        return "" if found.endswith("_IN_PROGRESS") else found

    return str(until(settled))


def test_stacks_that_were_at_work_are_rolled_back(aws: Home) -> None:
    """A creation is undone, an update taken back, a deletion finished; what was in the making is gone, too."""
    what = {"StackName": "stacked", "Capabilities": ["CAPABILITY_IAM"]}
    client = aws.client("cloudformation")

    def notebooks() -> list[str]:
        found = aws.client("sagemaker").list_notebook_instances(NameContains="stacked")["NotebookInstances"]
        return [each["NotebookInstanceStatus"] for each in found]

    client.create_stack(**what, TemplateBody=template(display="first", notebook=True))
    until(notebooks)
    aws.kill()
    assert status(aws) == "ROLLBACK_COMPLETE"
    assert not notebooks()
    assert not [each for each in aws.client("sns").list_topics()["Topics"] if each["TopicArn"].endswith(":stacked")]

    client = aws.client("cloudformation")
    client.delete_stack(StackName="stacked")
    client.get_waiter("stack_delete_complete").wait(StackName="stacked", WaiterConfig={"Delay": 1})
    client.create_stack(**what, TemplateBody=template(display="second", notebook=False))
    assert status(aws) == "CREATE_COMPLETE"
    client.update_stack(**what, TemplateBody=template(display="third", notebook=True))
    until(notebooks)
    aws.kill()
    assert status(aws) == "UPDATE_ROLLBACK_COMPLETE"
    assert not notebooks()
    topic = f"arn:aws:sns:{gateway.REGION}:{gateway.ACCOUNT}:stacked"
    assert aws.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "second"

    client = aws.client("cloudformation")
    client.update_stack(**what, TemplateBody=template(display="third", notebook=True))
    assert status(aws) == "UPDATE_COMPLETE"
    client.delete_stack(StackName="stacked")
    aws.kill()
    until(lambda: not aws.client("cloudformation").describe_stacks()["Stacks"])
    assert not notebooks()
