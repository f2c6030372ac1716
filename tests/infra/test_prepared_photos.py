"""A team's photos in the templates: an asset, a processing job that runs when they are new, and who may do what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import SettingsError, read
from tests.infra.test_catalog import text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import aws_cdk as cdk

    Compose = Callable[..., cdk.App]


@pytest.fixture(scope="module")
def shot(compose: Compose, data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> cdk.App:
    """A lab that learns from photos; `compose` hands its data folder on as theirs."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "1x1 Brick").mkdir()
    assert data_folder
    return compose(photos=str(folder), seats=0)


@pytest.fixture(scope="module")
def storage(shot: cdk.App) -> dict[str, Any]:
    """The resources of its storage stack."""
    template = next(stack.template for stack in shot.synth().stacks if stack.stack_name == "bricklab-storage")
    return dict(template["Resources"])


@pytest.fixture(scope="module")
def job(storage: dict[str, Any]) -> dict[str, Any]:
    """The properties of the processing job."""
    [found] = [each for each in storage.values() if each["Type"] == "Custom::ProcessingJob"]
    assert any("Contents" in name for name in found["DependsOn"])
    return dict(found["Properties"])


def test_photos_take_the_place_of_data(storage: dict[str, Any]) -> None:
    """No array is deployed; the job makes them from the photos."""
    contents = storage["BucketContents"]["Properties"]["Objects"]
    assert not [each for each in contents if each["Key"].startswith("data/")]


def test_the_job_reads_and_writes_the_lab_s_places(job: dict[str, Any]) -> None:
    """The archive and the code come in, photos/, data/ and the table's place are told, and the output is encrypted."""
    request = job["Request"]
    words = [text(word) for word in request["AppSpecification"]["ContainerArguments"]]
    told = dict(zip(words[::2], words[1::2], strict=True))
    assert re.fullmatch(r"s3://.+/photos/", told["--photos"])
    assert re.fullmatch(r"s3://.+/prepared/photos/", told["--table"])
    code, archive = (text(each["S3Input"]["S3Uri"]) for each in request["ProcessingInputs"])
    assert code.endswith("/notebooks/sourcedir.tar.gz")
    assert archive.endswith(".zip")
    [output] = request["ProcessingOutputConfig"]["Outputs"]
    assert text(output["S3Output"]["S3Uri"]).endswith("/data")
    assert output["S3Output"]["LocalPath"] == told["--output"]
    assert "KmsKeyId" in request["ProcessingOutputConfig"]
    assert "VolumeKmsKeyId" in request["ProcessingResources"]["ClusterConfig"]


def test_other_photos_are_another_job_and_another_training(shot: cdk.App, job: dict[str, Any]) -> None:
    """The identity of both holds the hash of the photos."""
    training = next(stack.template for stack in shot.synth().stacks if stack.stack_name == "bricklab-training")
    [trained] = [each for each in training["Resources"].values() if each["Type"] == "Custom::TrainingJob"]
    photos = job["Identity"]["Photos"]
    assert re.fullmatch("[0-9a-f]{64}", photos)
    assert trained["Properties"]["Identity"]["Data"] == {"photos": photos}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (lambda folder: {"photos": f"{folder}/none"}, "lab.photos = .*: must be a folder with one folder of photos"),
        (lambda folder: {"photos": str(folder), "data": str(folder)}, "the lab learns from one of them"),
    ],
)
def test_a_wrong_setting_is_told(data_folder: Path, settings: Callable[[Path], dict[str, str]], sentence: str) -> None:
    """A folder without folders, and photos beside data."""
    (data_folder / "1x1 Brick").mkdir(exist_ok=True)
    with pytest.raises(SettingsError, match=sentence):
        read({"lab": settings(data_folder)})
