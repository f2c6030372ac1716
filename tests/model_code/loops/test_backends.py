"""Keras on PyTorch, against TensorFlow; on JAX it trains in the notebook of jobs, which tests/notebooks/ runs."""

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


@pytest.fixture(scope="module")
def on_torch(trained: Any, run_folder: Path, run_train: Callable[..., Any]) -> Any:
    """A training run by PyTorch on the data and with the flags of `trained`."""
    assert trained.artifact.is_dir()  # by then there is the channel, too
    python = str(python_with("torch"))
    return run_train(run_folder / "training", run_folder / "torch", *FLAGS, "--backend", "torch", python=python)


def test_another_backend_learns_the_bricks(on_torch: Any, trained: Any) -> None:
    """Its accuracy is TensorFlow's, within two of a hundred test images; so it goes with the training images."""
    ours, theirs = (json.loads((run.artifact / "metrics.json").read_text()) for run in (on_torch, trained))
    assert ours["test_accuracy"] == pytest.approx(theirs["test_accuracy"], abs=0.02)
    assert ours["history"][-1]["accuracy"] == pytest.approx(theirs["history"][-1]["accuracy"], abs=0.02)
    assert len(ours["history"]) == len(theirs["history"])


def test_the_artifact_is_tensorflow_s(on_torch: Any, run_folder: Path) -> None:
    """TensorFlow serves what the backend has trained: its SavedModel makes the very mistakes that metrics.json has."""
    import tensorflow as tf

    test = read_channel(run_folder / "training").test
    saved = tf.saved_model.load(str(on_torch.artifact / "1"))
    served = saved.serve(test.images)
    metrics, receipt = (json.loads((on_torch.artifact / f"{file}.json").read_text()) for file in ("metrics", "receipt"))
    right = served.numpy().argmax(axis=1) == test.labels
    assert np.mean(right) == pytest.approx(metrics["test_accuracy"])
    assert receipt["trained_with"].split()[0] == receipt["hyperparameters"]["backend"] == "torch"
    assert f"Trained with {receipt['trained_with']}, exported as TensorFlow SavedModel." in on_torch.output
