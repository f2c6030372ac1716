"""A training's model.tar.gz where it is served outside of SageMaker: its LiteRT form, held against its own receipt.

Functions and devices have this file, inference.py and what that imports; none has TensorFlow.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from dataclasses import dataclass

from inference import answer, model_of
from litert import LiteRTNetwork

_RECEIPT, _FORM = "receipt.json", "model.tflite"


@dataclass(frozen=True)
class ServedModel:
    """A network, and the hash by which its answers are known."""

    network: LiteRTNetwork
    model: str

    def answer(self, body: bytes, content_type: str) -> bytes:
        """Return the endpoint's answer to a request. Raises ValueError as inference.read_images does."""
        return answer(self.network, body, content_type, model=self.model)


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
    return ServedModel(LiteRTNetwork(form), model_of(receipt))


_WANTED = (_RECEIPT, f"exports/{_FORM}")
