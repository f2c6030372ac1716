"""What students made in SageMaker, in no stack: found by the prefix of its names, ended and deleted."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cli import screen
from cli.errors import LabError
from cli.watch import LOG_GROUP as TRAINING_LOGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cli.place import Place

NOTEBOOK_LOGS = "/aws/sagemaker/NotebookInstances"
ENDPOINT_LOGS = "/aws/sagemaker/Endpoints"
_POLL_SECONDS = 1.0
_SECONDS = 1800  # an endpoint that is being created or updated can't be deleted before it has settled
# DeleteEndpoint's condition, and the states of a job that has ended. Source: SageMaker's API reference.
_SETTLED = {"InService", "OutOfService", "Failed", "UpdateRollbackFailed"}
_ENDED = {"Completed", "Failed", "Stopped"}


def end(here: Place, prefixes: Iterable[str]) -> None:
    """Sweep each prefix, and show what that came to, unless it was nothing."""
    with screen.step("students' work", quiet=True) as retitle:
        started = time.monotonic()
        gone = [thing for prefix in prefixes for thing in sweep(here, prefix, retitle)]
    if gone:
        screen.done(f"students' work deleted: {len(gone)} things", time.monotonic() - started)


def sweep(here: Place, prefix: str, notice: Callable[[str], None]) -> list[str]:
    """Delete everything whose name begins with the prefix, what costs most first; what was deleted, a line each.

    A second call finds nothing. Raises LabError for what does not end within half an hour.
    """
    client = here.client("sagemaker")
    gone = [*_endpoints(client, prefix, notice), *_jobs(client, prefix, notice)]
    for kind, listed in (("endpoint_config", "EndpointConfigs"), ("model", "Models")):
        member = "".join(word.title() for word in kind.split("_")) + "Name"
        for name in _names(client, f"{kind}s", listed, member, prefix):
            getattr(client, f"delete_{kind}")(**{member: name})
            gone.append(f"{kind.replace('_', ' ')} {name}")
    return gone


def delete_logs(here: Place, prefix: str) -> None:
    """Delete the log groups and streams that SageMaker wrote for names that begin with the prefix."""
    logs = here.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{ENDPOINT_LOGS}/{prefix}"):
        for group in page["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])
    # An instance's streams are `<instance>/…`, and the instance is called like the prefix without its last hyphen.
    for group, beginning in ((TRAINING_LOGS, prefix), (NOTEBOOK_LOGS, f"{prefix.removesuffix('-')}/")):
        for stream in list(streams(logs, group, beginning)):
            logs.delete_log_stream(logGroupName=group, logStreamName=stream)


def streams(logs: Any, group: str, beginning: str) -> Iterator[str]:
    """The names of a group's streams that begin so; none if there is no such group."""
    with suppress(logs.exceptions.ResourceNotFoundException):
        pages = logs.get_paginator("describe_log_streams")
        for page in pages.paginate(logGroupName=group, logStreamNamePrefix=beginning):
            yield from (stream["logStreamName"] for stream in page["logStreams"])


def _endpoints(client: Any, prefix: str, notice: Callable[[str], None]) -> list[str]:
    names = _names(client, "endpoints", "Endpoints", "EndpointName", prefix)

    def status(name: str) -> str | None:
        found = client.list_endpoints(NameContains=name)["Endpoints"]
        return next((each["EndpointStatus"] for each in found if each["EndpointName"] == name), None)

    for name in names:
        _wait(f"endpoint {name}", lambda name=name: status(name) in {*_SETTLED, None}, notice)  # type: ignore[misc]
        if status(name):
            client.delete_endpoint(EndpointName=name)
    for name in names:
        _wait(f"endpoint {name}", lambda name=name: status(name) is None, notice)  # type: ignore[misc]
    return [f"endpoint {name}" for name in names]


def _jobs(client: Any, prefix: str, notice: Callable[[str], None]) -> list[str]:
    names = _names(client, "training_jobs", "TrainingJobSummaries", "TrainingJobName", prefix)

    def status(name: str) -> str:
        return str(client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"])

    for name in names:
        if status(name) == "InProgress":
            client.stop_training_job(TrainingJobName=name)
    for name in names:
        _wait(f"training job {name}", lambda name=name: status(name) in _ENDED, notice)  # type: ignore[misc]
        client.delete_training_job(TrainingJobName=name)
    return [f"training job {name}" for name in names]


def _names(client: Any, kind: str, listed: str, member: str, prefix: str) -> list[str]:
    """NameContains finds the prefix anywhere in a name: what does not begin with it is somebody else's."""
    pages = client.get_paginator(f"list_{kind}").paginate(NameContains=prefix)
    return [each[member] for page in pages for each in page[listed] if each[member].startswith(prefix)]


def _wait(what: str, over: Callable[[], bool], notice: Callable[[str], None]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not over():
        if time.monotonic() > deadline:
            raise LabError(f"{what} has not ended within half an hour: look at it in SageMaker, then try again.")
        notice(f"waiting for {what}")
        time.sleep(_POLL_SECONDS)
