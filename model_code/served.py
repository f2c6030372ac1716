"""A training's model.tar.gz where it is served outside of SageMaker: its LiteRT form, held against its own receipt.

Functions and devices have this file, inference.py and what that imports; none has TensorFlow. Where the artifact tells
how unlike the training images a picture is (novelty.py), by the network in NumPy, they tell it as the endpoint does.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference import answer, model_of
from litert import LiteRTNetwork
from network import Network
from novelty import Novelty

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float32]

_RECEIPT, _FORM = "receipt.json", "model.tflite"
_NETWORK, _NOVELTY = "code/network.npz", "code/novelty.npz"
_WANTED = frozenset({_RECEIPT, f"exports/{_FORM}", _NETWORK, _NOVELTY})


class PictureNovelty:
    """The novelty of pictures, by what the last hidden layer of the network in NumPy makes of them."""

    def __init__(self, network: bytes, novelty: bytes) -> None:
        self._hidden = Network.read(io.BytesIO(network)).hidden
        self._novelty = Novelty.read(io.BytesIO(novelty))

    def __call__(self, images: Array) -> Array:
        """Return it, (n,), of images (n, 48, 48)."""
        return self._novelty(self._hidden(images))


@dataclass(frozen=True)
class ServedModel:
    """A network, the hash by which its answers are known, and what tells of pictures without a brick, if anything."""

    network: LiteRTNetwork
    model: str
    novelty: PictureNovelty | None = None

    def answer(self, body: bytes, content_type: str) -> bytes:
        """Return the endpoint's answer to a request. Raises ValueError as inference.read_images does."""
        return answer(self.network, body, content_type, model=self.model, novelty_of=self.novelty)


def read(artifact: bytes) -> ServedModel:
    """Return the model in a model.tar.gz. Raises ValueError, in one sentence, for an artifact that has none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(artifact), mode="r:gz") as archive:
            content = {name.removeprefix("./"): archive.extractfile(name) for name in archive.getnames()}
            files = {name: file.read() for name, file in content.items() if file and name in _WANTED}
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        raise ValueError("The model's artifact is not a whole model.tar.gz; train anew.") from None
    form, receipt = files.get(f"exports/{_FORM}"), files.get(_RECEIPT)
    if form is None or receipt is None:
        raise ValueError("The model's artifact has no LiteRT form; the training job's log says why: train anew.")
    described = json.loads(receipt).get("exports", {}).get(_FORM, {})
    if hashlib.sha256(form).hexdigest() != described.get("sha256", {}).get(_FORM):
        raise ValueError("The LiteRT form in the model's artifact is not the one that its receipt names; train anew.")
    network, novelty = files.get(_NETWORK), files.get(_NOVELTY)
    known = PictureNovelty(network, novelty) if network and novelty else None
    return ServedModel(LiteRTNetwork(form), model_of(receipt), known)
