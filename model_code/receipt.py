"""What a training run proves it did: hashes of what went in and of what came out."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from data import FILES

if TYPE_CHECKING:
    from pathlib import Path

    import keras

    from folders import Folders
    from hyperparameters import Hyperparameters
    from metrics import Metrics


def make_receipt(
    *, model: keras.Model, folders: Folders, hyperparameters: Hyperparameters, metrics: Metrics
) -> dict[str, Any]:
    """Return the content of receipt.json: no time and no path, so that equal runs give equal receipts."""
    sources = sorted(path.name for pattern in ("*.py", "*.txt") for path in folders.code.glob(pattern))
    return {
        "data_sha256": {name: _sha256(folders.training / name) for name in FILES},
        "code_sha256": {name: _sha256(folders.code / name) for name in sources},
        "weights_sha256": weights_sha256(model),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            **{name: version(name) for name in ("keras", "numpy")},
        },
        "seed": hyperparameters.seed,
        "hyperparameters": asdict(hyperparameters),
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
