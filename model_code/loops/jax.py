"""A whole epoch as one JAX program, Keras's train_step in a lax.scan: 6 to 11 times as fast as TensorFlow's `fit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax import lax

from data import epoch_order
from model import TEST_BATCH_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import keras

    from checkpoints import History
    from data import Channel, Part
    from hyperparameters import Hyperparameters

Arrays = tuple[jax.Array, jax.Array]
State = tuple[list[jax.Array], ...]

_MANY_PRODUCTS = 16_000_000
"""Weights times the images of a batch: a step with fewer loses more by YNNPACK's hand-overs than its products gain.

Measured on 2 cores: the lab's own network (9.4 million) is 1.2 x as fast without, one of 19 million as fast either way,
of 150 million 1.1 x as fast with it.
"""
_WITHOUT_YNNPACK = {"xla_cpu_experimental_ynn_fusion_type": ""}


class EpochProgram:
    """Keras's `step`, train_step or test_step, over all batches of a part in one call."""

    def __init__(
        self, model: keras.Model, step: Callable[[State, Arrays], tuple[Any, State]], part: Part, *, batch_size: int
    ) -> None:
        self._model, self._step, self._batch_size = model, step, batch_size
        self._part = jax.device_put(part.images), jax.device_put(part.labels)
        few = model.count_params() * batch_size < _MANY_PRODUCTS
        self._program = jax.jit(self._every_batch, donate_argnums=0, compiler_options=_WITHOUT_YNNPACK if few else None)

    def __call__(self, variables: Sequence[Sequence[Any]], order: Any) -> dict[str, Any]:
        """See the images in this order; `variables` are what the step takes and gives back beside the metrics'."""
        self._model.reset_metrics()
        groups = [*variables, self._model.metrics_variables]
        state = self._program(tuple([each.value for each in group] for group in groups), self._part, order)
        for group, values in zip(groups, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        numbers: dict[str, Any] = self._model.get_metrics_result()
        return numbers

    def _every_batch(self, state: State, part: Arrays, order: jax.Array) -> State:
        def batch(state: State, chosen: jax.Array) -> tuple[State, None]:
            images, labels = part
            return self._step(state, (images[chosen], labels[chosen]))[1], None

        full = len(order) - len(order) % self._batch_size
        state, _ = lax.scan(batch, state, order[:full].reshape(-1, self._batch_size))
        return batch(state, order[full:])[0] if full < len(order) else state


def fit(model: keras.Model, channel: Channel, hyperparameters: Hyperparameters, history: History) -> None:
    """Train the compiled model for the epochs that `history` lacks: the batches are TensorFlow's, image by image."""
    learned, fixed = model.trainable_variables, model.non_trainable_variables
    # Only after a call of its own has Keras made the variables of the metrics.
    model.evaluate(channel.test.images[:1], channel.test.labels[:1], verbose=0)
    training = EpochProgram(model, model.train_step, channel.train, batch_size=hyperparameters.batch_size)
    test = EpochProgram(model, model.test_step, channel.test, batch_size=TEST_BATCH_SIZE)
    first_to_last = np.arange(len(channel.test.labels))
    for epoch in range(len(history.epochs), hyperparameters.epochs):
        order = epoch_order(len(channel.train.labels), seed=hyperparameters.seed, epoch=epoch)
        numbers = training([learned, fixed, model.optimizer.variables], order)
        judged = test([learned, fixed], first_to_last)
        history.add({**numbers, **{f"val_{name}": value for name, value in judged.items()}})
