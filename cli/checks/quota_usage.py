"""SageMaker instances that the account uses besides the lab's own, counted as SageMaker's quotas count.

What counts: notebook instances until they have stopped, jobs until they have ended and their warm pools too, endpoints
unless they failed or are going. Over all types, notebook instances count as long as they are there: so counts AWS's own
`rain forecast`.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from cli.aws import instance_counts
from cli.aws.instance_counts import (
    ENDPOINT_WITHOUT_INSTANCES,
    JOB_WITH_INSTANCES,
    JOBS,
    NOTEBOOK_WITHOUT_INSTANCE,
    TRAINING,
    JobType,
)
from teardown import refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cli.checks.result import Deployment

ENDPOINT, NOTEBOOK = "endpoint", "notebook instance"
SERVERLESS = "serverless"  # requests at once, and no instances
_AT_ONCE = 8

ALL = ""  # in the place of an instance type

Usage = Counter[tuple[str, str]]  # instance type or ALL, use -> instances


def of_others(deployment: Deployment) -> Usage:
    """Count what runs in the account and region and is not the lab's."""
    return count(deployment.session.client("sagemaker"), lambda name: not deployment.owns(name))


def count(sagemaker: Any, counts: Callable[[str], bool] = lambda _: True) -> Usage:
    """Count what runs in the account and region, of the resources whose names are to count."""
    used: Usage = Counter()
    for each in _listed(sagemaker, "list_notebook_instances", "NotebookInstances"):
        if counts(each["NotebookInstanceName"]):
            used[ALL, NOTEBOOK] += 1
            used[each["InstanceType"], NOTEBOOK] += each["NotebookInstanceStatus"] not in NOTEBOOK_WITHOUT_INSTANCE
    serving = [
        each["EndpointName"]
        for each in _listed(sagemaker, "list_endpoints", "Endpoints")
        if counts(each["EndpointName"]) and each["EndpointStatus"] not in ENDPOINT_WITHOUT_INSTANCES
    ]
    used.update(_each(serving, partial(_endpoint, sagemaker)))
    for kind in JOBS:
        listings = [{"StatusEquals": status} for status in JOB_WITH_INSTANCES]
        if kind is TRAINING:
            listings.append({"WarmPoolStatusEquals": "Available"})
        names = {name for only in listings for name in kind.listed(sagemaker, **only) if counts(name)}
        used.update(_each(names, partial(_job, sagemaker, kind)))
    for (_, use), count in list(used.items()):
        used[ALL, use] += count if use not in {NOTEBOOK, SERVERLESS} else 0
    return used


def _listed(sagemaker: Any, operation: str, member: str) -> list[dict[str, Any]]:
    return [each for page in sagemaker.get_paginator(operation).paginate() for each in page[member]]


def _endpoint(sagemaker: Any, name: str) -> Usage:
    described = sagemaker.describe_endpoint(EndpointName=name)
    found = instance_counts.of_endpoint(sagemaker, described)
    used: Usage = Counter({(instance_type, ENDPOINT): count for instance_type, count in found.items()})
    used[ALL, SERVERLESS] += sum(most for _, _, most in instance_counts.serverless_of_endpoint(described))
    return used


def _job(sagemaker: Any, kind: JobType, name: str) -> Usage:
    described = kind.describe(sagemaker, name)
    use = f"spot {kind.name}" if described.get("EnableManagedSpotTraining") else kind.name
    return Counter({(instance_type, use): count for instance_type, count in kind.instances(described).items()})


def _each(names: Iterable[str], describe: Callable[[str], Usage]) -> Usage:
    """Count what they use together; what has gone meanwhile uses nothing."""

    def used(name: str) -> Usage:
        with refusals.suppress(Refusal.GONE):
            return describe(name)
        return Counter()

    total: Usage = Counter()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for counted in pool.map(used, names):
            total.update(counted)
    return total
