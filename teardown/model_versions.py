"""The versions of a model package group, which have to go before it: SageMaker deletes no group with versions in it."""

from __future__ import annotations

from typing import Any

from teardown import refusals
from teardown.refusals import Refusal


def delete(sagemaker: Any, group: str) -> bool:
    """Ask for the deletion of a group's versions, whoever registered them; return whether there were none."""
    arns: list[str] = []
    with refusals.suppress(Refusal.GONE):
        pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
        arns = [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]
    for arn in arns:
        with refusals.suppress(Refusal.GONE):
            sagemaker.delete_model_package(ModelPackageName=arn)
    return not arns
