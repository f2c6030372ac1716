"""One training run: train, evaluate, and write the artifact and the pictures."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import backend
from checkpoints import Checkpoints
from export import write_artifact
from history import History, print_line
from learner import Learner
from metrics import Metrics, confusion_matrix
from model import TEST_BATCH_SIZE
from pictures import write_pictures
from receipt import identity_of, make_inputs, make_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import keras
    import numpy as np
    import numpy.typing as npt

    from data import Channel, Part
    from event_log import EventLog
    from folders import Folders
    from history import Epoch
    from hosts import Hosts
    from hyperparameters import Hyperparameters


def run(channel: Channel, *, folders: Folders, hyperparameters: Hyperparameters, hosts: Hosts) -> None:
    """Train on `channel.train`, judge by `channel.test`, fill the folders `artifact` and `pictures`.

    Prints one line an epoch and one at the end, which the training job's MetricDefinitions read. Of several hosts only
    the chief prints and writes.
    """
    learner = Learner(hyperparameters, hosts)
    if not hosts.chief:
        learner.learn(channel, History(epochs=learner.resume(None)))
        return
    inputs = make_inputs(folders=folders, hyperparameters=hyperparameters)
    notes: list[Callable[[Sequence[Epoch]], object]] = []
    done, event_log = None, _event_log(folders, hyperparameters)
    if folders.checkpoints:
        # Kept first: whoever has seen an epoch's line knows that it need not be done again.
        checkpoints = Checkpoints(folders.checkpoints, identity=identity_of(inputs))
        done = checkpoints.latest(epochs=hyperparameters.epochs)
        notes.append(partial(checkpoints.save, learner.model))
    if event_log:
        notes.append(event_log.note)
    notes.append(partial(print_line, of=hyperparameters.epochs))
    history = History(epochs=learner.resume(done), notes=notes)
    learner.learn(channel, history)
    model = learner.trained()
    metrics, probabilities = evaluate(model, channel.test, history.epochs)
    print(f"test_loss={metrics.test_loss:.4f} test_accuracy={metrics.test_accuracy:.4f}", flush=True)
    receipt = make_receipt(inputs, model=model, metrics=metrics)
    write_artifact(
        model, folders=folders, metrics=metrics, receipt=receipt, test=channel.test, probabilities=probabilities
    )
    write_pictures(folders.pictures, metrics=metrics, test=channel.test, probabilities=probabilities)
    if event_log:
        event_log.finish(len(history.epochs), confusion=folders.pictures / "confusion.png")
    if backend.NAME != "tensorflow":
        print(f"Trained with {receipt['trained_with']}, exported as {receipt['format']}.", flush=True)


def evaluate(model: keras.Model, test: Part, history: list[Epoch]) -> tuple[Metrics, npt.NDArray[np.float32]]:
    """Judge the trained model by the test images; also return their probabilities, (n, 10)."""
    loss, accuracy = model.evaluate(test.images, test.labels, batch_size=TEST_BATCH_SIZE, verbose=0)
    probabilities: npt.NDArray[np.float32] = model.predict(test.images, batch_size=TEST_BATCH_SIZE, verbose=0)
    return Metrics(
        test_loss=float(loss),
        test_accuracy=float(accuracy),
        history=history,
        confusion_matrix=confusion_matrix(test.labels, probabilities.argmax(axis=1)),
    ), probabilities


def _event_log(folders: Folders, hyperparameters: Hyperparameters) -> EventLog | None:
    """TensorBoard's log, where it is asked for and TensorBoard is installed."""
    if folders.event_log is None or find_spec("tensorboard") is None:
        return None
    from event_log import EventLog  # noqa: PLC0415

    return EventLog(folders.event_log, hyperparameters=hyperparameters)
