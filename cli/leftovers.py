"""What outlives the stacks: logs that SageMaker wrote, and whatever else still bears the lab's name."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli import seat, stacks
from cli.students_work import ENDPOINT_LOGS, NOTEBOOK_LOGS, streams
from cli.watch import LOG_GROUP as TRAINING_LOGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.place import Place


def own_log_groups(here: Place, lab: str) -> list[str]:
    """The log groups that the lab's stacks declare; a function that ends late can write one anew after its deletion."""
    client = here.client("cloudformation")
    pages = client.get_paginator("list_stack_resources")
    return [
        resource["PhysicalResourceId"]
        for stack in stacks.of_lab(here, lab)
        for page in pages.paginate(StackName=stack.name)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::Logs::LogGroup" and "PhysicalResourceId" in resource
    ]


def delete_logs(here: Place, lab: str, declared: Iterable[str]) -> None:
    """Delete the log streams of the lab's jobs and notebooks, its endpoints' groups, and what came back of `declared`.

    SageMaker makes them, no stack knows them (https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html);
    the jobs' and the notebooks' group are shared with every other one of the account and stay.
    """
    logs = here.client("logs")
    for group in declared:
        with suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=group)
    for group, stream in list(_streams(logs, lab)):
        logs.delete_log_stream(logGroupName=group, logStreamName=stream)
    for group in _endpoint_groups(logs, lab):
        logs.delete_log_group(logGroupName=group)


def find(here: Place, lab: str) -> list[str]:
    """Everything of the lab that still is there, a line each; a finished training job is a record, not a cost."""
    sagemaker, logs = here.client("sagemaker"), here.client("logs")
    jobs = sagemaker.get_paginator("list_training_jobs").paginate(NameContains=f"{lab}-", StatusEquals="InProgress")
    endpoints = sagemaker.get_paginator("list_endpoints").paginate(NameContains=lab)
    running = [job["TrainingJobName"] for page in jobs for job in page["TrainingJobSummaries"]]
    serving = [endpoint["EndpointName"] for page in endpoints for endpoint in page["Endpoints"]]
    return [
        *(f"stack {stack.name} ({stack.status})" for stack in stacks.of_lab(here, lab)),
        *(f"training job {name}" for name in running if _is_of(name, lab)),
        *(f"endpoint {name}" for name in serving if _is_of(name, lab)),
        *(f"notebook instance {name}" for name in seat.notebooks(here, lab)),
        *(f"log group {group}" for group in _endpoint_groups(logs, lab)),
        *(f"log stream {group}/{stream}" for group, stream in _streams(logs, lab)),
    ]


def keys_in_waiting(here: Place, lab: str) -> list[str]:
    """The lab's KMS keys that wait for their deletion, each with the date of it."""
    kms = here.client("kms")
    found = []
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            described = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if described["KeyState"] == "PendingDeletion" and _tagged(kms, key["KeyId"], lab):
                found.append(f"{key['KeyId']} until {described['DeletionDate']:%Y-%m-%d}")
    return found


def _tagged(kms: Any, key: str, lab: str) -> bool:
    try:
        tags = kms.list_resource_tags(KeyId=key)["Tags"]
    except ClientError:  # another team's key: its policy does not let us look
        return False
    return {"TagKey": stacks.TAG, "TagValue": lab} in tags


def _is_of(name: str, lab: str) -> bool:
    return name == lab or name.startswith(f"{lab}-")


def _streams(logs: Any, lab: str) -> Iterator[tuple[str, str]]:
    """Group and name of each."""
    for group in (TRAINING_LOGS, NOTEBOOK_LOGS):
        yield from ((group, stream) for stream in streams(logs, group, f"{lab}-"))


def _endpoint_groups(logs: Any, lab: str) -> list[str]:
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{ENDPOINT_LOGS}/{lab}")
    names = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    return [name for name in names if _is_of(name.removeprefix(f"{ENDPOINT_LOGS}/"), lab)]
