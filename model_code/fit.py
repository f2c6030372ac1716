"""One training run: fit, evaluate, and write the artifact and the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

import custom_loop
from batches import TrainingBatches, batches_of
from export import write_artifact
from history import History
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


def run(channel: Channel, *, folders: Folders, hyperparameters: Hyperparameters) -> None:
    """Train on `channel.train`, judge by `channel.test`, fill the folders `artifact` and `pictures`.

    Prints one line an epoch and one at the end, which the training job's MetricDefinitions read.
    """
    make_deterministic(hyperparameters.seed)
    model = build(hyperparameters.hidden_units)
    compile_model(model, learning_rate=hyperparameters.learning_rate)
    train = {"fit": fit, "custom": custom_loop.train}[hyperparameters.loop]
    history = train(model, channel, hyperparameters)
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
    """Train the compiled model and return its history: one dictionary an epoch."""
    training = TrainingBatches(channel.train, batch_size=hyperparameters.batch_size, seed=hyperparameters.seed)
    history = History(of=hyperparameters.epochs)
    log = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, _: training.begin(epoch),
        on_epoch_end=lambda _, logs: history.add(logs),
    )
    model.fit(
        training.batches,
        epochs=hyperparameters.epochs,
        validation_data=batches_of(channel.test),
        callbacks=[log],
        shuffle=False,  # the dataset does it
        verbose=0,
    )
    return history.epochs


def evaluate(
    model: keras.Model, test: Part, history: list[dict[str, float]]
) -> tuple[Metrics, npt.NDArray[np.float32]]:
    """Judge the trained model by the test images; also return their probabilities, (n, 10)."""
    batches = batches_of(test)
    loss, accuracy = model.evaluate(batches, verbose=0)
    probabilities: npt.NDArray[np.float32] = model.predict(batches, verbose=0)
    return Metrics(
        test_loss=float(loss),
        test_accuracy=float(accuracy),
        history=history,
        confusion_matrix=confusion_matrix(test.labels, probabilities.argmax(axis=1)),
    ), probabilities
