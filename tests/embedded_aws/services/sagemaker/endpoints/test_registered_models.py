"""Endpoints of models that were registered: the version's containers serve, whatever becomes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.account import BUCKET, INFERENCE_IMAGE, Account, answering, archive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.gateway import Gateway

GROUP = {"ModelPackageGroupName": "registered"}


def specification(uri: str) -> dict[str, Any]:
    """Return an InferenceSpecification of the TensorFlow container with this artifact."""
    return {"Containers": [{"Image": INFERENCE_IMAGE, "ModelDataUrl": uri}]}


@pytest.fixture
def registry(account: Account) -> Iterator[Any]:
    """Yield a client of a registry with an empty group; both are gone afterwards."""
    account.sagemaker.create_model_package_group(**GROUP)
    yield account.sagemaker
    for each in account.sagemaker.list_model_packages(**GROUP)["ModelPackageSummaryList"]:
        account.sagemaker.delete_model_package(ModelPackageName=each["ModelPackageArn"])
    account.sagemaker.delete_model_package_group(**GROUP)


def test_a_version_serves(account: Account, registry: Any) -> None:
    """Its containers answer, and another specification of it, also once the version is gone."""
    uris = [account.put(f"registered/{factor}.tar.gz", archive(answering(factor))) for factor in (2.0, 3.0)]
    arn = registry.create_model_package(
        **GROUP,
        InferenceSpecification=specification(uris[0]),
        AdditionalInferenceSpecifications=[{"Name": "other", **specification(uris[1])}],
        ModelApprovalStatus="Approved",
    )["ModelPackageArn"]
    containers = ({"ModelPackageName": arn}, {"ModelPackageName": arn, "InferenceSpecificationName": "other"})
    for number, container in enumerate(containers):
        name = f"registered-{number}"
        registry.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=account.role)
    registry.delete_model_package(ModelPackageName=arn)
    endpoint = account.endpoint(account.config("registered-0", "registered-1"))
    answers = [
        account.invoke(endpoint, {"instances": [[1, 2, 3]]}, TargetVariant=variant)["predictions"]
        for variant in ("v0", "v1")
    ]
    assert answers == [[[12.0]], [[18.0]]]


def test_a_version_needs_its_model_data(registry: Any) -> None:
    """An artifact that is not there is refused when the version is registered."""
    uri = f"s3://{BUCKET}/registered/nothing.tar.gz"
    with pytest.raises(ClientError, match=f"Could not find model data at {uri}."):
        registry.create_model_package(**GROUP, InferenceSpecification=specification(uri))
    assert registry.list_model_packages(**GROUP)["ModelPackageSummaryList"] == []


def test_who_may_approve(account: Account, registry: Any, embedded: Gateway) -> None:
    """A group's policy lets in whom no policy of their own does, and keeps out whom theirs lets in."""
    arn = registry.create_model_package(**GROUP, InferenceSpecification=specification(account.put("a.tar.gz", b"")))[
        "ModelPackageArn"
    ]
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = account.iam.create_role(RoleName="approver", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    keys = account.sts.assume_role(RoleArn=role, RoleSessionName="approver")["Credentials"]
    approver = boto3.client(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url=embedded.url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )

    def put(effect: str, **more: Any) -> None:
        statement = {
            "Effect": effect,
            "Principal": {"AWS": role},
            "Action": ["sagemaker:UpdateModelPackage", "sagemaker:DescribeModelPackage"],
            "Resource": f"{arn.rpartition('/')[0]}/*",
            **more,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        registry.put_model_package_group_policy(**GROUP, ResourcePolicy=policy)

    def approve(status: Any = "Approved") -> None:
        approver.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status)

    with pytest.raises(ClientError, match="no identity-based policy allows the sagemaker:UpdateModelPackage action"):
        approve()
    put("Allow", Condition={"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}})
    approve()
    with pytest.raises(ClientError, match="is not authorized"):
        approve("Rejected")
    mine = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}]}
    account.iam.put_role_policy(RoleName="approver", PolicyName="all", PolicyDocument=json.dumps(mine))
    approve("Rejected")
    put("Deny")
    with pytest.raises(ClientError, match="with an explicit deny in a resource-based policy"):
        approve()
    assert registry.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] == "Rejected"
    approver.close()
