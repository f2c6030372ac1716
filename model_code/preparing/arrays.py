"""The lab's four files, written from what photos became."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data import PARTS, file_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from preparing.entry import Entry


def write_arrays(folder: Path, entries: Sequence[Entry]) -> None:
    """Write images (n, 48, 48) uint8 and labels (n,) uint8 of both splits.

    Their order is that of the hashes, which mixes the classes and is the same in every run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for split in PARTS:
        kept = sorted((entry for entry in entries if entry.split == split), key=lambda entry: entry.sha256)
        images = np.stack([entry.pixels for entry in kept if entry.pixels is not None])
        np.save(folder / file_name(split, "images"), images)
        labels = np.array([entry.label for entry in kept], dtype=np.uint8)
        np.save(folder / file_name(split, "labels"), labels)
