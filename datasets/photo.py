"""From a painted picture to one like the lab's: reduced to 48x48, sharpened, inverted, a little noisy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from datasets.camera import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

OVERSAMPLING = 4  # pictures are painted this many times too large, so that the reduction softens the edges


def canvas(rng: np.random.Generator) -> Image.Image:
    """Return an empty picture to paint on, OVERSAMPLING times too large: a table, and a wall behind it."""
    side = SIDE * OVERSAMPLING
    wall, table = (int(grey) for grey in rng.integers(238, 256, 2))
    picture = Image.new("L", (side, side), wall)
    left, middle, right = (float(row) for row in rng.uniform(0.2, 0.6, 3) * side)
    horizon = [(0.0, left), (float(rng.uniform(0, side)), middle), (float(side), right)]
    ImageDraw.Draw(picture).polygon([*horizon, (side, side), (0, side)], fill=table)
    return picture


def develop(picture: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Reduce, sharpen, invert and expose the picture: (48, 48), the background near 0."""
    small = picture.reduce(OVERSAMPLING)
    pixels = np.asarray(small, dtype=np.float64)
    blurred = np.asarray(small.filter(ImageFilter.GaussianBlur(rng.uniform(0.6, 1.1))), dtype=np.float64)
    inverted = 255 - (pixels + rng.uniform(0.2, 1.6) * (pixels - blurred))
    noise = rng.normal(0.0, rng.uniform(0.0, 2.0), (SIDE, SIDE))
    exposed = inverted * rng.uniform(0.75, 1.35) - rng.uniform(0.0, 16.0) + noise
    return np.clip(np.rint(exposed), 0, 255).astype(np.uint8)
