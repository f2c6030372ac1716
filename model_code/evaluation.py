"""How good the trained network is on the test images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confusion import confusion_matrix, per_class_accuracy
from model import TEST_BATCH_SIZE

if TYPE_CHECKING:
    import keras
    import numpy as np
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
        return {
            "test_loss": self.test_loss,
            "test_accuracy": self.test_accuracy,
            "per_class_accuracy": per_class_accuracy(self.confusion_matrix),
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
        confusion_matrix=confusion_matrix(test.labels, probabilities.argmax(axis=1)),
    ), probabilities
