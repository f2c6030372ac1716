"""What is measured of images and of what the network makes of them: the same in training and of what is captured.

Noise is Immerkaer's estimate, "Fast Noise Variance Estimation", 1996: what is left of an image when its lines and
areas are taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from network import HiddenLayers

    Array = npt.NDArray[np.float32]

INPUT, BEHAVIOUR = ("brightness", "contrast", "noise"), ("confidence", "entropy")
"""What is measured of an image, and of an answer."""


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Of n images: a number of each (n,) by the names of INPUT and BEHAVIOUR; the classes that were answered (n,).

    `hidden` (n, d) is what the network's last hidden layer makes of them.
    """

    numbers: dict[str, Array]
    hidden: Array
    classes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, images: Array, probabilities: Array, hidden: HiddenLayers) -> Self:
        """Measure images (n, 48, 48) 0..1 and the answers to them, probabilities (n, 10)."""
        entropy = -(probabilities * np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))).sum(axis=1)
        numbers = {
            "brightness": images.mean(axis=(1, 2)),
            "contrast": images.std(axis=(1, 2)),
            "noise": _noise(images),
            "confidence": probabilities.max(axis=1),
            "entropy": entropy,
        }
        values = hidden(images) if len(images) else np.empty((0, 0), np.float32)
        return cls(numbers=numbers, hidden=values, classes=probabilities.argmax(axis=1))

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read what `write` has written."""
        with np.load(file) as content:
            numbers = {name: content[name] for name in (*INPUT, *BEHAVIOUR)}
            return cls(numbers=numbers, hidden=content["hidden"], classes=content["classes"])

    def write(self, file: Path) -> None:
        """Write all of it, as an .npz file."""
        np.savez(file, hidden=self.hidden, classes=self.classes, **self.numbers)  # type: ignore[arg-type]  # NumPy's stub

    def __len__(self) -> int:
        return len(self.classes)


def _noise(images: Array) -> Array:
    """Return the deviation of each image's noise (n,)."""
    across = images[:, :, :-2] - 2 * images[:, :, 1:-1] + images[:, :, 2:]
    both = across[:, :-2] - 2 * across[:, 1:-1] + across[:, 2:]
    estimate: Array = np.abs(both).mean(axis=(1, 2)) * np.float32(sqrt(pi / 2) / 6)
    return estimate
