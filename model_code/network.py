"""The trained network in NumPy alone: the same layers and weights, so answers need no TensorFlow and no second process.

One picture takes 0.04 ms here, 0.25 ms in TensorFlow's SavedModel, 36 ms in Keras's predict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[np.float32]


class Network:
    """Dense layers: all have relu, the last softmax. `weights` are Keras's: a kernel and a bias for each layer."""

    def __init__(self, weights: Sequence[Array]) -> None:
        self._weights = weights
        self._layers = list(zip(weights[::2], weights[1::2], strict=True))

    @classmethod
    def read(cls, file: Path) -> Network:
        """Read what `write` has written."""
        with np.load(file) as content:
            return cls([content[name] for name in content.files])

    def write(self, file: Path) -> None:
        """Write the weights, as an .npz file."""
        np.savez(file, *self._weights)

    def __call__(self, images: Array) -> Array:
        """Return the probabilities (n, 10) of images (n, 48, 48) float32 0..1."""
        values = images.reshape(len(images), -1)
        *hidden, (kernel, bias) = self._layers
        for hidden_kernel, hidden_bias in hidden:
            values = values @ hidden_kernel
            values += hidden_bias
            np.maximum(values, 0, out=values)
        values = values @ kernel
        values += bias
        values -= values.max(axis=1, keepdims=True)  # exp of a large number would be infinite
        np.exp(values, out=values)
        values /= values.sum(axis=1, keepdims=True)
        return values
