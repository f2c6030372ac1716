"""In which order an epoch sees the images, with every backend and on every host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def order_of(count: int, *, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Return the numbers 0..count-1 in the order of this epoch, counted from 0."""
    return np.random.default_rng((seed, epoch)).permutation(count)
