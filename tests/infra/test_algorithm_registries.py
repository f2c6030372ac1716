"""Where AWS's own algorithms are, held against the SageMaker SDK; a student's jobs may pull those of the notebook."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.algorithm_registries import REGISTRIES
from infra.regions import ACCEPTED

FIRST = ("factorization-machines", "kmeans", "linear-learner")
XGBOOST = "sagemaker-xgboost"


def test_each_region_s_registries_are_those_that_the_sdk_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole address; a region that is missing here is one for which the SDK has none."""
    from sagemaker.core import image_uris

    # It reads botocore's list of endpoints anew for each address.
    monkeypatch.setattr(image_uris.utils, "_botocore_resolver", cache(image_uris.utils._botocore_resolver))
    for region, each in REGISTRIES.items():
        host = f"dkr.ecr.{region}.amazonaws.com"
        for algorithm in FIRST:
            assert image_uris.retrieve(algorithm, region) == f"{each.first}.{host}/{algorithm}:1"
        assert image_uris.retrieve("xgboost", region, version="3.2-0") == f"{each.xgboost}.{host}/{XGBOOST}:3.2-0"
    for region in ACCEPTED.keys() - REGISTRIES.keys():
        for algorithm in (*FIRST, "xgboost"):
            with pytest.raises(ValueError, match="Unsupported region"):
                image_uris.retrieve(algorithm, region, version="3.2-0" if algorithm == "xgboost" else "1")


@pytest.mark.parametrize("region", ["eu-west-1", "mx-central-1", None])
def test_a_seat_may_pull_the_images_of_its_notebook(region: str | None) -> None:
    """From the region's own registries, none where there is none; a template for every region has all of them."""
    import aws_cdk as cdk

    from infra.constructs.seat_role import SeatRole
    from infra.settings import read

    app = cdk.App()
    stack = cdk.Stack(app, "seat", env=cdk.Environment(account="111122223333", region=region))
    SeatRole(stack, "Role", settings=read({}), seat="ada", bucket_arn="arn:aws:s3:::lab", key_arn="arn:aws:kms:::key/1")
    template = app.synth().get_stack_by_name("seat").template
    document = template["Resources"][_role(template)]["Properties"]["Policies"][0]
    [pulls] = [each for each in document["PolicyDocument"]["Statement"] if "ecr:BatchGetImage" in each["Action"]]
    texts = [json.dumps(each) for each in pulls["Resource"]]
    found = {name: text for text in texts for name in (*FIRST, XGBOOST) if text.endswith(f':repository/{name}"]]}}')}
    if region == "mx-central-1":
        assert found == {}
        return
    assert set(found) == {*FIRST, XGBOOST}
    if region:
        assert all(REGISTRIES[region].first in found[name] for name in FIRST)
        assert REGISTRIES[region].xgboost in found[XGBOOST]
        return
    accounts = template["Mappings"]["AlgorithmRegistries"]
    assert accounts.keys() == ACCEPTED.keys()
    for name, each in REGISTRIES.items():
        assert accounts[name] == each._asdict()
    assert '"first"' in found["kmeans"]
    assert '"xgboost"' in found[XGBOOST]


def _role(template: dict[str, Any]) -> str:
    found: list[str] = [name for name, each in template["Resources"].items() if each["Type"] == "AWS::IAM::Role"]
    return found[0]
