"""What a training leaves for other runtimes: it answers as the network does, or is not there."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from data import read_channel
from tests.model_code.conftest import MODEL_CODE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMS = {"model.tflite": {"model.tflite"}, "tfjs": {"tfjs/model.json", "tfjs/weights.bin"}}
_LAYERS = """keras.layers.Reshape((SIDE, SIDE, 1)),
        keras.layers.Conv2D(8, 5, strides=2, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.MaxPooling2D(),
        keras.layers.Dropout(0.1),
        keras.layers.Flatten(),"""


@pytest.fixture(scope="module")
def convolutional(run_folder: Path, trained: Any, run_train: Callable[..., Any]) -> Any:
    """A training with the model.py that a student has put a convolution into."""
    assert trained.artifact.is_dir()  # by then there is the channel, too
    code = run_folder / "student"
    shutil.copytree(MODEL_CODE, code)
    text = (code / "model.py").read_text()
    (code / "model.py").write_text(text.replace("keras.layers.Flatten(),", _LAYERS))
    flags = ("--epochs", "2", "--batch_size", "16", "--hidden_units", "128", "--learning_rate", "0.005")
    return run_train(run_folder / "training", run_folder / "convolutional", *flags, code=code)


@pytest.fixture(params=["trained", "convolutional"])
def run(request: pytest.FixtureRequest) -> Any:
    """Each of the two trainings."""
    return request.getfixturevalue(request.param)


def test_the_receipt_has_hashes_and_differences(run: Any) -> None:
    """Of each form: the hash of each of its files, their bytes together, the runtime, at most 1e-5 of difference."""
    exports = json.loads((run.artifact / "receipt.json").read_text())["exports"]
    assert 0 <= exports.pop("saved_model")["differs_by"] <= 1e-5
    assert {name: set(row["sha256"]) for name, row in exports.items()} == FORMS
    for row in exports.values():
        files = {name: (run.artifact / "exports" / name).read_bytes() for name in row["sha256"]}
        assert row["sha256"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        assert row["bytes"] == sum(map(len, files.values()))
        assert 0 <= row["differs_by"] <= 1e-5
        assert row["runtime"]


@pytest.mark.parametrize(("name", "endpoint"), [("trained", "code/network.npz"), ("convolutional", "1")])
def test_the_receipt_has_a_table_of_all_ways(request: pytest.FixtureRequest, name: str, endpoint: str) -> None:
    """Each with the form that answers, which is in the artifact, and by how much it differs from the network: 1e-5."""
    run = request.getfixturevalue(name)
    ways = json.loads((run.artifact / "receipt.json").read_text())["ways"]
    assert {way: row["form"] for way, row in ways.items()} == {
        "endpoint": endpoint,
        "rest": endpoint,
        "lambda": "exports/model.tflite",
        "edge": "exports/model.tflite",
        "web": "exports/tfjs",
        "c++": "1",
    }
    for row in ways.values():
        assert (run.artifact / row["form"]).exists()
        assert 0 <= row["differs_by"] <= 1e-5


def test_litert_answers_as_the_saved_model_does(run: Any, run_folder: Path) -> None:
    """For all test images at once and for one, in the order of classes."""
    import tensorflow as tf

    from litert import LiteRTNetwork

    images = read_channel(run_folder / "training").test.images
    model = tf.saved_model.load(str(run.artifact / "1"))
    expected = model.serve(tf.constant(images)).numpy()
    network = LiteRTNetwork((run.artifact / "exports" / "model.tflite").read_bytes())
    for count in (len(images), 1, 7):
        np.testing.assert_allclose(network(images[:count]), expected[:count], rtol=0, atol=1e-5)
