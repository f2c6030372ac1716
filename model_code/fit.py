"""Keras's training loop on TensorFlow, for one host with at most one GPU.

On several, Keras 3.15's `fit` fails under MultiWorkerMirroredStrategy (keras-team/keras#20585, open): custom_loop.py
trains there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from batches import TrainingBatches, batches_of

if TYPE_CHECKING:
    from data import Channel
    from history import History
    from hyperparameters import Hyperparameters


def train(model: keras.Model, channel: Channel, hyperparameters: Hyperparameters, history: History) -> None:
    """Train the compiled model for the epochs that `history` lacks."""
    training = TrainingBatches(channel.train, batch_size=hyperparameters.batch_size, seed=hyperparameters.seed)
    log = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, _: training.begin(epoch),
        on_epoch_end=lambda _, logs: history.add(logs),
    )
    model.fit(
        training.batches,
        initial_epoch=len(history.epochs),
        epochs=hyperparameters.epochs,
        validation_data=batches_of(channel.test),
        callbacks=[log],
        shuffle=False,  # the dataset does it
        verbose=0,
    )
