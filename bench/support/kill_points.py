"""Snapshots of an embedded AWS's state at each of its writes, and what must hold of one that comes back from them."""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_HOOK = Path(__file__).parent / "snapshots"
_SETTLE_SECONDS = 120
_PASSING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting", "Pending", "Stopping", "InProgress")
_LISTS = (
    ("list_endpoints", "Endpoints", "EndpointArn", "EndpointStatus"),
    ("list_notebook_instances", "NotebookInstances", "NotebookInstanceArn", "NotebookInstanceStatus"),
    ("list_training_jobs", "TrainingJobSummaries", "TrainingJobArn", "TrainingJobStatus"),
    ("list_processing_jobs", "ProcessingJobSummaries", "ProcessingJobArn", "ProcessingJobStatus"),
    ("list_models", "Models", "ModelArn", ""),
    ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigArn", ""),
)


@dataclass(frozen=True)
class Acknowledged:
    """Something that a caller was told at a time, and how it is looked for; until another time, if it was undone."""

    what: str
    holds: Callable[[Client], bool]
    since: float
    until: float = float("inf")


class Client:
    """Clients of one embedded AWS."""

    def __init__(self, running: gateway.Gateway) -> None:
        self._running = running
        self._session = boto3.Session("test", "test", region_name=gateway.REGION)

    def __call__(self, service: str) -> Any:
        """Return a client of a service."""
        return self._session.client(service, endpoint_url=self._running.url)  # type: ignore[call-overload]  # any service's


def environment(snapshots: Path) -> dict[str, str]:
    """Return the variables with which an embedded AWS that is started leaves its snapshots there."""
    path = f"{paths.ROOT}:{_HOOK}"
    return {**tool_environment(), "PYTHONPATH": path, "EMBEDDED_AWS_SNAPSHOTS": str(snapshots)}


def points(snapshots: Path, most: int) -> list[Path]:
    """Return the snapshots in their order; evenly spread ones if there are more than so many."""
    found = sorted(path for path in snapshots.iterdir() if (path / "at").exists())
    if len(found) <= most:
        return found
    return [found[index * len(found) // most + index % 2] for index in range(most)]  # before one write, after another


def failures(point: Path, home: Path, acknowledged: Sequence[Acknowledged]) -> list[str]:
    """Start from a snapshot and return what does not hold, in words; nothing if all does."""
    shutil.copytree(point, home / "state", symlinks=True)
    at = float((home / "state" / "at").read_text())
    try:
        running = gateway.start(home, cache=paths.cache(), environment=tool_environment(), pace=0.1, port=0)
        client = Client(running)
        found = [*_settle(client), *_torn_objects(client), *_stack_resources(client)]
        told = (each for each in acknowledged if each.since <= at < each.until)
        return found + [f"{each.what} was acknowledged, and is not there" for each in told if not _holds(each, client)]
    except gateway.GatewayError as error:
        return [str(error)]
    finally:
        gateway.forget(home)


def _holds(told: Acknowledged, client: Client) -> bool:
    try:
        return told.holds(client)
    except ClientError:
        return False


def _settle(client: Client) -> Iterator[str]:
    """Wait until nothing is on its way; yield what stays so."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while left := [*_at_work(client)]:
        if time.monotonic() > deadline:
            yield from (f"{each} for {_SETTLE_SECONDS} seconds" for each in left)
            return
        time.sleep(0.1)


def _at_work(client: Client) -> Iterator[str]:
    for stack in client("cloudformation").describe_stacks()["Stacks"]:
        if stack["StackStatus"].endswith("_IN_PROGRESS") and not stack["StackStatus"].startswith("REVIEW"):
            yield f"stack {stack['StackName']} is {stack['StackStatus']}"
    for each, status in _sagemaker(client):
        if status in _PASSING:
            yield f"{each} is {status}"


def _sagemaker(client: Client) -> Iterator[tuple[str, str]]:
    for operation, member, arn, status in _LISTS:
        for page in client("sagemaker").get_paginator(operation).paginate():
            for each in page[member]:
                yield each[arn], each.get(status, "")


def _torn_objects(client: Client) -> Iterator[str]:
    """Yield the objects whose content is not that of their ETag or size."""
    s3 = client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            for each in page.get("Contents", []):
                content = s3.get_object(Bucket=bucket["Name"], Key=each["Key"])["Body"].read()
                etag = each["ETag"].strip('"')
                whole = "-" in etag or hashlib.md5(content, usedforsecurity=False).hexdigest() == etag
                if len(content) != each["Size"] or not whole:
                    yield f"s3://{bucket['Name']}/{each['Key']} is torn"


def _stack_resources(client: Client) -> Iterator[str]:
    """Yield what a stack says that it has and is not there, and what is a stack's by its tags and not among its own."""
    cloudformation, sagemaker = client("cloudformation"), client("sagemaker")
    there = dict(_sagemaker(client))
    owned: dict[str, set[str]] = {}
    for stack in cloudformation.describe_stacks()["Stacks"]:
        resources = cloudformation.describe_stack_resources(StackName=stack["StackName"])["StackResources"]
        ids = {each.get("PhysicalResourceId", "") for each in resources}
        owned[stack["StackId"]] = ids
        if stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
            for each in resources:
                if not _is_there(client, each["ResourceType"], each["PhysicalResourceId"], there):
                    yield f"{each['ResourceType']} {each['PhysicalResourceId']} of {stack['StackName']} is gone"
    for arn in there:
        tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        stack_id = tags.get("aws:cloudformation:stack-id")
        if stack_id and arn not in owned.get(stack_id, set()):
            yield f"{arn} is of a stack that does not know of it"


def _is_there(client: Client, kind: str, physical: str, sagemaker: dict[str, str]) -> bool:
    try:
        match kind:
            case "AWS::S3::Bucket":
                client("s3").head_bucket(Bucket=physical)
            case "AWS::IAM::Role":
                client("iam").get_role(RoleName=physical)
            case "AWS::Lambda::Function":
                code = client("lambda").get_function(FunctionName=physical)
                return bool(code["Configuration"]["CodeSize"])
            case "AWS::SNS::Topic":
                client("sns").get_topic_attributes(TopicArn=physical)
            case "AWS::Logs::LogGroup":
                found = client("logs").describe_log_groups(logGroupNamePrefix=physical)["logGroups"]
                return any(each["logGroupName"] == physical for each in found)
            case "AWS::KMS::Key":
                client("kms").describe_key(KeyId=physical)
            case "AWS::StepFunctions::StateMachine":
                client("stepfunctions").describe_state_machine(stateMachineArn=physical)
            case _ if kind.startswith("AWS::SageMaker::") and "Lifecycle" not in kind:
                return physical in sagemaker
    except ClientError:
        return False
    return True
