"""What is transparent in a picture is white: paper shows through.

A PNG without an alpha channel may call one colour transparent, in the file's own depth. Pillow reports that number as
it is, and the pixels in 8 bits: of 2 and 4 bits widened, of three times 16 bits without their lower half.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFile

if TYPE_CHECKING:
    import numpy.typing as npt

_WIDENED = {"L;2": 85, "L;4": 17}  # Pillow's name of the depth: by how much it multiplies
_COLOURS = "RGB;16B"
_LOWER_HALVES = "RGB;16L"  # reads the second of two bytes where the other reads the first
_SIXTEEN_BIT_STEPS = 257  # 65535 / 255


def load(image: Image.Image, content: bytes) -> None:
    """Decode the opened picture of `content`; its transparent colour then means what the file means by it."""
    key = image.info.get("transparency")
    depth = image.tile[0].args if isinstance(image, ImageFile.ImageFile) and image.tile else None
    if key is None or not isinstance(depth, str):
        image.load()
    elif depth in _WIDENED:
        image.info["transparency"] = key * _WIDENED[depth] % 256
        image.load()
    elif depth == _COLOURS:
        image.load()
        colours = 256 * np.asarray(image, dtype=np.uint16) + _lower_halves(content)
        del image.info["transparency"]
        image.putalpha(Image.fromarray(np.where((colours == key).all(axis=-1), 0, 255).astype(np.uint8)))
    else:
        image.load()


def grey_on_white(image: Image.Image) -> Image.Image:
    """Return a decoded picture in 8-bit grey on white paper."""
    if image.mode.startswith("I"):
        return _from_sixteen_bits(np.asarray(image), image.info.get("transparency"))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return (image if image.mode == "RGB" else image.convert("RGB")).convert("L")


def _from_sixteen_bits(pixels: npt.NDArray[Any], key: int | None) -> Image.Image:
    values = (pixels.astype(np.float32) / _SIXTEEN_BIT_STEPS).round().clip(0, 255).astype(np.uint8)
    if key is not None:
        values[pixels == key] = 255
    return Image.fromarray(values)


def _lower_halves(content: bytes) -> npt.NDArray[np.uint8]:
    image = Image.open(io.BytesIO(content), formats=("PNG",))
    image.tile = [image.tile[0]._replace(args=_LOWER_HALVES)]
    return np.asarray(image)
