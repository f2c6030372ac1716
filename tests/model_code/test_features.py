"""features.py as a processing job runs it: the four files become rows of numbers and the model that makes them."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import features
from data import read_channel
from inference import FeaturesHandler
from network import HiddenLayers, Network
from tests.model_code.conftest import write_channel
from tests.model_code.test_inference import Context, npy, png

if TYPE_CHECKING:
    from pathlib import Path

UNITS = 16  # of the last hidden layer of the network that is `trained`


@pytest.fixture(scope="module")
def made(trained: Any, run_folder: Path) -> Path:
    """The output of a run for the hidden layer of the trained network."""
    network, output = run_folder / "network", run_folder / "features"
    network.mkdir()
    with tarfile.open(network / "model.tar.gz", "w:gz") as archive:
        archive.add(trained.artifact, ".")
    flags = {"--data": run_folder / "training", "--network": network, "--output": output}
    assert features.main([str(word) for pair in flags.items() for word in pair]) == 0
    return output


def rows(folder: Path) -> np.ndarray[Any, Any]:
    """The one file of a channel."""
    [file] = folder.iterdir()
    return np.loadtxt(file, delimiter=",", ndmin=2)


def test_a_row_has_the_label_and_the_hidden_layer_s_values(made: Path, run_folder: Path, trained: Any) -> None:
    """The weights are those that the endpoint of the network answers from."""
    channel = read_channel(run_folder / "training")
    with np.load(trained.artifact / "code" / "network.npz") as content:
        hidden = HiddenLayers([content[name] for name in content.files][:-2])
    for part, found in (("train", channel.train), ("test", channel.test)):
        written = rows(made / part)
        assert (written[:, 0] == found.labels).all()
        assert written.shape == (len(found.labels), 1 + UNITS)
        np.testing.assert_allclose(written[:, 1:], hidden(found.images), rtol=1e-5)


def test_the_model_answers_a_photo_with_its_row(made: Path, run_folder: Path, tmp_path: Path) -> None:
    """As CSV without a label, of the values that are learnt from; beside it lies the same as a SavedModel."""
    import tensorflow as tf

    with tarfile.open(made / "model" / "model.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    handler = FeaturesHandler(HiddenLayers.read(tmp_path / "code" / "features.npz"))
    images = read_channel(run_folder / "training").test.images[:3]
    learnt = rows(made / "test")[:3, 1:]
    for body, kind, count in ((npy(images), "application/x-npy", 3), (png(images[0]), "image/png", 1)):
        answer, content_type = handler(io.BytesIO(body), Context(kind))
        assert content_type == "text/csv"
        # What is computed of one picture and of many differs in the last digit.
        np.testing.assert_allclose(np.loadtxt(io.BytesIO(answer), delimiter=",", ndmin=2), learnt[:count], rtol=1e-5)
    # The container loads the code as it lies there, and takes its handler from it.
    loaded = "import inference; print(type(inference.handler).__name__)"
    said = subprocess.run(
        [sys.executable, "-c", loaded], cwd=tmp_path / "code", capture_output=True, text=True, check=True
    )
    assert said.stdout == "FeaturesHandler\n"
    (values,) = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"](tf.constant(images)).values()
    np.testing.assert_allclose(values, learnt, rtol=1e-4, atol=1e-6)


def test_pixels_are_the_features_without_a_network(tmp_path: Path) -> None:
    """Each from 0 to 1; for an algorithm that learns without labels there is none."""
    data, message = write_channel(tmp_path / "data"), tmp_path / "message"
    flags = ["--data", str(data), "--output", str(tmp_path / "out"), "--labels", "none", "--message", str(message)]
    assert features.main(flags) == 0
    images = read_channel(data).test.images
    np.testing.assert_allclose(rows(tmp_path / "out" / "test"), images.reshape(100, -1), atol=1e-6)
    assert message.read_text() == "400 training and 100 test images, 2304 pixels each."


@pytest.mark.parametrize("mistake", ["data", "network"])
def test_a_mistake_is_one_sentence(
    tmp_path: Path, run_folder: Path, trained: Any, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    """Data that is not there, and a network's folder without an artifact; SageMaker's exit message has it too."""
    assert trained
    places = {"data": run_folder / "training", "network": run_folder / "training", mistake: tmp_path / "none"}
    message = tmp_path / "message"
    flags = {**{f"--{name}": place for name, place in places.items()}, "--output": tmp_path / "out"}
    assert features.main([str(word) for pair in flags.items() for word in pair] + ["--message", str(message)]) == 1
    said = message.read_text()
    assert capsys.readouterr().err == f"{said}\n"
    assert ("is missing from" if mistake == "data" else "There is no model.tar.gz in") in said
    assert not (tmp_path / "out").exists()


def test_the_network_s_own_answers_are_what_they_were() -> None:
    """Probabilities of relu layers and a softmax, whether the hidden layers stand by themselves or not."""
    random = np.random.default_rng(3)
    weights = [random.normal(size=shape).astype(np.float32) for shape in ((2304, 8), (8,), (8, 10), (10,))]
    images = random.random((2, 48, 48), np.float32)
    logits = np.maximum(images.reshape(2, -1) @ weights[0] + weights[1], 0) @ weights[2] + weights[3]
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(Network(weights)(images), expected / expected.sum(axis=1, keepdims=True), rtol=1e-4)
