"""Write the lab's four files, of photos that are read and split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data import PARTS, file_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from preparing.read_photos import PhotoRecord


def write_arrays(folder: Path, records: Sequence[PhotoRecord]) -> None:
    """Write images (n, 48, 48) uint8 and labels (n,) uint8 of both splits.

    Their order is that of the hashes, which mixes the classes and is the same in every run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for split in PARTS:
        kept = sorted((record for record in records if record.split == split), key=lambda record: record.sha256)
        images = np.stack([record.pixels for record in kept if record.pixels is not None])
        np.save(folder / file_name(split, "images"), images)
        labels = np.array([record.label for record in kept], dtype=np.uint8)
        np.save(folder / file_name(split, "labels"), labels)
