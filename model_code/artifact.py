"""A trained model's artifact, model.tar.gz: its receipt, and the network in it, to be asked."""

from __future__ import annotations

import json
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from network import Network
from optional_imports import skipping

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    Predict = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]

ARTIFACT = "model.tar.gz"
_RECEIPT = "receipt.json"
_NETWORK = Path("code/network.npz")
_SIGNATURE = "serving_default"


def read_receipt(folder: Path) -> dict[str, Any]:
    """Return the receipt in the artifact that lies in the folder, {} if it has none.

    Raises ValueError, in one sentence, if there is no artifact.
    """
    with open_artifact(folder) as archive:
        for member in archive:
            if member.name.removeprefix("./") == _RECEIPT and (file := archive.extractfile(member)):
                found: dict[str, Any] = json.load(file)
                return found
    return {}


def read_model(folder: Path) -> Predict:
    """Return what answers probabilities (n, 10) for images (n, 48, 48), as an endpoint with this artifact would.

    Raises ValueError, in one sentence, if there is no artifact or no model in it.
    """
    with tempfile.TemporaryDirectory() as temporary:
        with open_artifact(folder) as archive:
            archive.extractall(temporary, filter="data")
        if (Path(temporary) / _NETWORK).is_file():
            return Network.read(Path(temporary) / _NETWORK)
        return _saved_model(Path(temporary) / "1", folder)


def _saved_model(saved: Path, folder: Path) -> Predict:
    with skipping("keras.src"):
        import tensorflow as tf

    if not saved.is_dir():
        raise ValueError(f"There is no model in {folder / ARTIFACT}; it needs to be one of train.py's.")
    loaded = tf.saved_model.load(str(saved))

    def predict(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        answer = loaded.signatures[_SIGNATURE]
        [name] = answer.structured_input_signature[1]
        [found] = answer(**{name: tf.constant(images)}).values()
        probabilities: npt.NDArray[np.float32] = found.numpy()
        return probabilities

    return predict


def open_artifact(folder: Path) -> tarfile.TarFile:
    """Open the artifact that lies in the folder. Raises ValueError, in one sentence, if there is none."""
    file = folder / ARTIFACT
    if not file.is_file():
        raise ValueError(f"There is no {ARTIFACT} in {folder}; it needs to be a training job's.")
    return tarfile.open(file)
