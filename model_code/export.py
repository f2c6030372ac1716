"""The model artifact: what TensorFlow Serving loads, the code beside it, and what is known about it.

    python export.py WEIGHTS.npz FOLDER HIDDEN_UNITS

writes the SavedModel of a network with those weights. train.py has it done so, in a process of its own, after a
training by another backend: a process that has imported Keras with that one can't have TensorFlow's as well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data import LABELS
from hyperparameters import HIDDEN_UNITS
from model import BACKEND, build
from monitoring import baseline
from network import Network
from novelty import Novelty

if TYPE_CHECKING:
    import keras
    import numpy.typing as npt

    from command_line import Folders
    from data import Channel, Part
    from evaluation import Metrics

INFERENCE_CODE = ("inference.py", "network.py", "novelty.py", "photo.py", "image_file.py", "data.py")
"""inference.py and all it imports of ours."""

LARGEST_DIFFERENCE = 1e-5
"""By how much a probability may differ between the trained network and its NumPy form."""


def write_artifact(
    model: keras.Model,
    *,
    folders: Folders,
    metrics: Metrics,
    provenance: dict[str, Any],
    channel: Channel,
    probabilities: npt.NDArray[np.float32],
) -> None:
    """Fill the folder `folders.artifact`, which SageMaker packs into model.tar.gz.

    The layout is the one that AWS's TensorFlow inference container reads: a SavedModel in a folder with a
    numeric name, and `code/` with inference.py and the requirements.txt that the container installs. code/network.npz
    is the network in NumPy, which inference.py answers from; it is left out unless it finds the `probabilities` (n, 10)
    that `model` gives for the test images. code/novelty.npz tells that handler how unlike the training images a
    picture is; monitoring/ is what monitor.py compares with.
    """
    artifact = folders.artifact
    write_saved_model(model, artifact / "1")
    write_inference_code(folders.code, artifact / "code")
    network = Network(model.get_weights())
    difference = write_network(network, artifact / "code", test=channel.test, probabilities=probabilities)
    novelty = Novelty.fit(network.hidden(channel.train.images), network.hidden(channel.test.images))
    novelty.write(artifact / "code" / "novelty.npz")
    baseline.write(
        artifact / baseline.FOLDER, weights=model.get_weights(), test=channel.test, probabilities=probabilities
    )
    _write_json(artifact / "labels.json", LABELS)
    _write_json(artifact / "metrics.json", metrics.to_json())
    _write_json(
        artifact / "receipt.json", {**provenance, "numpy_form_differs_by": difference, "novelty": novelty.to_json()}
    )


def write_inference_code(code: Path, folder: Path) -> None:
    """Copy inference.py with what it needs from the source directory `code` to an artifact's folder `code`."""
    folder.mkdir(exist_ok=True)
    for name in INFERENCE_CODE:
        shutil.copyfile(code / name, folder / name)
    shutil.copyfile(code / "requirements-inference.txt", folder / "requirements.txt")


def write_saved_model(model: keras.Model, folder: Path) -> None:
    """Write the network as TensorFlow's SavedModel, whichever backend has trained it.

    Raises CalledProcessError if the process that does it for another backend fails.
    """
    if BACKEND == "tensorflow":
        model.export(folder, format="tf_saved_model", verbose=False)
        return
    weights = model.get_weights()
    hidden_units = ",".join(str(len(bias)) for bias in weights[1:-2:2])
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "weights.npz"
        np.savez(file, *weights)
        subprocess.run(
            [sys.executable, __file__, file, folder, hidden_units],
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            check=True,
        )


def write_network(network: Network, folder: Path, *, test: Part, probabilities: npt.NDArray[np.float32]) -> float:
    """Write network.npz if it is equal enough; return by how much a probability differs at most.

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


def _main(weights: str, folder: str, hidden_units: str) -> None:
    model = build(HIDDEN_UNITS.parse("HIDDEN_UNITS", hidden_units))
    with np.load(weights) as content:
        model.set_weights([content[name] for name in content.files])
    write_saved_model(model, Path(folder))


if __name__ == "__main__":
    _main(*sys.argv[1:])
