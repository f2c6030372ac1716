"""Keras's `fit` written out, a whole epoch in one call: as fast as xla.py, and it trains on several hosts and GPUs.

Same batches, order, optimizer and arithmetic as `fit`, hence the same history and weights: on a CPU bit for bit, with
TensorFlow 2.21 and Keras 3.15. Under a distribution strategy each replica takes its share of every batch; gradients and
counts are added up over all replicas, which gives the same numbers but for the order of the additions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from loops.batches import Batches, TrainingBatches
from loops.xla import worth_compiling

if TYPE_CHECKING:
    from collections.abc import Callable

    from checkpoints import History
    from data import Channel
    from hyperparameters import Hyperparameters


def fit(model: keras.Model, channel: Channel, hyperparameters: Hyperparameters, history: History) -> None:
    """Train the compiled model, under the strategy that it was made under, for the epochs that `history` lacks."""
    training = TrainingBatches(channel.train, batch_size=hyperparameters.batch_size, seed=hyperparameters.seed)
    test = Batches(channel.test)
    alone = model.distribute_strategy.num_replicas_in_sync == 1
    compiled = alone and worth_compiling(training.count, epochs=hyperparameters.epochs)
    loop = _Loop(model, training=training, test=test, compiled=compiled)
    for epoch in range(len(history.epochs), hyperparameters.epochs):
        training.begin(epoch)
        loss, accuracy = loop.learn()
        val_loss, val_accuracy = loop.judge()
        history.add({"loss": loss, "accuracy": accuracy, "val_loss": val_loss, "val_accuracy": val_accuracy})


class _Loop:
    """One model's steps, and the sums of loss and accuracy over them."""

    def __init__(self, model: keras.Model, *, training: Batches, test: Batches, compiled: bool) -> None:
        self._model = model
        self._strategy = model.distribute_strategy
        self._training, self._test = training, test
        with self._strategy.scope():
            # A graph may not make variables when it is called again, and Adam's are made when it first needs them.
            model.optimizer.build(model.trainable_variables)
            # Each replica adds to its own; reading one adds up all of them.
            self._loss, self._right = (
                tf.Variable(
                    0.0,
                    trainable=False,
                    synchronization=tf.VariableSynchronization.ON_READ,
                    aggregation=tf.VariableAggregation.SUM,
                )
                for _ in range(2)
            )
        # A whole epoch is one call into TensorFlow: back to Python after every step, it took half as long again.
        self._learn_all = tf.function(self._on_every_replica(self._learn_from, training), jit_compile=compiled)
        self._judge_all = tf.function(self._on_every_replica(self._judge_by, test), jit_compile=compiled)

    def learn(self) -> tuple[float, float]:
        """Take one step for each batch; return loss and accuracy over all of them."""
        self._learn_all()
        return self._means(self._training.count)

    def judge(self) -> tuple[float, float]:
        """Return loss and accuracy over all test images, and learn nothing."""
        self._judge_all()
        return self._means(self._test.count)

    def _on_every_replica(self, step: Callable[[tf.Tensor, int], None], batches: Batches) -> Callable[[], None]:
        def one(start: tf.Tensor, size: int) -> None:
            self._strategy.run(step, args=(start, size))

        return lambda: batches.each(one)

    def _means(self, count: int) -> tuple[float, float]:
        with self._strategy.scope():
            # As Keras's metrics divide: in single precision.
            means = float(self._loss.read_value() / count), float(self._right.read_value() / count)
            for total in (self._loss, self._right):
                total.assign(0.0)
        return means

    def _learn_from(self, start: tf.Tensor, size: int) -> None:
        """Take one step with this replica's share: forward, loss, backward, update by all replicas' gradients."""
        images, labels = self._share(self._training, start, size)  # (n, 48, 48), (n,)
        weights = self._model.trainable_variables
        with tf.GradientTape() as tape:
            probabilities = self._model(images, training=True)
            loss = _share_of_loss(labels, probabilities, size)
        gradients = tape.gradient(loss, weights)
        self._model.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        self._note(labels, probabilities, loss, size)

    def _judge_by(self, start: tf.Tensor, size: int) -> None:
        images, labels = self._share(self._test, start, size)
        probabilities = self._model(images, training=False)
        self._note(labels, probabilities, _share_of_loss(labels, probabilities, size), size)

    def _share(self, batches: Batches, start: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return batches.share_from(start, size=size, replica=replica, replicas=self._strategy.num_replicas_in_sync)

    def _note(self, labels: tf.Tensor, probabilities: tf.Tensor, loss: tf.Tensor, size: int) -> None:
        # The last batch may be smaller than the others, and counts for less.
        self._loss.assign_add(loss * size)
        right = tf.equal(tf.argmax(probabilities, axis=1), labels)
        self._right.assign_add(tf.reduce_sum(tf.cast(right, tf.float32)))


def _share_of_loss(labels: tf.Tensor, probabilities: tf.Tensor, size: int) -> tf.Tensor:
    """Return what these images add to the mean loss of the batch, which has `size` images on all replicas."""
    losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
    return tf.reduce_sum(losses) / size
