"""Photos for measuring: the rendered bricks as a camera would bring them, in many sizes, PNG and JPEG."""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from datasets.labels import LABELS
from datasets.scene import photograph

_SMALLEST, _LARGEST = 240, 960  # pixels of a photo's shorter side
_TOGETHER = 100


def ensure(count: int, *, cache: Path) -> Path:
    """Return the folder in `cache` with `count` photos, one folder a class; make it where it is not there yet."""
    folder = cache / f"photos-{count}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=cache))
    try:
        for label in LABELS:
            (unfinished / label).mkdir()
        with ProcessPoolExecutor() as pool:
            list(pool.map(partial(_save, unfinished), range(count), chunksize=_TOGETHER))
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _save(folder: Path, number: int) -> None:
    rng = np.random.default_rng([7, number])
    label = number % len(LABELS)
    brick = ImageOps.invert(Image.fromarray(photograph(label, rng)))
    short = int(rng.integers(_SMALLEST, _LARGEST))
    long = int(short * rng.uniform(1, 1.5))
    photo = Image.new("RGB", (long, short), "white")
    photo.paste(brick.resize((short, short), Image.Resampling.BICUBIC), ((long - short) // 2, 0))
    kind = ("jpg", "png")[int(rng.random() < 1 / 4)]
    photo.save(folder / LABELS[label] / f"{number:05}.{kind}", quality=90, compress_level=1)
