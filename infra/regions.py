"""The regions of AWS that the lab accepts: what each lacks, and whose registry has AWS's containers there.

It imports nothing of the CDK, so that command line tools can use it too.

Sources: the registries are those of the SageMaker SDK (`sagemaker.core.image_uris`), which of CloudFormation's types a
region has is what cfn-lint publishes of its registry. tests/infra/test_regions.py holds this table against both.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BUDGET = "AWS::Budgets::Budget"
MODEL_REGISTRY = frozenset({"AWS::SageMaker::ModelPackage", "AWS::SageMaker::ModelPackageGroup"})


@dataclass(frozen=True)
class Region:
    """The account of AWS's Deep Learning Containers, and those of CloudFormation's types that the lab does without."""

    registry: str
    lacks: frozenset[str] = frozenset()


_MOST = "763104351884"
_NO_BUDGET = frozenset({BUDGET})
_NOR_MODELS = _NO_BUDGET | MODEL_REGISTRY

ACCEPTED = {
    "af-south-1": Region("626614931356", _NO_BUDGET),
    "ap-east-1": Region("871362719292", _NO_BUDGET),
    "ap-east-2": Region("975050140332", _NOR_MODELS),
    "ap-northeast-1": Region(_MOST),
    "ap-northeast-2": Region(_MOST),
    "ap-northeast-3": Region("364406365360", _NO_BUDGET),
    "ap-south-1": Region(_MOST),
    "ap-south-2": Region("772153158452", _NOR_MODELS),
    "ap-southeast-1": Region(_MOST),
    "ap-southeast-2": Region(_MOST),
    "ap-southeast-3": Region("907027046896", _NO_BUDGET),
    "ap-southeast-4": Region("457447274322", _NOR_MODELS),
    "ap-southeast-5": Region("550225433462", _NO_BUDGET),
    "ap-southeast-6": Region("633930458069", _NOR_MODELS),
    "ap-southeast-7": Region("590183813437", _NO_BUDGET),
    "ca-central-1": Region(_MOST),
    "ca-west-1": Region("204538143572", _NO_BUDGET),
    "eu-central-1": Region(_MOST),
    "eu-central-2": Region("380420809688", _NO_BUDGET),
    "eu-north-1": Region(_MOST, _NO_BUDGET),
    "eu-south-1": Region("692866216735", _NO_BUDGET),
    "eu-south-2": Region("503227376785", _NO_BUDGET),
    "eu-west-1": Region(_MOST),
    "eu-west-2": Region(_MOST),
    "eu-west-3": Region(_MOST),
    "il-central-1": Region("780543022126", _NO_BUDGET),
    "mx-central-1": Region("637423239942", _NO_BUDGET),
    "sa-east-1": Region(_MOST),
    "us-east-1": Region(_MOST),
    "us-east-2": Region(_MOST),
    "us-west-1": Region(_MOST),
    "us-west-2": Region(_MOST),
}

# Regions that lack the type of lab.monitor, which nothing but that setting needs.
MONITORING = "AWS::SageMaker::MonitoringSchedule"
WITHOUT_MONITORING = frozenset(
    {
        *("af-south-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5"),
        *("ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2"),
        *("il-central-1", "mx-central-1"),
    }
)

# Regions that lack a type of what lab.serve_also names, which nothing but that needs.
SERVING = {"lambda": "AWS::Lambda::Url", "edge": "AWS::GreengrassV2::ComponentVersion"}
WITHOUT_SERVING = {
    "lambda": frozenset(
        {
            *("ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7"),
            *("ca-west-1", "eu-central-2", "il-central-1", "mx-central-1"),
        }
    ),
    "edge": frozenset(
        {
            *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-3", "ap-south-2", "ap-southeast-3"),
            *("ap-southeast-4", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-north-1"),
            *("eu-south-1", "eu-west-3", "il-central-1", "mx-central-1", "sa-east-1", "us-west-1"),
        }
    ),
}

# Regions that lack the type of lab.labelling, which nothing but that setting needs.
WORKFORCE = "AWS::SageMaker::Workforce"
WITHOUT_WORKFORCE = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-3", "ap-south-2", "ap-southeast-3"),
        *("ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2"),
        *("eu-north-1", "eu-south-1", "eu-south-2", "eu-west-3", "il-central-1", "mx-central-1", "sa-east-1"),
        "us-west-1",
    }
)

# Regions of the partition `aws` in which AWS has the containers, and yet the lab could not stand.
_WANTING = {
    "me-central-1": "CloudFormation has none of SageMaker's endpoints and notebook instances there",
    "me-south-1": "nothing is published of the resource types that CloudFormation has there",
}
_ADVICE = "Take another region (`export AWS_REGION=us-east-1`, say)."


def registers_models(region: str) -> bool:
    """Return whether a template may register models in the region; it may where that is not known yet."""
    return region not in ACCEPTED or not MODEL_REGISTRY & ACCEPTED[region].lacks


def monitoring_refusal(region: str, monitor: str) -> str | None:
    """Say in a sentence why the lab can't be monitored in the region as its setting has it; None if it can."""
    if monitor == "off" or region not in WITHOUT_MONITORING:
        return None
    lacking = f"lab.monitor = {monitor!r}: must be 'off' in {region}, where CloudFormation has no monitoring schedules."
    return f"{lacking} {_ADVICE}"


def labelling_refusal(region: str, labelling: str) -> str | None:
    """Say in a sentence why a lab can't have a workforce in the region; None if it can, or is not to."""
    if labelling == "off" or region not in WITHOUT_WORKFORCE:
        return None
    lacking = f"lab.labelling = {labelling!r}: must be 'off' in {region}, where CloudFormation has no workforces."
    return f"{lacking} {_ADVICE}"


def retraining_refusal(region: str, *, wanted: bool) -> str | None:
    """Say in a sentence why a lab can't retrain in the region; None if it can, or is not to."""
    if not wanted or registers_models(region):
        return None
    return (
        f"lab.retraining must be false in {region}: CloudFormation has no model registry there, where a retrained "
        f"model waits for its approval. {_ADVICE}"
    )


def serving_refusal(region: str, serve_also: Iterable[str]) -> str | None:
    """Say in a sentence which way of serving the region has not got; None if it has all that are asked for."""
    for way in serve_also:
        if region in WITHOUT_SERVING.get(way, ()):
            return (
                f"lab.serve_also must be without {way!r} in {region}, where CloudFormation has no {SERVING[way]}. "
                f"{_ADVICE}"
            )
    return None


def refusal(region: str) -> str | None:
    """Say in a sentence why the lab can't be deployed to the region, and what to do; None if it can."""
    if region in ACCEPTED:
        return None
    if why := _WANTING.get(region):
        return f"The lab can't be deployed to {region}: {why}. {_ADVICE}"
    # Only a refusal has a use for them, and they take longer to import than all else here.
    from botocore.exceptions import UnknownRegionError  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    try:
        partition = Session().get_partition_for_region(region)
    except UnknownRegionError:
        partition = ""
    if partition not in {"", "aws"}:
        return (
            f"The lab can't be deployed to {region}: it is of the partition {partition}, and the lab's containers, "
            f"prices and budget are those of AWS's public regions. {_ADVICE}"
        )
    near = get_close_matches(region, ACCEPTED, n=1)
    advice = f"Did you mean {near[0]}?" if near else _ADVICE
    return f"The lab can't be deployed to {region}: no such region is known to have AWS's containers. {advice}"
