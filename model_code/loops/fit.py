"""Keras's own `fit`, fed by tf.data: the next batch is ready when it is wanted. For trainings of few images.

For one host with at most one GPU. On several, Keras 3.15's `fit` fails under MultiWorkerMirroredStrategy
(keras-team/keras#20585, open): custom.py trains there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from loops.batches import TrainingBatches
from model import TEST_BATCH_SIZE

if TYPE_CHECKING:
    from checkpoints import History
    from data import Channel
    from hyperparameters import Hyperparameters


def fit(model: keras.Model, channel: Channel, hyperparameters: Hyperparameters, history: History) -> None:
    """Train the compiled model for the epochs that `history` lacks."""
    training = TrainingBatches(channel.train, batch_size=hyperparameters.batch_size, seed=hyperparameters.seed)
    test = tf.data.Dataset.from_tensor_slices((channel.test.images, channel.test.labels)).batch(TEST_BATCH_SIZE)
    model.fit(
        training.batches,
        initial_epoch=len(history.epochs),
        epochs=hyperparameters.epochs,
        validation_data=test,
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, _: training.begin(epoch),
                on_epoch_end=lambda _, logs: history.add(logs),
            )
        ],
        shuffle=False,  # the batches come in their own order
        verbose=0,
    )
