"""The model artifact: what TensorFlow Serving loads, the code beside it, and what is known about it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from bricks import LABELS
from saved_model import write_saved_model

if TYPE_CHECKING:
    from pathlib import Path

    import keras

    from folders import Folders
    from metrics import Metrics

INFERENCE_CODE = ("inference.py", "photo.py", "pixels.py", "bricks.py")
"""inference.py and all it imports of ours."""


def write_artifact(model: keras.Model, *, folders: Folders, metrics: Metrics, receipt: dict[str, Any]) -> None:
    """Fill the folder `folders.artifact`, which SageMaker packs into model.tar.gz.

    The layout is the one that AWS's TensorFlow inference container reads: a SavedModel in a folder with a
    numeric name, and `code/` with inference.py and the requirements.txt that the container installs.
    """
    code, artifact = folders.code, folders.artifact
    write_saved_model(model, artifact / "1")
    (artifact / "code").mkdir(exist_ok=True)
    for name in INFERENCE_CODE:
        shutil.copyfile(code / name, artifact / "code" / name)
    shutil.copyfile(code / "requirements-inference.txt", artifact / "code" / "requirements.txt")
    _write_json(artifact / "labels.json", LABELS)
    _write_json(artifact / "metrics.json", metrics.to_json())
    _write_json(artifact / "receipt.json", receipt)


def _write_json(path: Path, content: Any) -> None:
    """Write a file that both people and programs read."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
