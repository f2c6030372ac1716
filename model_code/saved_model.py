"""The network as TensorFlow's SavedModel, whichever backend has trained it.

    python saved_model.py WEIGHTS.npz FOLDER HIDDEN_UNITS

does it in a process of its own: a process that has imported Keras with another backend can't have TensorFlow's as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import backend
from hyperparameters import parse_hidden_units
from model import build

if TYPE_CHECKING:
    import keras


def write_saved_model(model: keras.Model, folder: Path) -> None:
    """Export the network of `model`. Raises CalledProcessError if the process for another backend fails."""
    if backend.NAME == "tensorflow":
        model.export(folder, format="tf_saved_model", verbose=False)
        return
    weights = model.get_weights()
    hidden_units = ",".join(str(len(bias)) for bias in weights[1:-2:2])
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "weights.npz"
        np.savez(file, *weights)
        subprocess.run(
            [sys.executable, __file__, file, folder, hidden_units],
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            check=True,
        )


def _main(weights: str, folder: str, hidden_units: str) -> None:
    model = build(parse_hidden_units(hidden_units))
    with np.load(weights) as content:
        model.set_weights([content[name] for name in content.files])
    write_saved_model(model, Path(folder))


if __name__ == "__main__":
    _main(*sys.argv[1:])
