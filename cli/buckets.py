"""A lab's buckets whose stack could not empty or delete them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli import stacks
from infra.handlers.bucket_contents.handler import BucketContents, ContentsError
from infra.handlers.teardown.receipt import Thing
from infra.handlers.teardown.scope import TAG

if TYPE_CHECKING:
    from cli.place import Place
    from infra.handlers.teardown.receipt import Receipt


def empty_stuck(here: Place, lab: str) -> None:
    """Empty the buckets of stacks whose deletion failed: the function that does it may be gone or broken."""
    client = here.client("cloudformation")
    for stack in stacks.of_lab(here, lab):
        if stack.status == "DELETE_FAILED":
            pages = client.get_paginator("list_stack_resources").paginate(StackName=stack.name)
            found = [each for page in pages for each in page["StackResourceSummaries"]]
            for each in found:
                # One that was never made has no name.
                if each["ResourceType"] == "AWS::S3::Bucket" and (name := each.get("PhysicalResourceId")):
                    with contextlib.suppress(ClientError, ContentsError):  # the stack's deletion will say why it stays
                        _empty(here, name)


def delete_left(here: Place, lab: str, receipt: Receipt) -> None:
    """Empty and delete the buckets that bear the lab's tag when its stacks have gone."""
    pages = here.client("resourcegroupstaggingapi").get_paginator("get_resources")
    tagged = pages.paginate(ResourceTypeFilters=["s3"], TagFilters=[{"Key": TAG, "Values": [lab]}])
    named = [each["ResourceARN"].rpartition(":")[2] for page in tagged for each in page["ResourceTagMappingList"]]
    there = {each["Name"] for each in here.client("s3").list_buckets()["Buckets"]}  # the tags' index is late
    for name in (name for name in named if name in there):
        receipt.found.add(Thing("bucket", name))
        try:
            _empty(here, name)
            here.client("s3").delete_bucket(Bucket=name)
        except (ClientError, ContentsError) as error:  # its policy forbids it, or its objects are locked
            receipt.keep(Thing("bucket", name), str(error))


def _empty(here: Place, name: str) -> None:
    contents = BucketContents(here.client("s3"))
    event = {"RequestType": "Delete", "PhysicalResourceId": name, "ResourceProperties": {"Bucket": name}}
    while not contents.is_complete(event)["IsComplete"]:
        pass
