"""CloudFormation makes buckets and topics under the keys that their templates name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
