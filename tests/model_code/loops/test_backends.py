"""Keras on JAX and PyTorch, against TensorFlow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.support.interpreters import python_with
from data import read_channel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FLAGS = ("--epochs", "4", "--batch_size", "16", "--hidden_units", "32,16", "--seed", "5", "--learning_rate", "0.005")


@pytest.fixture(scope="module", params=["jax", "torch"])
def backend(request: pytest.FixtureRequest, trained: Any, run_folder: Path, run_train: Callable[..., Any]) -> Any:
    """The name of a backend, and a training run by it on the data and with the flags of `trained`."""
    assert trained.artifact.is_dir()  # by then there is the channel, too
    name = request.param
    python = str(python_with(name))
    return name, run_train(run_folder / "training", run_folder / name, *FLAGS, "--backend", name, python=python)


def test_every_backend_learns_the_bricks(backend: Any, trained: Any) -> None:
    """Its accuracy is TensorFlow's, within two of a hundred test images; so it goes with the training images."""
    ours, theirs = (json.loads((run.artifact / "metrics.json").read_text()) for run in (backend[1], trained))
    assert ours["test_accuracy"] == pytest.approx(theirs["test_accuracy"], abs=0.02)
    assert ours["history"][-1]["accuracy"] == pytest.approx(theirs["history"][-1]["accuracy"], abs=0.02)
    assert len(ours["history"]) == len(theirs["history"])


def test_the_artifact_is_tensorflow_s(backend: Any, run_folder: Path) -> None:
    """TensorFlow serves what the backend has trained: its SavedModel makes the very mistakes that metrics.json has."""
    import tensorflow as tf

    name, run = backend
    test = read_channel(run_folder / "training").test
    saved = tf.saved_model.load(str(run.artifact / "1"))
    served = saved.serve(test.images)
    metrics, receipt = (json.loads((run.artifact / f"{file}.json").read_text()) for file in ("metrics", "receipt"))
    right = served.numpy().argmax(axis=1) == test.labels
    assert np.mean(right) == pytest.approx(metrics["test_accuracy"])
    assert receipt["trained_with"].split()[0] == receipt["hyperparameters"]["backend"] == name
    assert f"Trained with {receipt['trained_with']}, exported as TensorFlow SavedModel." in run.output
