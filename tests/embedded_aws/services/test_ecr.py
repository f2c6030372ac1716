"""ECR of the embedded AWS: which of AWS's containers SageMaker can pull."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.gateway import ACCOUNT
from tests.embedded_aws.services.sagemaker.calls import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AWS = "763104351884"
TRAINING = {"registryId": AWS, "repositoryName": "tensorflow-training"}
THERE, ABSENT = {"imageTag": "2.21-cpu-py312"}, {"imageTag": "1.0-cpu-py27"}


@pytest.fixture
def ecr(client: Callable[[str], Any]) -> Iterator[Any]:
    """A client of ECR."""
    made = client("ecr")
    yield made
    made.close()


def test_a_container_that_is_there_is_found(ecr: Any) -> None:
    """By its tag and by its digest, which is its manifest's, alone or with all of its repository."""
    answer = ecr.batch_get_image(**TRAINING, imageIds=[THERE, ABSENT])
    (image,), (failure,) = answer["images"], answer["failures"]
    digest = f"sha256:{hashlib.sha256(image['imageManifest'].encode()).hexdigest()}"
    assert image["imageId"] == {**THERE, "imageDigest": digest}
    assert (failure["imageId"], failure["failureCode"]) == (ABSENT, "ImageNotFound")
    (detail,) = ecr.describe_images(**TRAINING, imageIds=[{"imageDigest": digest}])["imageDetails"]
    assert (detail["registryId"], detail["imageDigest"]) == (AWS, digest)
    assert {"2.21-cpu-py312", "2.21.0-cpu-py312-amzn2023-sagemaker"} < set(detail["imageTags"])
    assert detail in ecr.describe_images(**TRAINING)["imageDetails"]


def test_all_tags_of_a_container_are_one_image(ecr: Any) -> None:
    """What is asked for by a long tag is answered by it, and is what the short one names."""
    long = {"imageTag": "2.21.0-cpu-py312-amzn2023-sagemaker"}
    asked, known = ecr.batch_get_image(**TRAINING, imageIds=[long, THERE])["images"]
    assert asked["imageId"] == {**known["imageId"], **long}


def test_a_container_that_is_not_there_is_refused(ecr: Any) -> None:
    """In AWS's words, which name repository, tag and registry."""
    code, message = refusal(ecr.describe_images, **TRAINING, imageIds=[ABSENT])
    assert code == "ImageNotFoundException"
    assert message == (
        "The image with imageId {imageDigest:'null', imageTag:'1.0-cpu-py27'} does not exist within the repository "
        f"with name 'tensorflow-training' in the registry with id '{AWS}'"
    )
    for operation in (ecr.batch_get_image, ecr.describe_images):
        refused = refusal(operation, registryId=AWS, repositoryName="notebook", imageIds=[THERE])
        assert refused[0] == "RepositoryNotFoundException"
        assert f"'notebook' does not exist in the registry with id '{AWS}'" in refused[1]


@pytest.mark.parametrize("registry", [{}, {"registryId": ACCOUNT}])
def test_the_accounts_own_registry_is_its_own(ecr: Any, registry: dict[str, str]) -> None:
    """What the account pushed is found there, and AWS's containers are not."""
    ecr.create_repository(repositoryName="own")
    ecr.put_image(repositoryName="own", imageManifest="{}", imageTag="one")
    (image,) = ecr.batch_get_image(**registry, repositoryName="own", imageIds=[{"imageTag": "one"}])["images"]
    assert image["imageManifest"] == "{}"
    refused = refusal(ecr.describe_images, **registry, repositoryName="tensorflow-training")
    assert refused[0] == "RepositoryNotFoundException"
    ecr.delete_repository(repositoryName="own", force=True)
