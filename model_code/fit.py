"""One training run: fit, evaluate, and write the artifact and the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from export import write_artifact
from metrics import Metrics, confusion_matrix
from model import build, compile_model
from pictures import write_pictures
from receipt import make_receipt

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from data import Channel, Part
    from folders import Folders
    from hyperparameters import Hyperparameters

# It decides how many test images one step looks at, and changes no number.
_TEST_BATCH_SIZE = 256


def run(channel: Channel, *, folders: Folders, hyperparameters: Hyperparameters) -> None:
    """Train on `channel.train`, judge by `channel.test`, fill the folders `artifact` and `pictures`.

    Prints one line an epoch and one at the end, which the training job's MetricDefinitions read.
    """
    make_deterministic(hyperparameters.seed)
    model = build(hyperparameters.hidden_units)
    compile_model(model, learning_rate=hyperparameters.learning_rate)
    history = fit(model, channel, hyperparameters)
    metrics, probabilities = evaluate(model, channel.test, history)
    print(f"test_loss={metrics.test_loss:.4f} test_accuracy={metrics.test_accuracy:.4f}", flush=True)
    receipt = make_receipt(model=model, folders=folders, hyperparameters=hyperparameters, metrics=metrics)
    write_artifact(model, folders=folders, metrics=metrics, receipt=receipt)
    write_pictures(folders.pictures, metrics=metrics, test=channel.test, probabilities=probabilities)


def make_deterministic(seed: int) -> None:
    """Make equal runs give equal weights, bit for bit: one seed for all, and no operation that races."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit(model: keras.Model, channel: Channel, hyperparameters: Hyperparameters) -> list[dict[str, float]]:
    """Train the model and return its history: one dictionary an epoch."""
    examples = tf.data.Dataset.from_tensor_slices((channel.train.images, channel.train.labels))
    shuffled = examples.shuffle(len(channel.train.labels), seed=hyperparameters.seed)
    history: list[dict[str, float]] = []

    def log(epoch: int, logs: dict[str, float]) -> None:
        history.append({name: float(value) for name, value in logs.items()})
        numbers = " ".join(f"{name}={logs[name]:.4f}" for name in ("loss", "accuracy", "val_loss", "val_accuracy"))
        print(f"epoch={epoch + 1}/{hyperparameters.epochs} {numbers}", flush=True)

    model.fit(
        shuffled.batch(hyperparameters.batch_size).prefetch(tf.data.AUTOTUNE),
        epochs=hyperparameters.epochs,
        validation_data=_test_batches(channel.test),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=log)],
        shuffle=False,  # the dataset does it
        verbose=0,
    )
    return history


def evaluate(
    model: keras.Model, test: Part, history: list[dict[str, float]]
) -> tuple[Metrics, npt.NDArray[np.float32]]:
    """Judge the trained model by the test images; also return their probabilities, (n, 10)."""
    batches = _test_batches(test)
    loss, accuracy = model.evaluate(batches, verbose=0)
    probabilities: npt.NDArray[np.float32] = model.predict(batches, verbose=0)
    return Metrics(
        test_loss=float(loss),
        test_accuracy=float(accuracy),
        history=history,
        confusion_matrix=confusion_matrix(test.labels, probabilities.argmax(axis=1)),
    ), probabilities


def _test_batches(test: Part) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((test.images, test.labels)).batch(_TEST_BATCH_SIZE)
