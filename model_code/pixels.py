"""The one rule of what a picture's values may be, for training files and for requests alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bricks import SIDE

if TYPE_CHECKING:
    import numpy.typing as npt

_RULE = f"(n, {SIDE}, {SIDE}) uint8 0..255 or float 0..1"
_ONE = f"({SIDE}, {SIDE}) for one picture, or "


def scaled(images: npt.NDArray[Any], source: str, *, one: bool = False) -> npt.NDArray[np.float32]:
    """Return the images as float32 0..1, shape (n, 48, 48).

    `images` is uint8 0..255, or floats 0..1 of any precision and byte order; where `one` is true a single image
    (48, 48) will do. `source` is what the error's sentence names.
    Raises ValueError for any other shape or type, no image at all, NaN, infinity, or values outside 0..1.
    """
    sent = images.shape
    if one and sent == (SIDE, SIDE):
        images = images[np.newaxis]
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or len(images) == 0:  # noqa: PLR2004
        raise ValueError(f"{source} has shape {sent}; it needs {_ONE if one else ''}{_RULE}.")
    if images.dtype == np.uint8:
        shares: npt.NDArray[np.float32] = np.divide(images, 255, dtype=np.float32)
        return shares
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"{source} holds {images.dtype.name} values; it needs {_RULE}.")
    lowest, highest = images.min(), images.max()
    if lowest >= 0 and highest <= 1:  # NaN makes both of them NaN
        return images.astype(np.float32)
    if np.isfinite(lowest) and np.isfinite(highest):
        raise ValueError(f"{source} holds values from {lowest:g} to {highest:g}; it needs {_RULE}.")
    raise ValueError(f"{source} holds NaN or infinite values; it needs {_RULE}.")
