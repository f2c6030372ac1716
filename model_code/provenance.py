"""What a training run proves it did: hashes of what went in and of what came out."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from data import FILES
from model import BACKEND, backend_version

if TYPE_CHECKING:
    from pathlib import Path

    import keras

    from command_line import Folders
    from evaluation import Metrics
    from hyperparameters import Hyperparameters


def make_inputs(*, folders: Folders, hyperparameters: Hyperparameters) -> dict[str, Any]:
    """Return what goes in: equal inputs give equal weights."""
    files = [*folders.code.rglob("*.py"), *folders.code.glob("*.txt")]
    sources = sorted(file.relative_to(folders.code).as_posix() for file in files)
    return {
        "data_sha256": {name: _sha256(folders.training / name) for name in FILES},
        "code_sha256": {name: _sha256(folders.code / name) for name in sources},
        "versions": {
            "python": platform.python_version(),
            BACKEND: backend_version(),
            **{name: version(name) for name in ("keras", "numpy")},
        },
        "hyperparameters": asdict(hyperparameters),
    }


def identity_of(inputs: dict[str, Any]) -> str:
    """Return a hash that two trainings share if one may go on where the other was cut off.

    They may differ in the number of epochs.
    """
    hyperparameters = {name: value for name, value in inputs["hyperparameters"].items() if name != "epochs"}
    text = json.dumps({**inputs, "hyperparameters": hyperparameters}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def make_provenance(inputs: dict[str, Any], *, model: keras.Model, metrics: Metrics) -> dict[str, Any]:
    """Return the content of receipt.json: no time and no path, so that equal runs give equal ones."""
    return {
        **inputs,
        "seed": inputs["hyperparameters"]["seed"],
        "trained_with": f"{BACKEND} {backend_version()}",
        "format": "TensorFlow SavedModel",
        "weights_sha256": weights_sha256(model),
        "metrics": {"test_loss": metrics.test_loss, "test_accuracy": metrics.test_accuracy},
    }


def weights_sha256(model: keras.Model) -> str:
    """Return one hash over all weights, in layer order, bit for bit."""
    digest = hashlib.sha256()
    for weights in model.get_weights():
        digest.update(f"{weights.dtype.str}{weights.shape}".encode())
        digest.update(weights.tobytes())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
