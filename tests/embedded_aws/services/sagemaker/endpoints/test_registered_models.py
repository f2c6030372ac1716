"""Endpoints of models that were registered: the version's containers serve, whatever becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.account import BUCKET, INFERENCE_IMAGE, Account, answering, archive

if TYPE_CHECKING:
    from collections.abc import Iterator

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
