"""Keras's training loop on TensorFlow, for one host with at most one GPU.

On several, Keras 3.15's `fit` fails under MultiWorkerMirroredStrategy (keras-team/keras#20585, open): custom_loop.py
trains there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from batches import Batches, TrainingBatches, batches_of
from whole_epoch import compile_epochs, one_batch, uncompile_epochs, worth_compiling

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
    if worth_compiling(training.count, epochs=hyperparameters.epochs):
        compile_epochs(model, training=training, test=Batches(channel.test))
        whole = {"steps_per_epoch": 1, "validation_steps": 1}
        batches, validation_data = one_batch(), one_batch()
    else:
        whole, batches, validation_data = {}, training.batches, batches_of(channel.test)
    model.fit(
        batches,
        initial_epoch=len(history.epochs),
        epochs=hyperparameters.epochs,
        validation_data=validation_data,
        callbacks=[log],
        shuffle=False,  # the batches come in their own order
        verbose=0,
        **whole,
    )
    uncompile_epochs(model)
