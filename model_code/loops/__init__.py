"""Going faster: the training loops that stand in the place of `model.fit(images, labels)`, and what each one buys.

Each has a function `fit(model, channel, hyperparameters, history)` that trains the compiled model for the epochs that
the history lacks. All see the same images in the same order; on one backend all end with the same weights but for
rounding. How much faster an epoch of the lab's network is than with textbook `model.fit(images, labels)`, for 480,
6,000 and 60,000 images, measured by `./lab bench train` on two cores:

    fit.py     Keras's own `fit`, fed by tf.data: the textbook's, for trainings of few images
    xla.py     a whole epoch is one program, Keras's own train_step in it       7.4, 6.1 and 5.4 times
    custom.py  the same with the step written out; trains on several hosts      9.7, 5.9 and 5.5 times
    jax.py     Keras on JAX: a whole epoch is one program                      11.5, 7.2 and 6.0 times
    torch.py   Keras's own `fit` on PyTorch: to compare with, not to be faster
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from checkpoints import History
    from data import Channel
    from hyperparameters import Hyperparameters

    Fit = Callable[[keras.Model, Channel, Hyperparameters, History], None]


def choose(hyperparameters: Hyperparameters, *, images: int, replicas: int) -> Fit:
    """Return the loop for so many training images, learnt from by so many replicas (hosts and GPUs) together.

    Follows from the whole training, not from what is left of it, so that a resumed one ends with the same weights.
    """
    # A process can't have two backends: the others' loops are not imported.
    if hyperparameters.backend == "jax":
        from loops.jax import fit
    elif hyperparameters.backend == "torch":
        from loops.torch import fit
    elif hyperparameters.loop == "custom" or replicas > 1:
        from loops.custom import fit
    else:
        from loops.xla import worth_compiling

        if worth_compiling(images, epochs=hyperparameters.epochs):
            from loops.xla import fit
        else:
            from loops.fit import fit
    return fit
