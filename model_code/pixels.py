"""The one rule of what a picture's values may be, for training files and for requests alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bricks import SIDE

if TYPE_CHECKING:
    import numpy.typing as npt

_RULE = f"needs (n, {SIDE}, {SIDE}) uint8 0..255 or float 0..1"


def scaled(images: npt.NDArray[Any], source: str) -> npt.NDArray[np.float32]:
    """Return the images as float32 0..1, shape (n, 48, 48).

    `images` is uint8 0..255, or float32 or float64 0..1. `source` is what the error's sentence names.
    Raises ValueError for any other shape or type, no image at all, NaN, infinity, or values outside 0..1.
    """
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or len(images) == 0:  # noqa: PLR2004
        raise ValueError(f"{source} has shape {images.shape}; it {_RULE}.")
    if images.dtype == np.uint8:
        shares: npt.NDArray[np.float32] = np.divide(images, 255, dtype=np.float32)
        return shares
    if images.dtype not in (np.float32, np.float64):
        raise ValueError(f"{source} holds {images.dtype} values; it {_RULE}.")
    lowest, highest = images.min(), images.max()
    if lowest >= 0 and highest <= 1:  # NaN makes both of them NaN
        return images.astype(np.float32)
    if np.isfinite(lowest) and np.isfinite(highest):
        raise ValueError(f"{source} holds values from {lowest:g} to {highest:g}; it {_RULE}.")
    raise ValueError(f"{source} holds NaN or infinite values; it {_RULE}.")
