"""What becomes of one photo: a row of the table, and the picture that the network gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A photo that was looked at. One that could not be read has `dropped`, the reason, and no size.

    `pixels` is (48, 48) uint8; `split` is "train", "test", or None for what is dropped.
    """

    path: str
    label: int
    sha256: str
    width: int | None = None
    height: int | None = None
    brightness: float | None = None
    pixels: npt.NDArray[np.uint8] | None = None
    split: str | None = None
    dropped: str | None = None
