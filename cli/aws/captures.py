"""What endpoints captured of their requests: it lies in S3 below the endpoint's name, wherever its config says.

Source: SageMaker's guide, "Capture data from real-time endpoint": <destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.aws import buckets
from infra.handlers.bucket_contents.handler import ContentsError
from teardown.receipt import Resource
from teardown.remembered_names import CAPTURED

if TYPE_CHECKING:
    from cli.aws.session import Session
    from teardown.receipt import Receipt
    from teardown.remembered_names import RememberedNames
    from teardown.scope import Scope


def note(session: Session, scope: Scope, remembered: RememberedNames) -> None:
    """Keep, before the lab's endpoints go, where what they captured lies."""
    sagemaker = session.client("sagemaker")
    with suppress(ClientError):  # what can't be listed, the sweep will say
        pages = sagemaker.get_paginator("list_endpoints").paginate()
        for each in [each for page in pages for each in page["Endpoints"]]:
            with suppress(ClientError):  # gone meanwhile
                tags = sagemaker.list_tags(ResourceArn=each["EndpointArn"])["Tags"]
                if scope.has(each["EndpointName"], {tag["Key"]: tag["Value"] for tag in tags}):
                    _note(sagemaker, each["EndpointName"], remembered)


def _note(sagemaker: Any, endpoint: str, remembered: RememberedNames) -> None:
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    captured = described.get("DataCaptureConfig")  # which an endpoint has that serves
    if not captured:
        config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
        captured = config.get("DataCaptureConfig", {})
    if place := captured.get("DestinationS3Uri"):
        remembered.remember(CAPTURED, endpoint, f"{place.rstrip('/')}/{endpoint}/")


def delete(session: Session, remembered: RememberedNames, receipt: Receipt) -> None:
    """Delete what they captured; with the lab's own bucket most of it has gone."""
    there = {each["Name"] for each in session.client("s3").list_buckets()["Buckets"]}
    for place in remembered.of(CAPTURED).values():
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        if bucket not in there:
            continue
        resource = Resource("captured data", place)
        try:
            if session.client("s3").list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Versions"):
                receipt.found.add(resource)
                buckets.empty(session, bucket, prefix)
        except (ClientError, ContentsError) as error:
            receipt.keep(resource, str(error))
