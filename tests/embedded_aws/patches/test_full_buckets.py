"""A bucket that is not empty outlives its stack's deletion, as on AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = {"StackName": "full-bucket"}
QUICK = {"Delay": 0.1, "MaxAttempts": 200}
BUCKET = {
    "Type": "AWS::S3::Bucket",
    "Properties": {"BucketName": "full-bucket", "VersioningConfiguration": {"Status": "Enabled"}},
}


def test_a_stack_cannot_delete_a_bucket_that_is_not_empty(client: Callable[[str], Any]) -> None:
    """A version below a delete marker is enough; CloudFormation says so, and finishes when the bucket is empty."""
    cloudformation, s3 = client("cloudformation"), client("s3")
    cloudformation.create_stack(**NAME, TemplateBody=json.dumps({"Resources": {"Bucket": BUCKET}}))
    cloudformation.get_waiter("stack_create_complete").wait(**NAME, WaiterConfig=QUICK)
    s3.put_object(Bucket="full-bucket", Key="photo", Body=b"")
    s3.delete_object(Bucket="full-bucket", Key="photo")
    cloudformation.delete_stack(**NAME)
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_delete_complete").wait(**NAME, WaiterConfig=QUICK)
    [bucket] = cloudformation.describe_stack_resources(**NAME)["StackResources"]
    assert bucket["ResourceStatus"] == "DELETE_FAILED"
    assert "The bucket you tried to delete is not empty" in bucket["ResourceStatusReason"]
    found = s3.list_object_versions(Bucket="full-bucket")
    versions = [
        {"Key": "photo", "VersionId": each["VersionId"]} for each in [*found["Versions"], *found["DeleteMarkers"]]
    ]
    s3.delete_objects(Bucket="full-bucket", Delete={"Objects": versions})
    cloudformation.delete_stack(**NAME)
    cloudformation.get_waiter("stack_delete_complete").wait(**NAME, WaiterConfig=QUICK)
    assert "full-bucket" not in {each["Name"] for each in s3.list_buckets()["Buckets"]}
    s3.close()
