"""Which regions the lab accepts, held against what others publish, and the lab synthesised for each of them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import UnknownRegionError

from cli.checks.account import BOOTSTRAP_NEEDED
from infra.containers import INFERENCE, TRAINING
from infra.regions import (
    ACCEPTED,
    MONITORING,
    SERVING,
    WITHOUT_MONITORING,
    WITHOUT_SERVING,
    WITHOUT_WORKFORCE,
    WORKFORCE,
    labelling_refusal,
    monitoring_refusal,
    refusal,
    serving_refusal,
)
from tests.infra.templates import in_folder
from tests.infra.test_security import documents, listed
from tests.infra.validated import regions

if TYPE_CHECKING:
    from typing import Any

    import aws_cdk as cdk

    Template = dict[str, Any]

# What the roles of the lab call, by IAM's prefix; boto3 has another name for some.
SERVICES = {"states": "stepfunctions", "tag": "resourcegroupstaggingapi"}
# Services with one endpoint for all regions.
GLOBAL = {"iam"}


@cache
def published(region: str) -> set[str]:
    """CloudFormation's types in a region, as cfn-lint publishes them; none where it knows nothing of the region."""
    import cfnlint

    # Its own door answers with us-east-1's for a region that it has no file of.
    file = Path(cfnlint.__file__).parent / "data" / "schemas" / "providers" / f"{region}.json"
    return set(json.loads(file.read_text())) if file.exists() else set()


@pytest.fixture(scope="module")
def wanted(templates: dict[str, Template]) -> set[str]:
    """The types that a lab with all that can be turned on consists of."""
    kinds = {each["Type"] for template in templates.values() for each in template["Resources"].values()}
    return {kind for kind in kinds if not kind.startswith("Custom::")}


def test_where_there_are_no_monitoring_schedules() -> None:
    """lab.monitor is refused there in a sentence, and nowhere else."""
    assert {region for region in ACCEPTED if MONITORING not in published(region)} == WITHOUT_MONITORING
    assert "must be 'off' in ca-west-1" in str(monitoring_refusal("ca-west-1", "hourly"))
    assert monitoring_refusal("ca-west-1", "off") is None
    assert monitoring_refusal("us-east-1", "hourly") is None


def test_where_there_are_no_workforces() -> None:
    """lab.labelling is refused there in a sentence, and nowhere else."""
    assert {region for region in ACCEPTED if WORKFORCE not in published(region)} == WITHOUT_WORKFORCE
    assert "must be 'off' in us-west-1" in str(labelling_refusal("us-west-1", "ground-truth"))
    assert labelling_refusal("us-west-1", "off") is None
    assert labelling_refusal("us-east-1", "ground-truth") is None


def test_where_a_model_can_not_be_served_otherwise() -> None:
    """A way of lab.serve_also is refused there in a sentence, and nowhere else."""
    for way, kind in SERVING.items():
        assert {region for region in ACCEPTED if kind not in published(region)} == WITHOUT_SERVING[way]
    assert "without 'edge' in eu-north-1" in str(serving_refusal("eu-north-1", ["web", "edge"]))
    assert serving_refusal("eu-north-1", ["rest", "web"]) is None


def with_containers() -> set[str]:
    """Every region of the partition `aws` for which the SageMaker SDK names a registry of both images."""
    from sagemaker.core import image_uris

    data = image_uris.config_for_framework("tensorflow")
    found = [
        set(data[scope]["versions"][f"{image[1].partition('-')[0]}.0"]["registries"])
        for scope, image in (("training", TRAINING), ("inference", INFERENCE))
    ]
    session = boto3.Session()
    return {each for each in found[0] & found[1] if _partition(session, each) == "aws"}


def _partition(session: boto3.Session, region: str) -> str:
    try:
        return session.get_partition_for_region(region)
    except UnknownRegionError:
        return ""


@pytest.mark.parametrize("scope", ["training", "inference"])
def test_each_region_s_registry_is_the_one_that_the_sdk_takes(scope: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole address, for repository and tag are the SDK's too."""
    from sagemaker.core import image_uris

    # It reads botocore's list of endpoints anew for each address.
    monkeypatch.setattr(image_uris.utils, "_botocore_resolver", cache(image_uris.utils._botocore_resolver))
    repository, tag = TRAINING if scope == "training" else INFERENCE
    theirs = {
        region: image_uris.retrieve(
            "tensorflow",
            region,
            version=tag.partition("-")[0],
            py_version="py312",
            instance_type="ml.m5.large",
            image_scope=scope,
        )
        for region in ACCEPTED
    }
    assert theirs == {
        name: f"{region.registry}.dkr.ecr.{name}.amazonaws.com/{repository}:{tag}" for name, region in ACCEPTED.items()
    }


def test_the_accepted_regions_are_those_that_have_what_the_lab_cannot_do_without(wanted: set[str]) -> None:
    """Each with exactly what it lacks of the rest; no region that would do is left out."""
    optional = {kind for region in ACCEPTED.values() for kind in region.lacks}
    lacking = {region: wanted - published(region) for region in with_containers()}
    assert {region: lacks for region, lacks in lacking.items() if lacks <= optional} == {
        name: set(region.lacks) for name, region in ACCEPTED.items()
    }


@pytest.mark.parametrize("region", ["me-central-1", "me-south-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1"])
def test_every_other_region_is_refused_by_its_name(region: str) -> None:
    """One line: the region, why, and what to do."""
    said = refusal(region)
    assert said
    assert "\n" not in said
    assert said.startswith(f"The lab can't be deployed to {region}: ")
    assert "us-east-1" in said


def test_a_region_that_is_misspelt_is_asked_about() -> None:
    """Nothing is known of it, but that it looks like another."""
    assert "Did you mean eu-west-1?" in str(refusal("eu-wst-1"))


def test_the_lab_is_synthesised_for_every_kind_of_region(validated: Path, wanted: set[str]) -> None:
    """Under cdk.json's own flags, which make the CDK's rules errors; what the region lacks is left out, and no more.

    Of all that lack the same, one: a template has the region's name and its row of the table, and nothing else of it.
    """
    for name in regions():
        region, made = ACCEPTED[name], [*in_folder(validated / name).values()]
        kinds = {each["Type"] for template in made for each in template["Resources"].values()}
        assert {kind for kind in kinds if not kind.startswith("Custom::")} == wanted - region.lacks
        assert json.dumps(made).count(f"{region.registry}.dkr.ecr.{name}.") >= len((TRAINING, INFERENCE))


def test_every_service_that_the_lab_calls_is_in_every_region(templates: dict[str, Template]) -> None:
    """Also those that no resource of a template is of, such as the scheduler: by botocore's list of endpoints."""
    called = {
        action.partition(":")[0]
        for template in templates.values()
        for document in documents(template)
        for statement in document["Statement"]
        for action in listed(statement.get("Action", []))
    }
    assert {"scheduler", "states", "tag", "application-autoscaling"} < called
    session = boto3.Session()
    for service in called - GLOBAL:
        assert set(ACCEPTED) <= set(session.get_available_regions(SERVICES.get(service, service))), service


def test_the_bootstrap_that_is_looked_for_is_the_one_that_the_stacks_need(app: cdk.App) -> None:
    """The number stands in the manifest of each stack."""
    manifest = json.loads((Path(app.synth().directory) / "manifest.json").read_text())
    stacks = [
        each["properties"] for each in manifest["artifacts"].values() if each["type"] == "aws:cloudformation:stack"
    ]
    assert {properties["requiresBootstrapStackVersion"] for properties in stacks} == {BOOTSTRAP_NEEDED}
