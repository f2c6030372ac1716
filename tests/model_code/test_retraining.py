"""snapshot.py and compare.py as processing jobs run them: data taken down, two models on the same images."""

from __future__ import annotations

import json
import shutil
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import compare
import snapshot
from data import LABELS
from network import Network

if TYPE_CHECKING:
    from pathlib import Path


def pack(artifact: Path, folder: Path) -> Path:
    """The folder with model.tar.gz, as SageMaker brings it."""
    folder.mkdir(parents=True)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(artifact, ".")
    return folder


@pytest.fixture(scope="module")
def model(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained model."""
    return pack(trained.artifact, tmp_path_factory.mktemp("models") / "trained")


@pytest.fixture(scope="module")
def worse(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes every picture for the first class."""
    place = tmp_path_factory.mktemp("models")
    shutil.copytree(trained.artifact, place / "artifact")
    weights = [np.zeros((2304, 10), np.float32), np.eye(10, dtype=np.float32)[0]]
    Network(weights).write(place / "artifact" / "code" / "network.npz")
    receipt = place / "artifact" / "receipt.json"
    receipt.write_text(json.dumps({**json.loads(receipt.read_text()), "weights_sha256": "other"}))
    return pack(place / "artifact", place / "worse")


def taken(channel: Path, model: Path, place: Path, *, code: int = 0) -> Any:
    """What snapshot.py has written of a snapshot, or with another exit code its sentence."""
    output, message = place / "snapshot", place / "message"
    flags = {"--data": channel, "--model": model, "--output": output, "--message": message}
    assert snapshot.main([str(word) for pair in flags.items() for word in pair]) == code
    return message.read_text() if code else json.loads((output / "snapshot.json").read_text())


def compared(channel: Path, candidate: Path, serving: Path, place: Path) -> dict[str, Any]:
    """What compare.py has found."""
    flags = {"--data": channel, "--candidate": candidate, "--serving": serving, "--output": place / "comparison"}
    assert compare.main([str(word) for pair in flags.items() for word in pair]) == 0
    return dict(json.loads((place / "comparison" / "comparison.json").read_text()))


def test_what_the_model_has_learnt_from_is_known_again(run_folder: Path, model: Path, tmp_path: Path) -> None:
    """By what is in the files; one other label makes it new."""
    found = taken(run_folder / "training", model, tmp_path)
    assert (found["train"], found["test"]) == (400, 100)
    assert found["data"] == found["known"]
    other = tmp_path / "other"
    shutil.copytree(run_folder / "training", other)
    labels = np.load(other / "lego-simple-train-labels.npy")
    labels[0] = (labels[0] + 1) % 10
    np.save(other / "lego-simple-train-labels.npy", labels)
    changed = taken(other, model, tmp_path / "again")
    assert changed["known"] == found["known"] != changed["data"]


def test_a_snapshot_is_what_was_there(run_folder: Path, model: Path, tmp_path: Path) -> None:
    """Byte by byte: the training job and the comparison read it in the place of the originals."""
    taken(run_folder / "training", model, tmp_path)
    for file in (run_folder / "training").glob("*.npy"):
        assert (tmp_path / "snapshot" / file.name).read_bytes() == file.read_bytes()


def test_held_out_images_are_not_learnt_from(channel: Path, model: Path, tmp_path: Path) -> None:
    """Two that are in both parts judge what knows them: refused, with their number."""
    images = np.load(channel / "lego-simple-train-images.npy")
    images[:2] = np.load(channel / "lego-simple-test-images.npy")[5:7]
    np.save(channel / "lego-simple-train-images.npy", images)
    said = taken(channel, model, tmp_path, code=1)
    assert said.startswith("2 of the 100 images in lego-simple-test-images.npy are among the training images too")


def test_what_is_no_data_is_told_in_a_sentence(channel: Path, model: Path, tmp_path: Path) -> None:
    """Whatever somebody has put there; nothing is trained with it."""
    (channel / "lego-simple-train-images.npy").write_bytes(b"no array")
    said = taken(channel, model, tmp_path, code=1)
    assert said.startswith("lego-simple-train-images.npy is not a readable NumPy file")
    assert taken(channel, tmp_path, tmp_path / "again", code=1)


def test_a_worse_model_is_told_from_the_one_that_serves(
    run_folder: Path, model: Path, worse: Path, tmp_path: Path
) -> None:
    """By all images, and by the class of which it has lost most; the other way round it is a gain without a loss."""
    channel = run_folder / "training"
    found = compared(channel, worse, model, tmp_path)
    assert found["candidate"]["accuracy"] == 0.1
    assert found["gain"] == pytest.approx(0.1 - found["serving"]["accuracy"])
    assert found["lost_most"] in LABELS[1:]
    assert found["loss"] == max(
        found["serving"]["per_class_accuracy"][label] - found["candidate"]["per_class_accuracy"][label]
        for label in LABELS
    )
    assert found["same"] is False
    back = compared(channel, model, worse, tmp_path / "back")
    assert back["gain"] == -found["gain"]


def test_the_same_model_is_known(run_folder: Path, model: Path, tmp_path: Path) -> None:
    """No gain, no loss, and equal weights."""
    found = compared(run_folder / "training", model, model, tmp_path)
    assert (found["gain"], found["loss"], found["same"]) == (0, 0, True)


def test_a_model_without_its_numpy_form_is_asked_as_a_saved_model(
    trained: Any, run_folder: Path, model: Path, tmp_path: Path
) -> None:
    """As the endpoint does where network.npz was left out."""
    shutil.copytree(trained.artifact, tmp_path / "artifact")
    (tmp_path / "artifact" / "code" / "network.npz").unlink()
    found = compared(run_folder / "training", pack(tmp_path / "artifact", tmp_path / "bare"), model, tmp_path)
    assert found["gain"] == 0
