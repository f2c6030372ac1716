"""What only the lab's tag tells takes along all that AWS names after it, though a teardown is broken off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.aws import lab_deletion
from cli.aws.session import Session, Target
from teardown.receipt import Receipt
from teardown.remembered_names import RememberedNames
from teardown.scope import Scope
from teardown.teardown import Teardown
from tests.teardown.fake_sagemaker import FakeSageMaker
from tests.teardown.test_faults import finish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tests.teardown.embedded_account import EmbeddedAccount

LAB = "tagged"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.20-cpu-py312"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
OURS, OTHERS = {"bricklab:lab": LAB}, {"bricklab:lab": "other"}
GROUPS = {
    "TrainingJob": "TrainingJobs",
    "ProcessingJob": "ProcessingJobs",
    "TransformJob": "TransformJobs",
    "CompilationJob": "CompilationJobs",
    "LabelingJob": "LabelingJobs",
    "InferenceRecommendationsJob": "InferenceRecommendationsJobs",
    "NotebookInstance": "NotebookInstances",
}
STREAMS = {
    *((f"/aws/sagemaker/{group}", "theirs-1/algo-1") for group in GROUPS.values()),
    ("/aws/sagemaker/LabelingJobs", "theirs-1"),
}
OWN_GROUPS = {"/aws/sagemaker/Endpoints/theirs-1", "/aws/sagemaker/InferenceComponents/theirs-1"}


@pytest.fixture
def client(aws: EmbeddedAccount) -> Iterator[Callable[[str], Any]]:
    """Clients of an account in which everything that bears the lab's tag is called theirs-1, and has its logs."""
    account = FakeSageMaker()
    for type_name in ("Endpoint", "InferenceComponent", *GROUPS):
        account.add(type_name, "theirs-1", tags=OURS)
        account.add(type_name, "theirs-12", tags=OTHERS)
    for group, stream in STREAMS:
        aws.write(group, stream)
        aws.write(group, "theirs-12/algo-1")
    for group in OWN_GROUPS:
        aws.write(group)
        aws.write(f"{group}2")
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Statistic": "Sum", "Period": 60}
    trigger = {"EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
    for alarm, endpoint in (("hers", "theirs-1"), (f"{LAB}-ada-x-busy", f"{LAB}-ada-x"), ("another's", "theirs-12")):
        dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "v"}]
        aws.client("cloudwatch").put_metric_alarm(AlarmName=alarm, Dimensions=dimensions, **metric, **trigger)
    faked = {"sagemaker", "application-autoscaling", "resourcegroupstaggingapi"}
    yield lambda name: account.client(name) if name in faked else aws.client(name)
    account.close()


def logs(aws: EmbeddedAccount) -> set[tuple[str, str]]:
    """The groups and streams of SageMaker's."""
    found = aws.client("logs")
    groups = [
        each["logGroupName"] for each in found.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]
    ]
    return {
        *((group, "") for group in groups),
        *(
            (group, each["logStreamName"])
            for group in groups
            for each in found.describe_log_streams(logGroupName=group)["logStreams"]
        ),
    }


def test_its_logs_and_alarms_go_with_it(aws: EmbeddedAccount, client: Callable[[str], Any]) -> None:
    """The one that goes on knows the names, though what bore them has gone; what others named alike stays."""
    finish(Teardown(client, LAB).clear)
    second = Teardown(client, LAB)
    finish(second.sweep)
    assert second.receipt.clean
    left = logs(aws)
    assert not {(group, "") for group in OWN_GROUPS} & left
    assert not STREAMS & left
    assert {(f"{group}2", "") for group in OWN_GROUPS} <= left
    assert {(group, "theirs-12/algo-1") for group, _ in STREAMS} <= left
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert [each["AlarmName"] for each in alarms] == ["another's"]
    assert not aws.client("ssm").get_parameters_by_path(Path=f"/{LAB}", Recursive=True)["Parameters"]


def test_what_an_endpoint_captured_goes_with_it(aws: EmbeddedAccount) -> None:
    """It lies where the endpoint's config says, in anybody's bucket: what others captured there stays."""
    s3, sagemaker = aws.client("s3"), aws.client("sagemaker")
    session = Session(Target.EMBEDDED, {"AWS_ENDPOINT_URL": s3.meta.endpoint_url, **KEYS}, "000000000000", "us-east-1")
    s3.create_bucket(Bucket="anybodys")
    for key in ("captured/hers/v/1.jsonl", "captured/hers-too/v/1.jsonl"):
        s3.put_object(Bucket="anybodys", Key=key, Body=b"{}")
    sagemaker.create_model(ModelName="captured", PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=aws.role)
    sagemaker.create_endpoint_config(
        EndpointConfigName="captured",
        ProductionVariants=[
            {"VariantName": "v", "ModelName": "captured", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://anybodys/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
    )
    tags = [{"Key": key, "Value": value} for key, value in OURS.items()]
    sagemaker.create_endpoint(EndpointName="hers", EndpointConfigName="captured", Tags=tags)
    names, receipt = RememberedNames(session.client, LAB), Receipt()
    lab_deletion.note_captures(session, Scope(lab=LAB), names)
    lab_deletion.delete_captures(session, RememberedNames(session.client, LAB), receipt)
    assert [resource.name for resource in receipt.deleted] == ["s3://anybodys/captured/hers/"]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="anybodys")["Contents"]]
    assert keys == ["captured/hers-too/v/1.jsonl"]
