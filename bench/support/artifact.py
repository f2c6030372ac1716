"""The model artifact that train.py writes, of pictures of noise: how long an answer takes does not depend on them."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

from bench.support import noise
from cli import paths
from cli.programs import tool_environment

if TYPE_CHECKING:
    from pathlib import Path

_TRAIN = paths.ROOT / "model_code" / "train.py"
_IMAGES = 320


def make(folder: Path) -> Path:
    """Train for an epoch; return the folder that holds what model.tar.gz holds."""
    data, model, pictures = (folder / name for name in ("data", "model", "pictures"))
    for place in (data, model, pictures):
        place.mkdir()
    noise.write(data, train=_IMAGES, test=_IMAGES)
    channels = {"SM_CHANNEL_TRAINING": data, "SM_MODEL_DIR": model, "SM_OUTPUT_DATA_DIR": pictures}
    subprocess.run(
        [sys.executable, str(_TRAIN), "--epochs", "1"],
        env={**tool_environment(), **{name: str(place) for name, place in channels.items()}},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return model


def pack(model: Path, file: Path) -> Path:
    """Write it as model.tar.gz."""
    with tarfile.open(file, "w:gz") as archive:
        archive.add(model, ".")
    return file
