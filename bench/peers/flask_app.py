"""What one would write by hand: flask, json, NumPy and the SavedModel's signature, behind gunicorn.

    MODEL=/path/to/model gunicorn --workers 2 bench.peers.flask_app:app

The answers are those of the lab's own endpoint. Nothing that comes is checked.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from flask import Flask, Response, request

_MODEL = Path(os.environ["MODEL"])
_LABELS = json.loads((_MODEL / "labels.json").read_text())
_LOADED = tf.saved_model.load(str(_MODEL / "1"))
_SIGNATURE = _LOADED.signatures["serving_default"]

app = Flask(__name__)


@app.get("/ping")
def ping() -> Response:
    """Say that the model is loaded."""
    return Response(status=200)


@app.post("/invocations")
def invocations() -> Response:
    """Answer what the network finds."""
    if request.content_type == "application/json":
        images = np.array(json.loads(request.data)["instances"], dtype=np.float32)
        return _answer(_probabilities(images).tolist())
    images = np.load(io.BytesIO(request.data)).astype(np.float32) / 255
    return _answer([_named(row) for row in _probabilities(images).tolist()])


def _probabilities(images: Any) -> Any:
    (rows,) = _SIGNATURE(tf.constant(images)).values()
    return rows.numpy()


def _named(row: list[float]) -> dict[str, Any]:
    best = int(np.argmax(row))
    named = dict(zip(_LABELS, row, strict=True))
    return {"class": best, "label": _LABELS[best], "probability": row[best], "probabilities": named}


def _answer(predictions: list[Any]) -> Response:
    return Response(json.dumps({"predictions": predictions}), content_type="application/json")
