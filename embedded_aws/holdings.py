"""List what is in the account of an embedded AWS, as its owner wants to see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.gateway import Gateway

# What runs of SageMaker: how people call it, the operation, its member, the member of the name, the status.
_SAGEMAKER = (
    ("endpoints", "list_endpoints", "Endpoints", "EndpointName", "InService"),
    (
        "notebook instances",
        "list_notebook_instances",
        "NotebookInstances",
        "NotebookInstanceName",
        "InService",
    ),
    ("training jobs that run", "list_training_jobs", "TrainingJobSummaries", "TrainingJobName", "InProgress"),
    ("processing jobs that run", "list_processing_jobs", "ProcessingJobSummaries", "ProcessingJobName", "InProgress"),
    ("transform jobs that run", "list_transform_jobs", "TransformJobSummaries", "TransformJobName", "InProgress"),
    (
        "tuning jobs that run",
        "list_hyper_parameter_tuning_jobs",
        "HyperParameterTuningJobSummaries",
        "HyperParameterTuningJobName",
        "InProgress",
    ),
)


def of(gateway: Gateway) -> dict[str, list[str]]:
    """Return the names of its stacks, its buckets, and what runs of SageMaker; only of what there is any."""
    return {what: names for what, names in _every(gateway) if names}


def _every(gateway: Gateway) -> Iterator[tuple[str, list[str]]]:
    variables = gateway.environment({})
    session = boto3.Session("test", "test", region_name=variables["AWS_REGION"])

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=gateway.url, verify=variables["AWS_CA_BUNDLE"])  # type: ignore[call-overload]  # any service's name

    stacks = client("cloudformation").get_paginator("describe_stacks").paginate()
    yield "stacks", [stack["StackName"] for page in stacks for stack in page["Stacks"]]
    yield "buckets", [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    sagemaker = client("sagemaker")
    for what, operation, member, name, status in _SAGEMAKER:
        pages = sagemaker.get_paginator(operation).paginate(StatusEquals=status)
        yield what, [one[name] for page in pages for one in page[member]]
