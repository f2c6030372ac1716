"""Keras's own `fit` on PyTorch, from arrays: no faster; it is there to compare PyTorch with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data import epoch_order

if TYPE_CHECKING:
    import keras

    from checkpoints import History
    from data import Channel
    from hyperparameters import Hyperparameters


def fit(model: keras.Model, channel: Channel, hyperparameters: Hyperparameters, history: History) -> None:
    """Train the compiled model for the epochs that `history` lacks: the batches are TensorFlow's, image by image."""
    images, labels = channel.train.images, channel.train.labels
    for epoch in range(len(history.epochs), hyperparameters.epochs):
        order = epoch_order(len(labels), seed=hyperparameters.seed, epoch=epoch)
        numbers = model.fit(
            images[order],
            labels[order],
            batch_size=hyperparameters.batch_size,
            validation_data=(channel.test.images, channel.test.labels),
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,  # the order does it
            verbose=0,
        ).history
        history.add({name: values[-1] for name, values in numbers.items()})
