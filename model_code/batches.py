"""The images as training takes them: in batches, and in an order that follows from seed and epoch alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from data import Part

# It decides how many test images one step looks at, and changes no number.
_TEST_BATCH_SIZE = 256


class TrainingBatches:
    """`batches` has one epoch's (images, labels), anew for every iterator; `begin` says which epoch that is.

    tf.data's own `shuffle` would not do: its order follows from how many iterators there were before, and `fit`
    makes more of them than it has epochs, so that no other loop would see the same one.
    """

    def __init__(self, train: Part, *, batch_size: int, seed: int) -> None:
        self._seed, self._count = seed, len(train.labels)
        # tf.data works on the CPU, and can't reach what lies on a GPU.
        with tf.device("CPU:0"):
            images, labels = tf.constant(train.images), tf.constant(train.labels)
            self._order = tf.Variable(np.arange(self._count))

        def batch_from(start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            chosen = self._order[start : start + batch_size]
            return tf.gather(images, chosen), tf.gather(labels, chosen)

        starts = tf.data.Dataset.range(0, self._count, batch_size)
        self.batches = starts.map(batch_from).prefetch(tf.data.AUTOTUNE)

    def begin(self, epoch: int) -> None:
        """Give the iterators to come the order of this epoch, counted from 0."""
        self._order.assign(np.random.default_rng((self._seed, epoch)).permutation(self._count))


def batches_of(test: Part) -> tf.data.Dataset:
    """Return the test images' batches, always in the same order."""
    return tf.data.Dataset.from_tensor_slices((test.images, test.labels)).batch(_TEST_BATCH_SIZE)
