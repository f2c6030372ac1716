"""A team's photos in the templates: an asset, a processing job that runs when they are new, and who may do what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import SettingsError, read
from model_code.data import LABELS
from tests.infra.test_catalog import text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Synthesise
    from tests.infra.templates import Template


@pytest.fixture(scope="module")
def shot(synthesise: Synthesise, photos: Path) -> dict[str, Template]:
    """A lab that learns from photos; its data folder is handed on as theirs."""
    return synthesise(photos=str(photos), seats=0)


@pytest.fixture(scope="module")
def storage(shot: dict[str, Template]) -> dict[str, Any]:
    """The resources of its storage stack."""
    return dict(shot["bricklab-storage"]["Resources"])


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


def test_other_photos_are_another_job_and_another_training(shot: dict[str, Template], job: dict[str, Any]) -> None:
    """The identity of both holds the hash of the photos."""
    resources = shot["bricklab-training"]["Resources"].values()
    [trained] = [each for each in resources if each["Type"] == "Custom::TrainingJob"]
    photos = job["Identity"]["Photos"]
    assert re.fullmatch("[0-9a-f]{64}", photos)
    assert trained["Properties"]["Identity"]["Data"] == {"photos": photos}


def test_it_learns_from_photos_or_data(data_folder: Path, photos: Path) -> None:
    """Both at once are refused."""
    with pytest.raises(SettingsError, match="the lab learns from one of them"):
        read({"lab": {"photos": str(photos), "data": str(data_folder)}})


@pytest.mark.parametrize(
    ("folders", "sentence"),
    [
        ({}, "photos for each class$"),
        (dict.fromkeys(LABELS[2:], "1.png"), "; there is no photo of 2x3 Brick, 2x2 Brick$"),
        ({**dict.fromkeys(map(str, range(9)), "deep/1.jpg"), "9": ".DS_Store"}, "; there is no photo of 1x2 Grill$"),
        ({"2x3 Brik": "1.png"}, ", and 2x3 Brik is no class's: did you mean '2x3 Brick'\\?$"),
        ({"wood": "1.png"}, "and wood is no class's: there are 2x3 Brick, .* 1x2 Grill, or 0 to 9$"),
    ],
)
def test_a_folder_that_lacks_a_class_is_told(tmp_path: Path, folders: dict[str, str], sentence: str) -> None:
    """Before anything is deployed: the job that prepares photos would say so after minutes."""
    for name, file in folders.items():
        path = tmp_path / name / file
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    with pytest.raises(SettingsError, match=f"(?m)lab.photos = .*: must be a folder.*{sentence}"):
        read({"lab": {"photos": str(tmp_path)}})


def test_a_folder_may_be_named_in_many_ways(tmp_path: Path) -> None:
    """By the class in any case, with gaps of any kind, or by its number; what is hidden is no class's."""
    for name in ("2X3_brick", "1", "1x3-Brick", *LABELS[3:], ".git"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"")
    assert read({"lab": {"photos": str(tmp_path)}}).photos == str(tmp_path)
