"""The training loop written out: what `fit` does, step by step.

Same batches, order, optimizer and arithmetic as `fit`, hence the same history and weights: on a CPU bit for bit, with
TensorFlow 2.21 and Keras 3.15. Not tried on a GPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from batches import TrainingBatches, batches_of
from history import History

if TYPE_CHECKING:
    from data import Channel
    from hyperparameters import Hyperparameters


def train(model: keras.Model, channel: Channel, hyperparameters: Hyperparameters) -> list[dict[str, float]]:
    """Train the compiled model and return its history: one dictionary an epoch."""
    training = TrainingBatches(channel.train, batch_size=hyperparameters.batch_size, seed=hyperparameters.seed)
    test = batches_of(channel.test)
    history = History(of=hyperparameters.epochs)
    loop = _Loop(model)
    for epoch in range(hyperparameters.epochs):
        training.begin(epoch)
        loss, accuracy = loop.learn(training.batches)
        val_loss, val_accuracy = loop.judge(test)
        history.add({"loss": loss, "accuracy": accuracy, "val_loss": val_loss, "val_accuracy": val_accuracy})
    return history.epochs


class _Loop:
    """One model's steps, and the means of loss and accuracy over them."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        # A graph may not make variables when it is called again, and Adam's are made when it first needs them.
        model.optimizer.build(model.trainable_variables)
        self._loss = keras.metrics.Mean()
        self._accuracy = keras.metrics.SparseCategoricalAccuracy()
        self._step = tf.function(self._learn_from, reduce_retracing=True)
        # A whole epoch is one call into TensorFlow: back to Python after every step, it took half as long again.
        self._learn_all = tf.function(self._learn_from_each)
        self._judge_all = tf.function(self._judge_by_each)

    def learn(self, batches: tf.data.Dataset) -> tuple[float, float]:
        """Take one step for each batch; return loss and accuracy over all of them."""
        self._reset()
        self._learn_all(iter(batches))
        return float(self._loss.result()), float(self._accuracy.result())

    def judge(self, batches: tf.data.Dataset) -> tuple[float, float]:
        """Return loss and accuracy over all batches, and learn nothing."""
        self._reset()
        self._judge_all(iter(batches))
        return float(self._loss.result()), float(self._accuracy.result())

    def _reset(self) -> None:
        self._loss.reset_state()
        self._accuracy.reset_state()

    def _learn_from_each(self, batches: tf.data.Iterator) -> None:
        for images, labels in batches:
            self._step(images, labels)

    def _judge_by_each(self, batches: tf.data.Iterator) -> None:
        for images, labels in batches:
            probabilities = self._model(images, training=False)
            self._note(labels, probabilities, _mean_loss(labels, probabilities))

    def _learn_from(self, images: tf.Tensor, labels: tf.Tensor) -> None:
        """Take one step: forward, loss, backward, update. `images` (n, 48, 48), `labels` (n,)."""
        weights = self._model.trainable_variables
        with tf.GradientTape() as tape:
            probabilities = self._model(images, training=True)
            loss = _mean_loss(labels, probabilities)
        gradients = tape.gradient(loss, weights)
        self._model.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        self._note(labels, probabilities, loss)

    def _note(self, labels: tf.Tensor, probabilities: tf.Tensor, loss: tf.Tensor) -> None:
        # The last batch may be smaller than the others, and counts for less.
        self._loss.update_state(loss, sample_weight=tf.shape(labels)[0])
        self._accuracy.update_state(labels, probabilities)


def _mean_loss(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
