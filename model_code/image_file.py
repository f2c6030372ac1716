"""A PNG or JPEG file as a picture in 8-bit grey, upright, on white paper.

Beside its pixels a file has metadata: notes, a colour profile, a thumbnail. A fault there does not make the picture
broken, browsers show it; so where a file can't be decoded it is tried with less and less of them.

What is transparent in a picture is white: paper shows through. A PNG without an alpha channel may call one colour
transparent, in the file's own depth. Pillow reports that number as it is, and the pixels in 8 bits: of 2 and 4 bits
widened, of three times 16 bits without their lower half.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFile, ImageOps

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    import numpy.typing as npt

_FORMATS = ("PNG", "JPEG")

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_START_OF_SCAN = 0xDA
_SEGMENTS = range(0xC0, 0xFF)  # of a JPEG file; each has a length behind its marker
_TELLING = (*range(0xE0, 0xF0), 0xFE)  # APP0 to APP15 and the comment
# What changes how the pixels look goes last: transparency, orientation (EXIF), Adobe's note of how colours are meant.
_KEPT: tuple[Container[bytes | int], ...] = (
    (b"tRNS", b"eXIf", 0xE1, 0xEE),
    (b"tRNS", 0xE1),
    (b"tRNS", 0xEE),
    (),
)

_WIDENED = {"L;2": 85, "L;4": 17}  # Pillow's name of the depth: by how much it multiplies
_COLOURS = "RGB;16B"
_LOWER_HALVES = "RGB;16L"  # reads the second of two bytes where the other reads the first
_SIXTEEN_BIT_STEPS = 257  # 65535 / 255


def decode(content: bytes) -> Image.Image:
    """Return the picture of a file, in mode L, as people see it: turned as its EXIF orientation says.

    Raises ValueError, in one sentence, for what is no PNG or JPEG, a file cut short, and a picture with so many pixels
    that Pillow takes it for a decompression bomb.
    """
    for each in _with_less_and_less_metadata(content):
        try:
            image = _decoded(each)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            most = f"{Image.MAX_IMAGE_PIXELS:,}"
            raise ValueError(f"The picture has more than {most} pixels; send a smaller one.") from None
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error):
            # What Pillow's decoders raise for a file that is not, or not wholly, what its first bytes promise.
            continue
        return _grey_on_white(image)
    raise ValueError("The body is not a whole PNG or JPEG picture; send the file's own bytes, unchanged.")


def _decoded(content: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
    _load(image, content)
    ImageOps.exif_transpose(image, in_place=True)  # in place: most photos lie as they should, and none is copied
    return image


def _with_less_and_less_metadata(content: bytes) -> Iterator[bytes]:
    """Return the file, then the file with less and less of what is not its pixels."""
    yield content
    strip = {_PNG: _strip_png, _JPEG: _strip_jpeg}
    for beginning, stripped in strip.items():
        if content.startswith(beginning):
            sizes = {len(content)}  # nothing is tried twice
            for less in (stripped(content, kept) for kept in _KEPT):
                if len(less) not in sizes:
                    yield less
                sizes.add(len(less))


def _strip_png(content: bytes, kept: Container[bytes | int]) -> bytes:
    parts, at = [_PNG], len(_PNG)
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + 12 + length  # length, name, the chunk itself, check sum
        name = content[at + 4 : at + 8]
        if name in _CRITICAL or name in kept:
            parts.append(content[at:end])
        at = end
    return b"".join(parts)


def _strip_jpeg(content: bytes, kept: Container[bytes | int]) -> bytes:
    parts, at = [_JPEG], len(_JPEG)
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] in _SEGMENTS:  # noqa: PLR2004 - begins a marker
        marker = content[at + 1]
        if marker == _START_OF_SCAN:
            break
        (length,) = struct.unpack_from(">H", content, at + 2)
        end = at + 2 + length
        if marker not in _TELLING or marker in kept:
            parts.append(content[at:end])
        at = end
    return b"".join([*parts, content[at:]])


def _load(image: Image.Image, content: bytes) -> None:
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


def _grey_on_white(image: Image.Image) -> Image.Image:
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
