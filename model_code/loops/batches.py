"""Batches that TensorFlow cuts by itself, in each epoch's own order: no image goes through Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from data import epoch_order
from model import TEST_BATCH_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from data import Part


class Batches:
    """Batches of a part's images, first to last."""

    def __init__(self, part: Part, *, batch_size: int = TEST_BATCH_SIZE) -> None:
        self.count = len(part.labels)
        self.batch_size = batch_size
        # tf.data works on the CPU, and can't reach what lies on a GPU.
        with tf.device("CPU:0"):
            self._images, self._labels = tf.constant(part.images), tf.constant(part.labels)
            self._order = tf.Variable(np.arange(self.count))

    def batch_from(self, start: tf.Tensor, *, size: int | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the images and labels of the batch of `size` images that begins there."""
        return self.share_from(start, size=size, replica=0, replicas=1)

    def share_from(
        self, start: tf.Tensor, *, size: int | tf.Tensor, replica: int | tf.Tensor, replicas: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return one replica's images and labels of the batch of `size` images that begins there.

        Every image is one replica's. Of a batch that is smaller than the number of replicas some have nothing.
        """
        with tf.device("CPU:0"):
            chosen = tf.slice(self._order, [start], [size])[replica::replicas]
            return tf.gather(self._images, chosen), tf.gather(self._labels, chosen)

    def each(self, step: Callable[[tf.Tensor, int], object]) -> None:
        """Call `step` with the start of each batch and its size, in a TensorFlow function.

        Sizes are known when that function is made, which XLA wants: the last batch, if it is smaller, has a call of
        its own.
        """
        # The loop is all that TensorFlow has to rewrite; it takes seconds to look into Keras, too.
        step = tf.autograph.experimental.do_not_convert(step)
        rest = self.count % self.batch_size
        full = self.count - rest
        if full:  # asked in Python: XLA compiles even a loop that is never entered, and would miss its images
            for start in tf.range(0, full, self.batch_size):
                step(start, self.batch_size)
        if rest:
            step(tf.constant(full), rest)


class TrainingBatches(Batches):
    """Batches in an order of their own for each epoch; `begin` says which epoch that is.

    `batches` has one epoch's (images, labels), anew for every iterator. tf.data's own `shuffle` would not do: its order
    follows from how many iterators there were before, and `fit` makes more of them than it has epochs, so that no other
    loop would see the same one.
    """

    def __init__(self, train: Part, *, batch_size: int, seed: int) -> None:
        super().__init__(train, batch_size=batch_size)
        self._seed = seed
        starts = tf.data.Dataset.range(0, self.count, batch_size)
        self.batches = starts.map(self._batch_at).prefetch(tf.data.AUTOTUNE)

    def begin(self, epoch: int) -> None:
        """Give the iterators to come the order of this epoch, counted from 0."""
        self._order.assign(epoch_order(self.count, seed=self._seed, epoch=epoch))

    def _batch_at(self, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.batch_from(start, size=tf.minimum(self.count - start, self.batch_size))
