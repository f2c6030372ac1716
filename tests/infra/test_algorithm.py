"""A lab with one of AWS's algorithms in the templates: features, training job, pipeline, and who may do what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from infra import algorithms
from infra.algorithm_registries import REGISTRIES
from model_code.data import LABELS, SIDE
from tests.infra.test_catalog import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.infra.conftest import Synthesise
    from tests.infra.templates import Template

    Stacks = dict[str, Template]
    Lab = Callable[..., Stacks]

XGBOOST = {"algorithm": "xgboost", "features": "hidden", "hidden_units": "64,32"}
REGISTRY = "141502667606.dkr.ecr.eu-west-1."


@pytest.fixture(scope="module")
def lab(synthesise: Synthesise) -> Lab:
    """The templates of training and endpoint; keyword arguments are settings."""

    def of(**settings: Any) -> Stacks:
        made = synthesise(seats=0, **settings)
        return {name.removeprefix("bricklab-"): template for name, template in made.items()}

    return of


@pytest.fixture(scope="module")
def xgboost(lab: Lab) -> Stacks:
    """A lab of XGBoost on what the network's hidden layer makes of the bricks."""
    return lab(**XGBOOST)


def jobs(stacks: Stacks) -> dict[str, dict[str, Any]]:
    """The properties of the training stack's jobs, by logical id without its hash."""
    found = stacks["training"]["Resources"].items()
    return {re.sub("[0-9A-F]{8}$", "", name): each["Properties"] for name, each in found if "Job" in each["Type"]}


def policy(template: Template, role: str) -> list[dict[str, Any]]:
    """The statements of the role whose logical id begins so."""
    [found] = [
        each["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::IAM::Role" and re.fullmatch(f"{role}[0-9A-F]{{8}}", name)
    ]
    return list(found)


def objects(statements: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """What may be done with which objects of the lab's bucket."""
    return {
        (action, text(place).rpartition("*/")[2])
        for each in statements
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
        if action.startswith("s3:") and action != "s3:ListBucket"
        for place in (each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]])
    }


def test_the_features_are_of_the_trained_network(xgboost: Stacks) -> None:
    """The processing job reads data, code and the network's artifact; other features are other objects."""
    made = jobs(xgboost)
    features, trained = made["FeaturesJob"], made["AlgorithmJob"]
    request = features["Request"]
    read = {each["InputName"]: each["S3Input"]["S3Uri"] for each in request["ProcessingInputs"]}
    assert set(read) == {"code", "data", "network"}
    assert read["network"]["Fn::GetAtt"][1] == "ModelArtifact"
    assert "features.py" in request["AppSpecification"]["ContainerEntrypoint"][2]
    assert request["NetworkConfig"]["EnableNetworkIsolation"]
    assert "VolumeKmsKeyId" in request["ProcessingResources"]["ClusterConfig"]
    assert features["Identity"]["Network"] == made["Job"]["Identity"]
    [output] = request["ProcessingOutputConfig"]["Outputs"]
    place = text(output["S3Output"]["S3Uri"])
    assert re.fullmatch(r"s3://\*/features/[0-9a-f]{16}", place)
    assert trained["Identity"]["Features"] == place.rpartition("/")[2]


def test_the_algorithm_trains_on_the_features_without_network(xgboost: Stacks) -> None:
    """CSV with the label first, AWS's image of the region, no metrics but its own, after the features are made."""
    request = jobs(xgboost)["AlgorithmJob"]["Request"]
    assert text(request["AlgorithmSpecification"]["TrainingImage"]).startswith(REGISTRY)
    assert set(request["AlgorithmSpecification"]) == {"TrainingImage", "TrainingInputMode"}
    channels = {each["ChannelName"]: each for each in request["InputDataConfig"]}
    assert set(channels) == {"train", "validation"}
    assert {each["ContentType"] for each in channels.values()} == {"text/csv"}
    assert text(channels["validation"]["DataSource"]["S3DataSource"]["S3Uri"]).endswith("/test/")
    assert request["HyperParameters"]["num_class"] == str(len(LABELS))
    assert request["EnableNetworkIsolation"]
    assert "CheckpointConfig" not in request
    [waits] = [
        each["DependsOn"]
        for each in xgboost["training"]["Resources"].values()
        if each["Type"] == "Custom::TrainingJob" and "Features" in each["Properties"]["Identity"]
    ]
    assert any(name.startswith("FeaturesJob") for name in waits)


def test_a_photo_goes_through_both_containers(xgboost: Stacks) -> None:
    """The first makes features, the second, AWS's own, answers; what serves is looked at by the form of its answer."""
    served = xgboost["endpoint"]["Resources"].values()
    [model] = [each["Properties"] for each in served if each["Type"] == "AWS::SageMaker::Model"]
    first, second = model["Containers"]
    assert "PrimaryContainer" not in model
    assert re.search(r"features/[0-9a-f]{16}/model/model\.tar\.gz$", text(first["ModelDataUrl"]))
    assert "Environment" not in second
    assert text(second["Image"]).startswith(REGISTRY)
    assert [first["ContainerHostname"], second["ContainerHostname"]] == ["features", "xgboost"]
    [look] = [each["Properties"] for each in served if each["Type"] == "Custom::ServedModel"]
    assert look["Answers"] == ["score"]
    assert look["Artifact"] == second["ModelDataUrl"]
    [version] = [
        each["Properties"]["InferenceSpecification"]["Containers"]
        for each in xgboost["training"]["Resources"].values()
        if each["Type"] == "AWS::SageMaker::ModelPackage"
    ]
    assert [each["Image"] for each in version] == [first["Image"], second["Image"]]
    assert text(version[0]["ModelDataUrl"]) == text(first["ModelDataUrl"])


def test_each_role_reaches_what_it_needs(xgboost: Stacks) -> None:
    """The features' job writes features, the algorithm's reads them, the endpoint reads both models."""
    writes = {"s3:AbortMultipartUpload", "s3:PutObject"}
    features = objects(policy(xgboost["training"], "FeaturesRole"))
    assert {("s3:GetObject", "data/*"), ("s3:GetObject", "training/*")} <= features
    assert {each for each in features if each[0] in writes} == {(each, "features/*") for each in writes}
    algorithm = objects(policy(xgboost["training"], "AlgorithmJobRole"))
    assert algorithm == {("s3:GetObject", "features/*"), *((each, "training/*") for each in writes)}
    endpoint = objects(policy(xgboost["endpoint"], "ServingRole"))
    assert {("s3:GetObject", "features/*"), ("s3:GetObject", "training/*")} <= endpoint
    look = objects(policy(xgboost["endpoint"], "ServingServedRole"))
    assert not {each for each in look if each[1] in {"features/*", "training/*"}}


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("linear-learner", {"TestAccuracy", "TestLoss"}),
        ("knn", {"TestAccuracy"}),
        ("kmeans", {"TestMeanSquaredDistance"}),
    ],
)
def test_pixels_need_no_network(lab: Lab, name: str, outputs: set[str]) -> None:
    """One job less; the other algorithms have a registry of their own, and say what they report of the test images."""
    stacks = lab(algorithm=name)
    made = jobs(stacks)
    assert set(made) == {"FeaturesJob", "AlgorithmJob"}
    assert made["AlgorithmJob"]["Request"]["HyperParameters"]["feature_dim"] == str(SIDE * SIDE)
    image = made["AlgorithmJob"]["Request"]["AlgorithmSpecification"]["TrainingImage"]
    assert re.fullmatch(rf"438346466558\.dkr\.ecr\.eu-west-1\..*/{name}:1", text(image))
    labeled = made["FeaturesJob"]["Request"]["AppSpecification"]["ContainerArguments"]
    channels = made["AlgorithmJob"]["Request"]["InputDataConfig"]
    assert ("s3:GetObject", "training/*") not in objects(policy(stacks["training"], "FeaturesRole"))
    assert ("none" in labeled) == (name == "kmeans") == all("label_size=0" in each["ContentType"] for each in channels)
    assert set(stacks["training"]["Outputs"]) == {"Algorithm", "ModelArtifact", "TrainingJobName", *outputs}


@pytest.mark.parametrize("name", algorithms.BUILT_IN)
def test_the_images_are_those_that_the_sdk_takes(name: str) -> None:
    """Repository, tag, and whose registry has them, of its own tables."""
    from sagemaker.core import image_uris

    repository, tag = algorithms.BUILT_IN[name].image
    data = image_uris.config_for_framework(name)
    version = data.get("versions", data.get("training", {}).get("versions"))[tag]
    assert version["repository"] == repository
    ours = {region: each.of(repository) for region, each in REGISTRIES.items()}
    assert ours.items() <= version["registries"].items()


def test_a_region_without_the_container_is_refused() -> None:
    """One sentence with both ways out; the network's containers are everywhere."""
    said = str(algorithms.refusal("mx-central-1", "knn"))
    assert said.startswith("The lab can't be deployed to mx-central-1 with lab.algorithm = 'knn': ")
    assert "'keras'" in said
    assert algorithms.refusal("mx-central-1", "keras") is None
    assert algorithms.refusal("eu-west-1", "knn") is None


def test_the_bricks_are_counted_as_the_script_does() -> None:
    """The classes and pixels that the hyperparameters name."""
    assert (len(LABELS), SIDE**2) == (algorithms.CLASSES, algorithms.PIXELS)
