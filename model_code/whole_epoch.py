"""An epoch as one program that XLA compiles, in the place of a call into TensorFlow for every few batches.

The arithmetic is the same; XLA adds up in another order, which moves weights by less than 1e-5 (`./lab bench train`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from batches import Batches, TrainingBatches

_WORTH_COMPILING = 60_000
"""Images in all epochs together: compiling takes about as long as an epoch's program saves on so many."""


def worth_compiling(images: int, *, epochs: int) -> bool:
    """Whether a whole training is shorter with compiled epochs, and they can be compiled: the images lie with the CPU.

    Follows from the whole training, not from what is left of it, so that a resumed one ends with the same weights.
    """
    return images * epochs >= _WORTH_COMPILING and not tf.config.list_physical_devices("GPU")


def one_program(function: Callable[[], Any], *, compiled: bool) -> Callable[[], Any]:
    """Return the function as one of TensorFlow's, or of XLA's."""
    program: Callable[[], Any] = tf.function(function, jit_compile=compiled)
    return program


def compile_epochs(model: keras.Model, *, training: TrainingBatches, test: Batches) -> None:
    """Let `fit` take Keras's own train_step and test_step for all batches in one call; it is given one batch an epoch.

    Until `uncompile_epochs`, `model` learns from and is judged by these batches, whatever its methods are given.
    """
    model.train_function = _every_batch(model, model.train_step, training)
    model.test_function = _every_batch(model, model.test_step, test)


def uncompile_epochs(model: keras.Model) -> None:
    """Give `model` back to whoever wants to train or judge it in Keras's usual way."""
    model.train_function = model.test_function = None


def one_batch() -> tf.data.Dataset:
    """Return what `fit` gets for its batches when it is to make one call an epoch; what is in it, nobody looks at."""
    return tf.data.Dataset.from_tensors(0).repeat()


def _every_batch(model: keras.Model, step: Callable[[Any], Any], batches: Batches) -> Callable[[Any], Any]:
    def one(start: tf.Tensor, size: int) -> None:
        step(batches.batch_from(start, size=size))

    program = one_program(lambda: batches.each(one), compiled=True)

    def epoch(_: object) -> Any:
        program()
        return model.get_metrics_result()

    return epoch
