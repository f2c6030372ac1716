"""What command line tools know of the app without the CDK, and the CDK's own word on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import region_info

from cli.checks.bootstrap import NEEDED
from infra.containers import REGISTRIES

if TYPE_CHECKING:
    from collections.abc import Callable

    import aws_cdk as cdk


def test_the_registries_are_those_that_the_templates_name() -> None:
    """Each region's account, and no region that has none."""
    fact, name = region_info.Fact, region_info.FactName.DLC_REPOSITORY_ACCOUNT
    known = {region: fact.find(region, name) for region in fact.regions}
    assert {region: account for region, account in known.items() if account} == REGISTRIES


def test_the_bootstrap_that_is_looked_for_is_the_one_that_the_stacks_need(compose: Callable[..., cdk.App]) -> None:
    """The number stands in the manifest of each stack."""
    manifest = json.loads((Path(compose().synth().directory) / "manifest.json").read_text())
    stacks = [
        each["properties"] for each in manifest["artifacts"].values() if each["type"] == "aws:cloudformation:stack"
    ]
    assert {properties["requiresBootstrapStackVersion"] for properties in stacks} == {NEEDED}
