"""What training leaves for those who watch the model later: measurements of images that it was not trained with.

They are held-out ones, for a network is surer of those that it has learnt from than it ever will be of any other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitoring.measurements import Measurements
from network import HiddenLayers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from data import Part

    Array = npt.NDArray[np.float32]

FOLDER = "monitoring"
_MOST_IMAGES = 5000
_SHOWN = 16
_MEASURED, _IMAGES, _QUALITY = "baseline.npz", "images.npy", "quality.json"


@dataclass(frozen=True)
class Baseline:
    """Measurements of held-out images, some of these images (k, 48, 48), and how many of all were answered right."""

    measurements: Measurements
    images: Array
    right: int
    answered: int

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` has written to an artifact's folder FOLDER."""
        quality = json.loads((folder / _QUALITY).read_text(encoding="utf-8"))
        images = np.load(folder / _IMAGES).astype(np.float32) / 255
        return cls(Measurements.read(folder / _MEASURED), images, quality["right"], quality["answered"])


def write(folder: Path, *, weights: Sequence[Array], test: Part, probabilities: Array) -> None:
    """Measure the held-out images; `weights` are the network's, `probabilities` (n, 10) what it says of them."""
    folder.mkdir(parents=True, exist_ok=True)
    images = test.images[:_MOST_IMAGES]
    Measurements.of(images, probabilities[:_MOST_IMAGES], HiddenLayers(weights[:-2])).write(folder / _MEASURED)
    chosen = np.linspace(0, len(images) - 1, min(_SHOWN, len(images))).astype(int)
    np.save(folder / _IMAGES, np.round(images[chosen] * 255).astype(np.uint8))
    right = int((probabilities.argmax(axis=1) == test.labels).sum())
    quality = {"right": right, "answered": len(test.labels)}
    (folder / _QUALITY).write_text(json.dumps(quality) + "\n", encoding="utf-8")
