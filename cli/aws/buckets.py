"""S3 buckets and objects that a lab leaves: what its stacks could not delete, and its jobs' in the SDK's own bucket."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli.aws import stacks
from teardown import refusals
from teardown.buckets import ContentsError, empty
from teardown.names import LAB_TAG
from teardown.receipt import Resource
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from cli.aws.session import Session
    from teardown.receipt import Receipt
    from teardown.scope import Scope

_ROOTS = ("", "async-endpoint-inputs/", "async-endpoint-outputs/", "async-endpoint-failures/")


def empty_stuck(session: Session, lab: str) -> None:
    """Empty the buckets of stacks whose deletion failed: the function that does it may be gone or broken."""
    client = session.client("cloudformation")
    for stack in stacks.of_lab(session, lab):
        if stack.status == "DELETE_FAILED":
            pages = client.get_paginator("list_stack_resources").paginate(StackName=stack.name)
            found = [each for page in pages for each in page["StackResourceSummaries"]]
            for each in found:
                # One that was never made has no name.
                if each["ResourceType"] == "AWS::S3::Bucket" and (name := each.get("PhysicalResourceId")):
                    with contextlib.suppress(ClientError, ContentsError):  # the stack's deletion will say why it stays
                        empty(session.client("s3"), name)


def delete_left(session: Session, lab: str, receipt: Receipt) -> None:
    """Empty and delete the buckets that bear the lab's tag when its stacks have gone."""
    pages = session.client("resourcegroupstaggingapi").get_paginator("get_resources")
    tagged = pages.paginate(ResourceTypeFilters=["s3"], TagFilters=[{"Key": LAB_TAG, "Values": [lab]}])
    named = [each["ResourceARN"].rpartition(":")[2] for page in tagged for each in page["ResourceTagMappingList"]]
    there = {each["Name"] for each in session.client("s3").list_buckets()["Buckets"]}  # the tags' index is late
    for name in (name for name in named if name in there):
        receipt.found.add(Resource("bucket", name))
        try:
            empty(session.client("s3"), name)
            with refusals.suppress(Refusal.GONE):  # the answer got lost
                session.client("s3").delete_bucket(Bucket=name)
        except (ClientError, ContentsError) as error:  # its policy forbids it, or its objects are locked
            receipt.keep(Resource("bucket", name), str(error))


def sweep_default(session: Session, scope: Scope, receipt: Receipt) -> None:
    """Delete what jobs of the scope left in the bucket that the SageMaker SDK makes for an account, and nothing else.

    It is shared by all that use the SDK there: what begins with a job's name is that job's; requests to asynchronous
    endpoints, answers and failures lie in folders of theirs, under the endpoint's or the model's name. Sources:
    sagemaker.core.helper.session_helper, `default_bucket`; sagemaker.serve, `AsyncPredictor` and `ModelBuilder`.
    """
    s3, bucket = session.client("s3"), f"sagemaker-{session.region}-{session.account}"
    if bucket not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
        return
    own = scope.prefix.removesuffix("-")
    listing = s3.get_paginator("list_objects_v2")
    pages = [page for root in _ROOTS for page in listing.paginate(Bucket=bucket, Prefix=f"{root}{own}", Delimiter="/")]
    folders = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    for name in (name for name in [*folders, *keys] if scope.names(name.removesuffix("/").rpartition("/")[2])):
        resource = Resource("S3 objects", f"s3://{bucket}/{name}")
        receipt.found.add(resource)
        try:
            if name in folders:
                empty(s3, bucket, name)
            else:
                s3.delete_object(Bucket=bucket, Key=name)
        except (ClientError, ContentsError) as error:
            receipt.keep(resource, str(error))
