"""Versions that can't serve, and those that others have registered, in states that a lab's own are not in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cli.aws import model_serving
from cli.aws.models import Models
from cli.ui.errors import LabError
from infra.settings import Settings

if TYPE_CHECKING:
    from tests.cli.conftest import Wire

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/brick/{}"
FEATURES = {"Image": "1.dkr.ecr/tensorflow-inference:2.20", "ModelDataUrl": "s3://b/features/model.tar.gz"}
XGBOOST = {"Image": "1.dkr.ecr/sagemaker-xgboost:3.2", "ModelDataUrl": "s3://b/training/new/model.tar.gz"}


def version(number: int, *containers: dict[str, str], **members: Any) -> dict[str, Any]:
    """DescribeModelPackage's answer."""
    made = {"InferenceSpecification": {"Containers": list(containers)}} if containers else {}
    return {
        "ModelPackageArn": ARN.format(number),
        "ModelPackageVersion": number,
        "ModelApprovalStatus": "Approved",
        "CreationTime": 0,
        **made,
        **members,
    }


def models(wire: Wire, *found: dict[str, Any], served: list[dict[str, str]]) -> Models:
    """The lab's versions, and the containers that its endpoint serves from."""
    known = {each["ModelPackageArn"]: each for each in found}
    wire.answers["ListModelPackages"] = {"ModelPackageSummaryList": list(found)}
    wire.answers["DescribeModelPackage"] = lambda request: known[request["ModelPackageName"]]
    made = Models(wire.session(), Settings(name="brick"))
    made.served = served
    return made


OLDER = {**XGBOOST, "ModelDataUrl": "s3://b/training/old/model.tar.gz"}


@pytest.mark.parametrize(
    ("containers", "said"),
    [
        ([{**FEATURES, "ModelDataUrl": "s3://b/training/network.tar.gz"}], "is of another algorithm"),
        ([{**FEATURES, "ModelDataUrl": "s3://b/features/others.tar.gz"}, OLDER], "takes other features"),
        ([], "names no artifact"),
        ([FEATURES, XGBOOST], "serves already"),
    ],
)
def test_what_can_t_serve_is_told_before_anything_changes(
    wire: Wire, containers: list[dict[str, str]], said: str
) -> None:
    """A new artifact alone reaches the endpoint: neither other images nor another model of features."""
    found = models(wire, version(1, *containers), served=[FEATURES, XGBOOST])
    with pytest.raises(LabError, match=said):
        model_serving.serve(found, found.version("1"), lambda _: None)
    assert wire.asked.keys() == {"ListModelPackages", "DescribeModelPackage"}


def test_a_version_is_known_by_its_package_too(wire: Wire) -> None:
    """A model that somebody made of the version names no artifact; the newest of equal artifacts is the one shown."""
    found = models(wire, version(1, XGBOOST), version(2, XGBOOST), served=[{"ModelPackageName": ARN.format(1)}])
    assert [each.number for each in found if found.serves(each)] == [1]
    found.served = [XGBOOST]
    serving = found.serving()
    assert serving
    assert serving.number == 2


def test_a_rollback_passes_over_what_is_no_older_model(wire: Wire) -> None:
    """Rejected versions, those of another algorithm, and the same artifact registered twice."""
    old = version(1, FEATURES, OLDER)
    others = [
        version(2, {**FEATURES, "ModelDataUrl": "s3://b/training/network.tar.gz"}),
        version(3, FEATURES, OLDER, ModelApprovalStatus="Rejected"),
        version(4, FEATURES, XGBOOST),
        version(5, FEATURES, XGBOOST),
    ]
    assert model_serving.before(models(wire, old, *others, served=[FEATURES, XGBOOST])).number == 1


HASH = "4f1c2a9d03b7e685"


def test_the_hash_of_an_answer_leads_to_its_version(wire: Wire) -> None:
    """The newest that bears it, by what is written down with each: no artifact is read."""
    known = {"TrainingJobName": "job", "Data": "d" * 64, "Code": "c" * 64}
    bearing = [
        version(1, XGBOOST, CustomerMetadataProperties={**known, "Model": HASH}),
        version(2, XGBOOST, CustomerMetadataProperties={**known, "Model": "0" * 16}),
        version(3, XGBOOST, CustomerMetadataProperties={**known, "Model": "not reported"}),
    ]
    wire.answers["DescribeTrainingJob"] = {"HyperParameters": {"epochs": "4", "sagemaker_program": "train.py"}}
    found = models(wire, *bearing, served=[])
    shown = found.lineage(found.version(HASH))
    assert (shown["version"], shown["answers_bear"], shown["training_job"]) == (1, HASH, "job")
    assert shown["known"] == {**known, "Model": HASH}
    assert shown["hyperparameters"] == {"epochs": "4"}
    with pytest.raises(LabError, match="No version of the lab brick's model answers with ffffffffffffffff"):
        found.version("f" * 16)
    assert wire.asked.keys() == {"ListModelPackages", "DescribeModelPackage", "DescribeTrainingJob"}
