"""A whole epoch as one program that XLA compiles: 5 to 7 times as fast as `model.fit(images, labels)`.

Python calls TensorFlow once an epoch, where `fit` does it for every few batches. The arithmetic is that of `fit`, by
Keras's own train_step and test_step; XLA adds up in another order, which moves weights by less than 1e-5
(`./lab bench train`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from loops.batches import Batches, TrainingBatches

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from checkpoints import History
    from data import Channel
    from hyperparameters import Hyperparameters

_WORTH_COMPILING = 60_000
"""Images in all epochs together: compiling takes about as long as an epoch's program saves on so many."""


def worth_compiling(images: int, *, epochs: int) -> bool:
    """Return whether a training is shorter with compiled epochs, and they can be compiled: the images lie with the CPU.

    `epochs` are those of the whole training, not of what is left of it, so that a resumed one ends with the same
    weights.
    """
    return images * epochs >= _WORTH_COMPILING and not tf.config.list_physical_devices("GPU")


def fit(model: keras.Model, channel: Channel, hyperparameters: Hyperparameters, history: History) -> None:
    """Train the compiled model for the epochs that `history` lacks."""
    training = TrainingBatches(channel.train, batch_size=hyperparameters.batch_size, seed=hyperparameters.seed)
    learn = _every_batch(model, model.train_step, training)
    judge = _every_batch(model, model.test_step, Batches(channel.test))
    for epoch in range(len(history.epochs), hyperparameters.epochs):
        training.begin(epoch)
        learnt, judged = learn(), judge()
        history.add({**learnt, **{f"val_{name}": value for name, value in judged.items()}})


def _every_batch(
    model: keras.Model, step: Callable[[Any], Any], batches: Batches
) -> Callable[[], dict[str, tf.Tensor]]:
    """Return a function that calls Keras's `step` for all batches, and returns loss and accuracy over them."""

    def one(start: tf.Tensor, size: int) -> None:
        step(batches.batch_from(start, size=size))

    program = tf.function(lambda: batches.each(one), jit_compile=True)

    def epoch() -> dict[str, tf.Tensor]:
        model.reset_metrics()
        program()
        numbers: dict[str, tf.Tensor] = model.get_metrics_result()
        return numbers

    return epoch
