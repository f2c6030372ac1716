"""A contact sheet: a row of pictures for every kind of brick."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from datasets.camera import SIDE
from datasets.labels import LABELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COLUMNS = 12
_CELL = 2 * SIDE  # pixels: each picture is shown twice its size
_MARGIN = 110  # pixels, for the name


def sheet(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Image.Image:
    """Return the first pictures of each label beside its name, from (n, 48, 48) images and (n,) labels."""
    page = Image.new("L", (_MARGIN + _COLUMNS * _CELL, len(LABELS) * _CELL), 64)
    draw = ImageDraw.Draw(page)
    for row, name in enumerate(LABELS):
        draw.text((8, (row + 0.5) * _CELL), f"{row} {name}", fill=255, anchor="lm")
        for column, index in enumerate(np.flatnonzero(labels == row)[:_COLUMNS]):
            picture = Image.fromarray(images[index]).resize((_CELL, _CELL), Image.Resampling.NEAREST)
            page.paste(picture, (_MARGIN + column * _CELL, row * _CELL))
    return page
