"""Who is taken for whom: a network's answers for pictures whose classes are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data import LABELS

if TYPE_CHECKING:
    import numpy.typing as npt


def confusion_matrix(labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Count how often each label (row) was predicted as each class (column); both are (n,), 0..9."""
    classes = len(LABELS)
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def per_class_accuracy(matrix: npt.NDArray[np.int64]) -> dict[str, float | None]:
    """Return the share of each class's pictures that is right, by its name; None for a class without a picture."""
    correct, count = matrix.diagonal(), matrix.sum(axis=1)
    return {label: float(correct[i] / count[i]) if count[i] else None for i, label in enumerate(LABELS)}
