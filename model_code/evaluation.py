"""How good the trained network is on the test images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from data import LABELS
from model import TEST_BATCH_SIZE

if TYPE_CHECKING:
    import keras
    import numpy.typing as npt

    from checkpoints import Epoch
    from data import Part


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The outcome of one training run.

    `history` has one dictionary an epoch (loss, accuracy, val_loss, val_accuracy).
    `confusion_matrix` (10, 10) counts test images: row = what it is, column = what the network says.
    """

    test_loss: float
    test_accuracy: float
    history: list[Epoch]
    confusion_matrix: npt.NDArray[np.int64]

    def to_json(self) -> dict[str, Any]:
        """Return the content of metrics.json; a class without a test image has the accuracy null."""
        correct, count = self.confusion_matrix.diagonal(), self.confusion_matrix.sum(axis=1)
        return {
            "test_loss": self.test_loss,
            "test_accuracy": self.test_accuracy,
            "per_class_accuracy": {
                label: float(correct[i] / count[i]) if count[i] else None for i, label in enumerate(LABELS)
            },
            "confusion_matrix": self.confusion_matrix.tolist(),
            "history": self.history,
        }


def evaluate(model: keras.Model, test: Part, history: list[Epoch]) -> tuple[Metrics, npt.NDArray[np.float32]]:
    """Judge the trained model by the test images; also return their probabilities, (n, 10)."""
    loss, accuracy = model.evaluate(test.images, test.labels, batch_size=TEST_BATCH_SIZE, verbose=0)
    probabilities: npt.NDArray[np.float32] = model.predict(test.images, batch_size=TEST_BATCH_SIZE, verbose=0)
    return Metrics(
        test_loss=float(loss),
        test_accuracy=float(accuracy),
        history=history,
        confusion_matrix=_confusion_matrix(test.labels, probabilities.argmax(axis=1)),
    ), probabilities


def _confusion_matrix(labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Count how often each label (row) was predicted as each class (column); both are (n,), 0..9."""
    classes = len(LABELS)
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
