"""The registry of a lab that has ended is gone, on the running embedded AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from teardown.receipt import Receipt
from teardown.sagemaker import SageMakerSweep
from tests.embedded_aws.services.sagemaker import calls
from tests.teardown.test_resource_types import OURS, SCOPE, finish

if TYPE_CHECKING:
    from collections.abc import Callable


def test_what_a_lab_has_registered_goes(client: Callable[[str], Any]) -> None:
    """Groups by name and by tag, with their versions, packages without a group, and cards; others' stay."""
    sagemaker = client("sagemaker")
    tags = [{"Key": key, "Value": value} for key, value in OURS.items()]
    calls.group(sagemaker, "trap-ada-g")
    calls.group(sagemaker, "Somebodys", Tags=tags)
    calls.group(sagemaker, "another")
    for group in ("trap-ada-g", "trap-ada-g", "somebodys", "another"):
        calls.version(sagemaker, group)
    calls.package(sagemaker, "trap-ada-p")
    calls.card(sagemaker, "trap-ada-c")
    receipt = Receipt()
    finish(SageMakerSweep(client, SCOPE, receipt, only_stackless=False).step)
    assert receipt.clean
    assert len(receipt.deleted) == 7
    left = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert {each["ModelPackageGroupName"] for each in left} & {"trap-ada-g", "Somebodys", "another"} == {"another"}
    kept = sagemaker.list_model_packages(ModelPackageType="Both", MaxResults=100)["ModelPackageSummaryList"]
    assert [each["ModelPackageArn"] for each in kept if "another" in each["ModelPackageArn"]]
    assert not [each for each in kept if "trap-" in each["ModelPackageArn"] or "somebodys" in each["ModelPackageArn"]]
    sagemaker.delete_model_package(ModelPackageName="another/1")
    sagemaker.delete_model_package_group(ModelPackageGroupName="another")
