"""Which SageMaker instances the account uses besides the lab's own, counted as SageMaker's quotas count.

What counts: notebook instances until they have stopped, training jobs until they have ended, endpoints unless they
failed or are going. Not compared with AWS: when exactly an instance stops counting.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cli.checks.finding import Subject

ENDPOINT, NOTEBOOK, TRAINING = "endpoint", "notebook instance", "training job"
_AT_ONCE = 8
_AT_REST = {"Stopped", "Failed", "Deleting"}
_WITHOUT_INSTANCES = {"Failed", "OutOfService", "Deleting"}
_AT_WORK = ("InProgress", "Stopping")

Usage = Counter[tuple[str, str]]  # instance type, use -> instances


def of_others(subject: Subject) -> Usage:
    """What runs in the account and region and is not the lab's."""
    sagemaker = subject.here.client("sagemaker")
    used: Usage = Counter()
    for each in _listed(sagemaker, "list_notebook_instances", "NotebookInstances"):
        if not subject.owns(each["NotebookInstanceName"]) and each["NotebookInstanceStatus"] not in _AT_REST:
            used[each["InstanceType"], NOTEBOOK] += 1
    serving = [
        each["EndpointName"]
        for each in _listed(sagemaker, "list_endpoints", "Endpoints")
        if not subject.owns(each["EndpointName"]) and each["EndpointStatus"] not in _WITHOUT_INSTANCES
    ]
    training = [
        each["TrainingJobName"]
        for status in _AT_WORK
        for each in _listed(sagemaker, "list_training_jobs", "TrainingJobSummaries", StatusEquals=status)
        if not subject.owns(each["TrainingJobName"])
    ]
    used.update(_each(serving, lambda name: _endpoint(sagemaker, name)))
    used.update(_each(training, lambda name: _job(sagemaker, name)))
    return used


def _listed(sagemaker: Any, operation: str, member: str, **only: str) -> list[dict[str, Any]]:
    return [each for page in sagemaker.get_paginator(operation).paginate(**only) for each in page[member]]


def _endpoint(sagemaker: Any, name: str) -> Usage:
    described = sagemaker.describe_endpoint(EndpointName=name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    now = {each["VariantName"]: each.get("CurrentInstanceCount") for each in described.get("ProductionVariants", ())}
    used: Usage = Counter()
    for each in [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]:
        if "InstanceType" in each:  # a serverless variant uses none
            count = now.get(each["VariantName"]) or each.get("InitialInstanceCount", 1)
            used[each["InstanceType"], ENDPOINT] += count
    return used


def _job(sagemaker: Any, name: str) -> Usage:
    resources = sagemaker.describe_training_job(TrainingJobName=name)["ResourceConfig"]
    groups = resources.get("InstanceGroups") or [resources]
    used: Usage = Counter()
    for each in groups:
        if "InstanceType" in each:
            used[each["InstanceType"], TRAINING] += each["InstanceCount"]
    return used


def _each(names: Iterable[str], describe: Callable[[str], Usage]) -> Usage:
    """What they use together; what has gone meanwhile uses nothing."""

    def used(name: str) -> Usage:
        try:
            return describe(name)
        except ClientError:
            return Counter()

    total: Usage = Counter()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for counted in pool.map(used, names):
            total.update(counted)
    return total
