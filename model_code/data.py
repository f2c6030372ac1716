"""The channel `training`: the lab's four files, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bricks import LABELS
from pixels import scaled

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

PARTS = ("train", "test")


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


def _read_part(folder: Path, part: str) -> Part:
    images_name, labels_name = file_name(part, "images"), file_name(part, "labels")
    images = scaled(_load(folder / images_name), images_name)
    labels = _labels(_load(folder / labels_name), labels_name)
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
        raise ValueError(
            f"{path.name} is not a readable NumPy file ({_first_line(error)}); "
            "it needs to be a whole .npy file of numbers, as numpy.save writes it."
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")


def _labels(labels: npt.NDArray[Any], source: str) -> npt.NDArray[np.int64]:
    rule = f"needs (n,) integers 0..{len(LABELS) - 1}"
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"{source} has shape {labels.shape}; it {rule}.")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{source} holds {labels.dtype.name} values; it {rule}.")
    lowest, highest = labels.min(), labels.max()
    if lowest < 0 or highest >= len(LABELS):
        raise ValueError(f"{source} holds labels from {lowest} to {highest}; it {rule}.")
    return labels.astype(np.int64)
