"""Keras's training loop on PyTorch, which knows nothing of tf.data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from order import order_of

if TYPE_CHECKING:
    import keras

    from data import Channel
    from history import History
    from hyperparameters import Hyperparameters


def train(model: keras.Model, channel: Channel, hyperparameters: Hyperparameters, history: History) -> None:
    """Train the compiled model for the epochs that `history` lacks: the batches are TensorFlow's, image by image."""
    images, labels = channel.train.images, channel.train.labels
    for epoch in range(len(history.epochs), hyperparameters.epochs):
        order = order_of(len(labels), seed=hyperparameters.seed, epoch=epoch)
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
