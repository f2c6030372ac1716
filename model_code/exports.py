"""The trained network in the forms of other runtimes: LiteRT's for functions and devices, TensorFlow.js's for browsers.

    python exports.py SAVED_MODEL FOLDER TEST.npz ROWS.json

writes them to FOLDER, and to ROWS.json of each what it is and by how much its answers differ from the network's. None
is kept whose answers differ by more than 1e-5 for any test image. train.py has it done so, in a process of its own,
after a training by another backend than TensorFlow.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

import litert
import tfjs
from network import LARGEST_DIFFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Array = npt.NDArray[np.float32]
    Row = dict[str, Any]

SAVED_MODEL, LITERT, TFJS = "saved_model", "model.tflite", "tfjs"

# A browser adds up in another order than TensorFlow does, by which its form is judged here.
_FOR_BROWSERS = LARGEST_DIFFERENCE / 2


def write_exports(saved_model: Path, folder: Path, *, images: Array, probabilities: Array) -> dict[str, Row]:
    """Write the forms to `folder`; return of each by name its files' hashes, its size and by how much it differs.

    `probabilities` (n, 10) are the trained network's for the `images` (n, 48, 48). Says so of a form that is left out.
    Of the SavedModel itself only the last is told: in its files layers stand in another order each time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    difference = difference_of(saved_model, images=images, probabilities=probabilities)
    written: dict[str, Row] = {SAVED_MODEL: {"runtime": f"tensorflow {tf.__version__}", "differs_by": difference}}
    for name, (write, runtime) in _FORMS.items():
        try:
            difference = write(saved_model, folder / name, images, probabilities)
        except ValueError as error:
            _leave_out(folder / name, str(error))
            continue
        if difference <= LARGEST_DIFFERENCE:
            written[name] = {"runtime": runtime(), **_described(folder / name), "differs_by": difference}
        else:
            _leave_out(folder / name, f"it differs by {difference:.1e}, more than {LARGEST_DIFFERENCE:.0e}")
    return written


def difference_of(saved_model: Path, *, images: Array, probabilities: Array) -> float:
    """Return by how much a probability of the SavedModel differs at most, which TensorFlow Serving and C++ run."""
    network = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    [found] = network(tf.constant(images)).values()
    return float(np.abs(found.numpy() - probabilities).max())


def _write_litert(saved_model: Path, file: Path, images: Array, probabilities: Array) -> float:
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    try:
        content = converter.convert()
    except Exception as error:  # noqa: BLE001 - the converter raises its own kinds for layers that it has not got
        raise ValueError(f"TensorFlow can't convert it: {str(error).partition(chr(10))[0]}") from None
    file.write_bytes(content)
    return float(np.abs(litert.LiteRTNetwork(content)(images) - probabilities).max())


def _write_tfjs(saved_model: Path, folder: Path, images: Array, probabilities: Array) -> float:
    graph = tfjs.Graph(saved_model)
    weights, difference = tfjs.smallest(graph, images, probabilities, within=_FOR_BROWSERS)
    graph.write(weights, folder)
    return difference


_FORMS: dict[str, tuple[Callable[[Path, Path, Array, Array], float], Callable[[], str]]] = {
    LITERT: (_write_litert, lambda: f"{litert.RUNTIME} {version(litert.RUNTIME)}"),
    TFJS: (_write_tfjs, lambda: tfjs.RUNTIME),
}


def _described(place: Path) -> Row:
    files = sorted(place.iterdir()) if place.is_dir() else [place]
    return {
        "bytes": sum(file.stat().st_size for file in files),
        "sha256": {
            file.relative_to(place.parent).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
        },
    }


def _leave_out(place: Path, reason: str) -> None:
    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    print(f"exports/{place.name} is left out: {reason}.", flush=True)


def _main(saved_model: str, folder: str, test: str, rows: str) -> None:
    with np.load(test) as content:
        written = write_exports(
            Path(saved_model), Path(folder), images=content["images"], probabilities=content["probabilities"]
        )
    Path(rows).write_text(json.dumps(written), encoding="utf-8")


if __name__ == "__main__":
    _main(*sys.argv[1:])
