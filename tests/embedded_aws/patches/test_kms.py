"""What lies under which key: by a template, by a request, and by AWS's own choice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.services.sagemaker.calls import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = {"Fn::GetAtt": ["Key", "Arn"]}
UNDER_KEY = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}
TEMPLATE = {
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}}},
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"BucketEncryption": {"ServerSideEncryptionConfiguration": [UNDER_KEY]}},
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": KEY}},
    },
    "Outputs": {"Key": {"Value": KEY}, "Bucket": {"Value": {"Ref": "Bucket"}}, "Topic": {"Value": {"Ref": "Topic"}}},
}


def test_what_a_template_encrypts_is_encrypted(client: Callable[[str], Any]) -> None:
    """S3 and SNS name the template's key, for the bucket, each object in it, and the topic."""
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName="under-key", TemplateBody=json.dumps(TEMPLATE))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="under-key", WaiterConfig={"Delay": 0.1, "MaxAttempts": 200}
    )
    [stack] = cloudformation.describe_stacks(StackName="under-key")["Stacks"]
    made = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    s3 = client("s3")
    [rule] = s3.get_bucket_encryption(Bucket=made["Bucket"])["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == made["Key"]
    assert s3.put_object(Bucket=made["Bucket"], Key="brick", Body=b"2x4")["SSEKMSKeyId"] == made["Key"]
    topic = client("sns").get_topic_attributes(TopicArn=made["Topic"])["Attributes"]
    assert topic["KmsMasterKeyId"] == made["Key"]


def test_s3_has_a_key_of_its_own(client: Callable[[str], Any]) -> None:
    """Who asks for KMS and names no key gets `aws/s3`, made at its first use; the answers name it by its whole ARN."""
    s3, kms = client("s3"), client("kms")
    s3.create_bucket(Bucket="under-no-key")
    put = {"Bucket": "under-no-key", "Key": "brick", "ServerSideEncryption": "aws:kms"}
    made = s3.put_object(**put, Body=b"2x4")["SSEKMSKeyId"]
    described = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert (described["Arn"], described["KeyManager"], described["KeyState"]) == (made, "AWS", "Enabled")
    upload = s3.create_multipart_upload(**put)
    assert upload["SSEKMSKeyId"] == made
    assert s3.head_object(Bucket="under-no-key", Key="brick")["SSEKMSKeyId"] == made
    assert s3.copy_object(**put, CopySource="under-no-key/brick")["SSEKMSKeyId"] == made
    assert s3.put_object(**put, SSEKMSKeyId=described["KeyId"])["SSEKMSKeyId"] == made
    assert s3.put_object(**put, SSEKMSKeyId="alias/aws/s3")["SSEKMSKeyId"] == made
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket="under-no-key", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert s3.put_object(Bucket="under-no-key", Key="plate")["SSEKMSKeyId"] == made
    assert [alias["AliasName"] for alias in kms.list_aliases(KeyId=made)["Aliases"]] == ["alias/aws/s3"]


@pytest.mark.parametrize("operation", ["schedule_key_deletion", "disable_key", "enable_key"])
def test_nobody_changes_it(client: Callable[[str], Any], operation: str) -> None:
    """It is AWS's: no account can delete or disable it."""
    s3, kms = client("s3"), client("kms")
    s3.create_bucket(Bucket="for-ever")
    key = s3.put_object(Bucket="for-ever", Key="brick", ServerSideEncryption="aws:kms")["SSEKMSKeyId"]
    code, said = refusal(getattr(kms, operation), KeyId=key)
    assert (code, key in said) == ("AccessDeniedException", True)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
