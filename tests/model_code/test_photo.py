"""The preparation of a photo: what a prepared picture keeps, what a raw one gets, what is refused."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from photo import prepare

if TYPE_CHECKING:
    import numpy.typing as npt

NOT_A_PICTURE = r"^The body is not a whole PNG or JPEG picture; [^\n]*\.$"


def brick(size: tuple[int, int] = (48, 48)) -> Image.Image:
    """Draw a bright block, upper left, on a dark ground: a prepared picture."""
    pixels = np.full((48, 48), 4, dtype=np.uint8)
    pixels[8:20, 10:30] = 240
    pixels[20:28, 10:30] = 120
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def paper(image: Image.Image) -> Image.Image:
    """Turn a prepared picture into a flat photo on light paper."""
    return ImageOps.invert(image).point([60 + value * 150 // 255 for value in range(256)])


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return the picture as a file's bytes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def block(prepared: npt.NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Return top, bottom, left, right of what is brighter than a quarter."""
    rows, columns = np.flatnonzero((prepared > 0.25).any(1)), np.flatnonzero((prepared > 0.25).any(0))
    return int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA"])
def test_a_prepared_picture_keeps_its_exact_values(mode: str) -> None:
    """A 48x48 PNG of a test image is that image, whatever the colour mode it was saved in."""
    prepared = prepare(encoded(brick().convert(mode)))
    assert prepared.dtype == np.float32
    np.testing.assert_array_equal(prepared, np.asarray(brick(), dtype=np.float32) / 255)


def test_a_prepared_jpeg_is_nearly_unchanged() -> None:
    """JPEG changes values a little; the preparation adds nothing to that."""
    prepared = prepare(encoded(brick(), "JPEG", quality=95))
    assert np.abs(prepared - np.asarray(brick()) / 255).mean() < 0.02


@pytest.mark.parametrize("size", [(48, 48), (200, 200), (1200, 1200)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_photo_on_light_paper_becomes_bright_on_dark(size: tuple[int, int], kind: str) -> None:
    """The background ends dark, the brick bright, of the same size and in the same place."""
    prepared = prepare(encoded(paper(brick(size)), kind))
    assert prepared.shape == (48, 48)
    assert prepared.min() >= 0
    assert prepared.max() <= 1
    assert np.median(prepared[-8:]) < 0.1
    assert prepared[10:18, 12:28].mean() > 0.8
    assert block(prepared) == pytest.approx((8, 27, 10, 29), abs=1)


def test_a_slope_of_light_does_not_show() -> None:
    """A photo whose lower edge is darker by a seventh has an even, dark background."""
    photo = np.asarray(paper(brick((480, 480)))) * np.linspace(1, 6 / 7, 480)[:, np.newaxis]
    prepared = prepare(encoded(Image.fromarray(photo.astype(np.uint8))))
    assert np.concatenate([prepared[0], prepared[-1]]).max() < 0.1


def test_a_wide_photo_loses_its_sides_and_nothing_is_squeezed() -> None:
    """The middle square is what counts, at the scale of the photo's short side."""
    square = paper(brick((480, 480)))
    wide = ImageOps.pad(square, (800, 480), color=210)
    np.testing.assert_allclose(prepare(encoded(wide)), prepare(encoded(square)), atol=0.02)


def test_the_cameras_orientation_is_obeyed() -> None:
    """A photo that EXIF says is turned by 180 degrees is turned back."""
    exif = Image.Exif()
    exif[0x0112] = 3
    turned = prepare(encoded(paper(brick((96, 96))).rotate(180), "JPEG", exif=exif, quality=95))
    straight = prepare(encoded(paper(brick((96, 96))), "JPEG", quality=95))
    assert np.abs(turned - straight).mean() < 0.02


def test_what_is_transparent_counts_as_white_paper() -> None:
    """A dark brick cut out on a transparent ground becomes bright on dark."""
    cut_out = Image.merge("LA", (ImageOps.invert(brick()), brick().point(lambda value: 255 * (value > 50))))
    prepared = prepare(encoded(cut_out))
    assert np.median(prepared) < 0.06
    assert prepared[10:18, 12:28].mean() > 0.8


def test_sixteen_bits_mean_the_same_as_eight() -> None:
    """A 16-bit grey PNG is scaled, not cut off."""
    sixteen = np.asarray(brick(), dtype=np.uint16) * 257
    np.testing.assert_array_equal(prepare(encoded(Image.fromarray(sixteen))), prepare(encoded(brick())))


def test_a_cmyk_jpeg_is_read() -> None:
    """A picture in a printer's colours means the same as in grey."""
    prepared = prepare(encoded(paper(brick((96, 96))).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(prepared - prepare(encoded(paper(brick((96, 96)))))).mean() < 0.03


def chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def written(pixels: npt.NDArray[Any], depth: int, *extra: bytes) -> bytes:
    """Return a PNG file of grey or coloured pixels in this depth, which Pillow itself does not write, with chunks."""
    height, width = pixels.shape[:2]
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in pixels]
    else:
        bits = np.unpackbits(pixels.astype(np.uint8)[..., np.newaxis], axis=-1)[..., 8 - depth :]
        rows = [np.packbits(row.ravel()).tobytes() for row in bits]
    header = struct.pack(">IIBBBBB", width, height, depth, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("colours", "depth"), [(1, 1), (1, 2), (1, 4), (1, 8), (1, 16), (3, 8), (3, 16)])
def test_a_transparent_colour_is_white_in_every_depth(colours: int, depth: int) -> None:
    """A brick on a ground whose one colour is transparent is answered as the same brick on white, to the last digit."""
    most = 2**depth - 1
    ground, brick_tone = most // 3, most - most // 3
    pixels = np.full((64, 64), ground)
    pixels[20:44, 12:52] = brick_tone
    key = struct.pack(f">{colours}H", *[ground] * colours)
    pixels = np.stack([pixels] * 3, axis=-1) if colours == 3 else pixels
    on_white = np.where(pixels == ground, most, pixels)
    transparent = prepare(written(pixels, depth, chunk(b"tRNS", key)))
    np.testing.assert_array_equal(transparent, prepare(written(on_white, depth)))
    eight = np.round(on_white * 255 / most).astype(np.uint8)
    np.testing.assert_array_equal(transparent, prepare(encoded(Image.fromarray(eight))))


def test_sixteen_bits_that_differ_in_the_lower_half_are_two_colours() -> None:
    """Only the very colour is transparent, not its neighbours that look alike in 8 bits."""
    pixels = np.full((64, 64, 3), 0x3001)
    pixels[20:44, 12:52] = 0x3002
    prepared = prepare(written(pixels, 16, chunk(b"tRNS", struct.pack(">3H", *[0x3001] * 3))))
    assert np.median(prepared) < 0.06
    assert prepared[20:28, 16:32].mean() > 0.8


@pytest.mark.parametrize("mode", ["P", "LA", "RGBA"])
def test_transparency_of_other_kinds_is_white(mode: str) -> None:
    """A palette's transparent entry and an alpha channel are paper, too."""
    grey = np.full((64, 64), 40, np.uint8)
    grey[20:44, 12:52] = 170
    expected = prepare(encoded(Image.fromarray(np.where(grey == 40, 255, grey).astype(np.uint8))))
    alpha = Image.fromarray(np.where(grey == 40, 0, 255).astype(np.uint8))
    image = Image.fromarray(grey).convert("LA" if mode == "P" else mode)
    image.putalpha(alpha)
    if mode == "P":
        image = Image.fromarray(grey).convert("P")
        found = prepare(encoded(image, transparency=40))
    else:
        found = prepare(encoded(image))
    np.testing.assert_array_equal(found, expected)


def segment(marker: int, body: bytes) -> bytes:
    """Return a segment of a JPEG file."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


@pytest.mark.filterwarnings("ignore")  # Pillow tells of what it skips by itself
@pytest.mark.parametrize(
    ("name", "body"),
    [
        *((b"iCCP", b"profile\0\x07" + zlib.compress(b"x")), (b"iCCP", b"p\0"), (b"iCCP", b""), (b"gAMA", b"")),
        *((b"cHRM", b"\0"), (b"pHYs", b"\0"), (b"sRGB", b""), (b"zTXt", b"a\0\x09b"), (b"eXIf", b"garbage!")),
        *((b"acTL", b"\0"), (b"tRNS", b"\0"), (b"iCCP", b"a\0\0" + zlib.compress(bytes(70_000_000)))),
    ],
)
def test_a_png_is_its_pixels(name: bytes, body: bytes) -> None:
    """A broken colour profile, date, note or animation beside sound pixels changes nothing, as in a browser."""
    pixels = np.asarray(paper(brick((64, 64))))
    assert np.array_equal(prepare(written(pixels, 8, chunk(name, body))), prepare(written(pixels, 8)))
    wrong_sum = chunk(name, body)[:-1] + b"\0"
    assert np.array_equal(prepare(written(pixels, 8, wrong_sum)), prepare(written(pixels, 8)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("marker", "body"),
    [
        *((0xE2, b"ICC_PROFILE\0"), (0xE2, b"ICC_PROFILE\0\1\2abc"), (0xE2, b"MPF\0garbage"), (0xEE, b"Adobe")),
        *((0xE0, b"JFIF\0\1"), (0xE1, b"Exif\0\0garbage"), (0xED, b"Photoshop 3.0\x008BIM\4"), (0xFE, b"")),
    ],
)
def test_a_jpeg_is_its_pixels(marker: int, body: bytes) -> None:
    """The same for what JPEG files bring along; the camera's orientation is obeyed all the same."""
    exif = Image.Exif()
    exif[0x0112] = 3
    whole = encoded(paper(brick((96, 96))).rotate(180), "JPEG", exif=exif)
    found = prepare(whole[:2] + segment(marker, body) + whole[2:])
    if marker not in (0xE0, 0xE1):  # a second one of these is taken in the place of the first
        np.testing.assert_array_equal(found, prepare(whole))
    assert block(prepare(encoded(paper(brick((96, 96))), "JPEG"))) == pytest.approx((8, 27, 10, 29), abs=1)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    """Text, nothing, and a file's first bytes alone are refused in one sentence."""
    with pytest.raises(ValueError, match=NOT_A_PICTURE):
        prepare(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_file_is_refused(kind: str) -> None:
    """Half of a picture is not guessed at."""
    whole = encoded(paper(brick((300, 300))), kind)
    with pytest.raises(ValueError, match=NOT_A_PICTURE):
        prepare(whole[: len(whole) // 2])


def test_another_format_is_refused() -> None:
    """A GIF is refused although Pillow could read it: only what the endpoint promises is decoded."""
    with pytest.raises(ValueError, match=NOT_A_PICTURE):
        prepare(encoded(brick(), "GIF"))


def test_a_picture_smaller_than_the_networks_is_refused() -> None:
    """The sentence names the size found and the size needed."""
    with pytest.raises(ValueError, match=r"^The picture has 60x40 pixels; it needs 48x48 or more\.$"):
        prepare(encoded(Image.new("L", (60, 40))))


@pytest.mark.parametrize("factor", [1, 2])
def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch, factor: int) -> None:
    """Above Pillow's limit, where it warns, and above twice that, where it raises: one sentence."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 90 * 100 // factor)
    with pytest.raises(ValueError, match=r"^The picture has more than [\d,]+ pixels; send a smaller one\.$"):
        prepare(encoded(Image.new("L", (100, 100))))
