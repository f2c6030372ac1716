"""The four files of a training channel, with pictures of noise: times do not depend on what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, *, train: int, test: int) -> None:
    """Write so many images of each part, and their labels."""
    rng = np.random.default_rng(0)
    for part, count in (("train", train), ("test", test)):
        np.save(folder / f"lego-simple-{part}-images.npy", rng.integers(0, 256, (count, 48, 48), dtype=np.uint8))
        np.save(folder / f"lego-simple-{part}-labels.npy", np.arange(count) % 10)
