"""The bricks: their names, their pictures, and the channel `training` with the lab's four files, read and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

SIDE = 48
"""Height and width of a picture, in pixels."""

LABELS = (
    "2x3 Brick",
    "2x2 Brick",
    "1x3 Brick",
    "2x1 Brick",
    "1x1 Brick",
    "2x2 Macaroni",
    "2x2 Curved End",
    "Cog 16 Tooth",
    "1x2 Handles",
    "1x2 Grill",
)
"""The name of class 0, 1, … 9."""

PARTS = ("train", "test")
_GAP = re.compile(r"[\s_-]+")


def class_of_folder(name: str) -> int:
    """Return the class that a folder of photos is named for: "2x3 Brick", "2X3_brick", "2x3-brick", or "0".

    Raises ValueError, with what to do, for a name of no class.
    """
    known = {_plain(label): number for number, label in enumerate(LABELS)}
    known |= {str(number): number for number in range(len(LABELS))}
    if _plain(name) in known:
        return known[_plain(name)]
    near = get_close_matches(_plain(name), known, n=1)
    raise ValueError(f"did you mean {LABELS[known[near[0]]]!r}?" if near else f"there are {folder_names()}.")


def folder_names() -> str:
    """Return how folders of photos may be named, in words."""
    return f"{', '.join(LABELS)}, or 0 to {len(LABELS) - 1}"


def _plain(name: str) -> str:
    return _GAP.sub(" ", name).strip().lower()


def file_name(part: str, kind: str) -> str:
    """Return the name of one of the four files; `kind` is "images" or "labels"."""
    return f"lego-simple-{part}-{kind}.npy"


FILES = tuple(file_name(part, kind) for part in PARTS for kind in ("images", "labels"))


@dataclass(frozen=True, kw_only=True)
class Part:
    """Pictures and what they show: `images` (n, 48, 48) float32 0..1, `labels` (n,) int64 0..9."""

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Channel:
    """What the network learns from (`train`) and what it never learns from (`test`)."""

    train: Part
    test: Part


def read_channel(folder: Path) -> Channel:
    """Read the four files of `folder`.

    Raises ValueError, in one sentence that names the file, what was found and what is needed, for a file
    that is missing, unreadable, of the wrong shape or type, or with values outside their range.
    """
    train, test = (_read_part(folder, part) for part in PARTS)
    return Channel(train=train, test=test)


def epoch_order(count: int, *, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Return the numbers 0..count-1 in the order in which an epoch, counted from 0, sees that many images.

    It follows from seed and epoch alone: every loop, every backend and every host sees the same order, and a training
    that goes on after an interruption sees what it would have seen.
    """
    return np.random.default_rng((seed, epoch)).permutation(count)


_RULE = f"(n, {SIDE}, {SIDE}) uint8 0..255 or float 0..1"
_ONE = f"({SIDE}, {SIDE}) for one picture, or "


def scaled(images: npt.NDArray[Any], source: str, *, one: bool = False) -> npt.NDArray[np.float32]:
    """Return the images as float32 0..1, shape (n, 48, 48): the one rule for training files and for requests alike.

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


def _read_part(folder: Path, part: str) -> Part:
    images_name, labels_name = file_name(part, "images"), file_name(part, "labels")
    images = scaled(_load(folder / images_name), images_name)
    labels = _checked_labels(_load(folder / labels_name), labels_name)
    if len(images) != len(labels):
        raise ValueError(
            f"{images_name} has {len(images)} images and {labels_name} has {len(labels)} labels; "
            "each image needs exactly one label."
        )
    return Part(images=images, labels=labels)


def _load(path: Path) -> npt.NDArray[Any]:
    """Map the file into memory: a file cut short is refused before anything is read; pickles always are."""
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise ValueError(f"{path.name} is missing from {path.parent}; the channel needs {', '.join(FILES)}.") from None
    except (ValueError, EOFError, OSError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(
            f"{path.name} is not a readable NumPy file ({reason}); "
            "it needs to be a whole .npy file of numbers, as numpy.save writes it."
        ) from None


def _checked_labels(labels: npt.NDArray[Any], source: str) -> npt.NDArray[np.int64]:
    rule = f"needs (n,) integers 0..{len(LABELS) - 1}"
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"{source} has shape {labels.shape}; it {rule}.")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{source} holds {labels.dtype.name} values; it {rule}.")
    lowest, highest = labels.min(), labels.max()
    if lowest < 0 or highest >= len(LABELS):
        raise ValueError(f"{source} holds labels from {lowest} to {highest}; it {rule}.")
    return labels.astype(np.int64)
