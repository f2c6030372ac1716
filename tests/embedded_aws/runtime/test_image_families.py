"""Which images there are, by all their tags and in every region, held against what AWS's own SDK says of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.runtime import image_families, images, registries
from embedded_aws.runtime.image_families import FAMILIES
from embedded_aws.settings import IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

# The SDK's name of each repository's framework, and what of it is asked for.
FRAMEWORKS = {
    "tensorflow-training": ("tensorflow", "training"),
    "tensorflow-inference": ("tensorflow", "inference"),
    "pytorch-training": ("pytorch", "training"),
    "pytorch-inference": ("pytorch", "inference"),
    "pytorch": ("pytorch-amzn2023", "training"),
    "sagemaker-scikit-learn": ("sklearn", "training"),
    "sagemaker-xgboost": ("xgboost", "training"),
}

OTHER_PARTITIONS = {"cn-north-1", "cn-northwest-1", "eu-isoe-west-1", "eusc-de-east-1", "us-gov-west-1"} | {
    f"us-iso{kind}-1" for kind in ("-east", "b-east", "f-east", "f-south")
}


@cache
def published(repository: str) -> dict[str, Any]:
    """The versions of a repository's images, as the SDK has them."""
    from sagemaker.core import image_uris

    framework, scope = FRAMEWORKS.get(repository, (repository, None))
    found = image_uris.config_for_framework(framework)
    versions: dict[str, Any] = (found[scope] if scope else found)["versions"]
    return {version: about for version, about in versions.items() if about.get("repository") == repository}


def versions_here(repository: str) -> Iterator[tuple[str, Any]]:
    """The SDK's versions of a repository that there are here too."""
    for version, about in published(repository).items():
        if any(f"{release.tags[0]}-".startswith(f"{short(version)}-") for release in FAMILIES[repository].releases):
            yield version, about


def short(version: str) -> str:
    """A version as tags begin with it: of 2.21.0, 2.21."""
    return ".".join(version.split(".")[:2])


@pytest.mark.parametrize("repository", FAMILIES)
def test_the_sdk_names_the_same_image_in_every_region(repository: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its account, host and tag: `image_uris.retrieve` gives a URI that is known here, wherever AWS has one."""
    from sagemaker.core import image_uris
    from sagemaker.core.common_utils import _botocore_resolver

    # It reads botocore's table of regions anew for each URI, which takes nine tenths of the time.
    monkeypatch.setattr("sagemaker.core.common_utils._botocore_resolver", cache(_botocore_resolver))
    framework, scope = FRAMEWORKS.get(repository, (repository, None))
    asked = 0
    for version, about in versions_here(repository):
        # Asking takes a while: one region of each partition, and from its URI those of the others.
        uris = {
            region: image_uris.retrieve(
                framework, region, version=version, instance_type="ml.m5.large", image_scope=scope
            )
            for region in ("us-east-1", *(about["registries"].keys() & OTHER_PARTITIONS))
        }
        for region, account in about["registries"].items():
            uri = uris.get(region) or uris["us-east-1"].replace(
                uris["us-east-1"].partition("/")[0], f"{account}.dkr.ecr.{region}.amazonaws.com"
            )
            name = images.name_of(uri, images_dir=IMAGES)
            assert image_families.of(name)[0].repository == repository
            assert short(version) in name
            asked += 1
    assert asked > 30


@pytest.mark.parametrize("repository", FAMILIES)
def test_no_other_region_has_a_registry(repository: str) -> None:
    """Regions are those for which the SDK has a registry of some image of the kind, and the accounts are its."""
    registry = FAMILIES[repository].registry
    assert registry is not None
    kin = [name for name, family in FAMILIES.items() if family.registry == registry]
    theirs = {
        region: account
        for name in kin
        for about in published(name).values()
        for region, account in about["registries"].items()
    }
    assert {region: registries.account(registry, region) for region in registries.regions(registry)} == theirs


@pytest.mark.parametrize(
    ("repository", "tags", "name"),
    [
        (
            "tensorflow-training",
            (
                *(f"{version}-cpu-py312{end}" for version in ("2.21", "2.21.0") for end in ("", "-sagemaker")),
                "2.21.0-cpu-py312-amzn2023-sagemaker",
                "2.21-cpu-py312-amzn2023-sagemaker-v1",
                "2.21.0-cpu-py312-amzn2023-sagemaker-v1.12-2026-07-15-19-53-45",
                "2.21-cpu-py312-amzn2023-sagemaker-v1-soci",
            ),
            "tensorflow-training-2.21-cpu-py312",
        ),
        ("tensorflow-training", ("2.16.2-cpu-py310", "2.16-cpu-py310"), "tensorflow-training-2.16-cpu-py310"),
        ("tensorflow-inference", ("2.18-cpu", "2.18.0-cpu-py310"), "tensorflow-inference-2.18-cpu-py310"),
        (
            "pytorch-inference",
            ("2.6.0-cpu-py312-ubuntu22.04-sagemaker", "2.6-cpu-py312-ubuntu22.04-sagemaker-v1", "2.6.0-cpu-py312"),
            "pytorch-inference-2.6-cpu-py312",
        ),
        ("pytorch", ("2.13.0-cpu-amzn2023-sagemaker",), "pytorch-2.13-cpu-amzn2023-sagemaker"),
        ("sagemaker-xgboost", ("1.7-1", "1.7-1-cpu-py3"), "sagemaker-xgboost-1.7-1"),
        ("sagemaker-scikit-learn", ("1.2-1-cpu-py3",), "sagemaker-scikit-learn-1.2-1"),
        ("sagemaker-scikit-learn", ("1.4-2-py312-cpu-py3",), "sagemaker-scikit-learn-1.4-2-py312"),
        ("linear-learner", ("1", "latest"), "linear-learner-1"),
    ],
)
def test_an_image_is_known_by_each_of_its_tags(repository: str, tags: tuple[str, ...], name: str) -> None:
    """Long and short ones, of an operating system, a platform and a build, are one image."""
    assert {image_families.find(repository, tag) for tag in tags} == {name}


@pytest.mark.parametrize(
    "tag",
    [
        "2.21.1-cpu-py312",
        "2.20-cpu-py312",
        "2.21-cpu-py310",
        "2.21-cpu",
        "2.21-gpu-py312-cu129-amzn2023-sagemaker",
        "2.21-cpu-py312-ubuntu22.04-sagemaker",
        "2.21-cpu-py312-v1",
        "2.21.0-cpu-py312-amzn2023-ec2",
    ],
)
def test_no_other_tag_is_taken_for_one(tag: str) -> None:
    """Of another version, device, Python, system or platform, or such as AWS never gives."""
    assert image_families.find("tensorflow-training", tag) is None


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("tensorflow-training:2.14.1-cpu-py310", "tensorflow-training-2.16-cpu-py310"),
        ("tensorflow-training:2.20-gpu-py312", "tensorflow-training-2.21-cpu-py312"),
        ("pytorch-training:2.13.0-gpu-py312", "pytorch-2.13-cpu-amzn2023-sagemaker"),
        ("pytorch-inference-neuronx:2.6.0-neuronx-py310", "pytorch-inference-2.6-cpu-py312"),
        ("xgboost:latest", "sagemaker-xgboost-1.7-1"),
        ("sagemaker-xgboost:9.0-1", "sagemaker-xgboost-3.2-0"),
        ("image-classification:1", None),
    ],
)
def test_the_nearest_image(asked: str, nearest: str | None) -> None:
    """Of the same version, or else the next newer one, or else the newest, of a repository that is like it."""
    repository, tag = asked.split(":")
    assert image_families.nearest(repository, tag, image_families.names()) == nearest


def test_every_image_has_its_packages() -> None:
    """Each has a list, its own or a shared one, and no list is of none."""
    lists = {path.stem for path in IMAGES.glob("*.txt")}
    used = {image_families.packages_of(name) for name in image_families.names()}
    assert used <= lists
    assert {name.partition("-")[0] for name in lists - used} == {"notebook"}


def test_what_an_image_trains_and_serves_with() -> None:
    """XGBoost's image trains by the algorithm, and by the toolkit where a job brings a script; so it serves."""
    xgboost, kmeans = FAMILIES["sagemaker-xgboost"], FAMILIES["kmeans"]
    assert xgboost.trainer({}) == xgboost.algorithm
    assert xgboost.trainer({"sagemaker_program": '"train.py"'}) == FAMILIES["pytorch"].trainer({})
    assert xgboost.serves_with({"SAGEMAKER_PROGRAM": "serve.py"}) == xgboost.script_server
    assert xgboost.serves_with({}) == xgboost.server
    assert kmeans.trainer({"sagemaker_program": '"train.py"'}) == kmeans.algorithm
    assert FAMILIES["tensorflow-training"].serves_with({}) is None
