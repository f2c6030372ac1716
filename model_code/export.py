"""The model artifact: what TensorFlow Serving loads, the code beside it, and what is known about it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from bricks import LABELS
from network import Network
from saved_model import write_saved_model

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy.typing as npt

    from data import Part
    from folders import Folders
    from metrics import Metrics

INFERENCE_CODE = (
    *("inference.py", "payload.py", "network.py", "photo.py", "metadata.py", "transparency.py", "pixels.py"),
    "bricks.py",
)
"""inference.py and all it imports of ours."""


LARGEST_DIFFERENCE = 1e-5
"""By how much a probability may differ between the trained network and its NumPy form."""


def write_artifact(
    model: keras.Model,
    *,
    folders: Folders,
    metrics: Metrics,
    receipt: dict[str, Any],
    test: Part,
    probabilities: npt.NDArray[np.float32],
) -> None:
    """Fill the folder `folders.artifact`, which SageMaker packs into model.tar.gz.

    The layout is the one that AWS's TensorFlow inference container reads: a SavedModel in a folder with a
    numeric name, and `code/` with inference.py and the requirements.txt that the container installs. code/network.npz
    is the network in NumPy, which inference.py answers from; it is left out unless it finds the `probabilities` (n, 10)
    that `model` gives for the test images.
    """
    code, artifact = folders.code, folders.artifact
    write_saved_model(model, artifact / "1")
    (artifact / "code").mkdir(exist_ok=True)
    for name in INFERENCE_CODE:
        shutil.copyfile(code / name, artifact / "code" / name)
    shutil.copyfile(code / "requirements-inference.txt", artifact / "code" / "requirements.txt")
    difference = write_network(Network(model.get_weights()), artifact / "code", test=test, probabilities=probabilities)
    _write_json(artifact / "labels.json", LABELS)
    _write_json(artifact / "metrics.json", metrics.to_json())
    _write_json(artifact / "receipt.json", {**receipt, "numpy_form_differs_by": difference})


def write_network(network: Network, folder: Path, *, test: Part, probabilities: npt.NDArray[np.float32]) -> float:
    """Write network.npz if it is equal enough; returns by how much a probability differs at most.

    Says so where it is not: the endpoint then asks the SavedModel.
    """
    difference = float(np.abs(network(test.images) - probabilities).max())
    if difference <= LARGEST_DIFFERENCE:
        network.write(folder / "network.npz")
    else:
        print(
            f"network.npz is left out: it differs by {difference:.1e}, more than {LARGEST_DIFFERENCE:.0e}. "
            "The endpoint will ask the SavedModel, which takes longer.",
            flush=True,
        )
    return difference


def _write_json(path: Path, content: Any) -> None:
    """Write a file that both people and programs read."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
