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
from network import LARGEST_DIFFERENCE, Network
from novelty import Novelty

if TYPE_CHECKING:
    import keras
    import numpy.typing as npt

    from command_line import Folders
    from data import Channel, Part
    from evaluation import Metrics

INFERENCE_CODE = ("inference.py", "network.py", "novelty.py", "photo.py", "image_file.py", "data.py")
"""inference.py and all it imports of ours."""

REFERENCE = "test_probabilities.npy"
"""What the trained network finds for the test images, (n, 10): by it whatever serves the model can be judged."""

_IN_NUMPY = {"Flatten", "Dense"}


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
    is the network in NumPy, which inference.py answers from, `exports/` has its forms for other runtimes; each is left
    out unless it finds the `probabilities` (n, 10) that `model` gives for the test images, which are kept as REFERENCE.
    code/novelty.npz tells that handler how unlike the training images a picture is; monitoring/ is what monitor.py
    compares with. The last two are of networks with dense layers only. receipt.json says by how much each way of
    serving differs.
    """
    artifact = folders.artifact
    write_saved_model(model, artifact / "1", hidden_units=provenance["hyperparameters"]["hidden_units"])
    write_inference_code(folders.code, artifact / "code")
    test, known = channel.test, dict[str, Any]()
    if layers := sorted({type(layer).__name__ for layer in model.layers} - _IN_NUMPY):
        _leave_out_network(f"there is no {', '.join(layers)} in it")
        known["numpy_form_differs_by"] = None
    else:
        weights = model.get_weights()
        network = Network(weights)
        difference = write_network(network, artifact / "code", test=test, probabilities=probabilities)
        novelty = Novelty.fit(network.hidden(channel.train.images), network.hidden(test.images))
        novelty.write(artifact / "code" / "novelty.npz")
        baseline.write(artifact / baseline.FOLDER, weights=weights, test=test, probabilities=probabilities)
        known = {"numpy_form_differs_by": difference, "novelty": novelty.to_json()}
    exports = write_exports(artifact, images=test.images, probabilities=probabilities)
    np.save(artifact / REFERENCE, probabilities)
    _write_json(artifact / "labels.json", LABELS)
    _write_json(artifact / "metrics.json", metrics.to_json())
    _write_json(artifact / "receipt.json", {**provenance, **known, "exports": exports, "ways": _ways(known, exports)})


def write_inference_code(code: Path, folder: Path) -> None:
    """Copy inference.py with what it needs from the source directory `code` to an artifact's folder `code`."""
    folder.mkdir(exist_ok=True)
    for name in INFERENCE_CODE:
        shutil.copyfile(code / name, folder / name)
    shutil.copyfile(code / "requirements-inference.txt", folder / "requirements.txt")


def write_saved_model(model: keras.Model, folder: Path, *, hidden_units: tuple[int, ...]) -> None:
    """Write the network, built with these hidden units, as TensorFlow's SavedModel, whichever backend has trained it.

    Raises CalledProcessError if the process that does it for another backend fails.
    """
    if BACKEND == "tensorflow":
        model.export(folder, format="tf_saved_model", verbose=False)
        return
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "weights.npz"
        np.savez(file, *model.get_weights())
        _run_with_tensorflow(Path(__file__), file, folder, ",".join(map(str, hidden_units)))


def write_exports(artifact: Path, *, images: npt.NDArray[np.float32], probabilities: npt.NDArray[np.float32]) -> Any:
    """Write the artifact's SavedModel in the forms of other runtimes; return what exports.py says of them.

    Raises CalledProcessError if the process that does it for another backend fails.
    """
    saved_model, folder = artifact / "1", artifact / "exports"
    if BACKEND == "tensorflow":
        import exports  # noqa: PLC0415 - it imports TensorFlow

        return exports.write_exports(saved_model, folder, images=images, probabilities=probabilities)
    with tempfile.TemporaryDirectory() as temporary:
        test, rows = Path(temporary) / "test.npz", Path(temporary) / "rows.json"
        np.savez(test, images=images, probabilities=probabilities)
        _run_with_tensorflow(Path(__file__).with_name("exports.py"), saved_model, folder, test, rows)
        return json.loads(rows.read_text(encoding="utf-8"))


def _ways(known: dict[str, Any], exports: dict[str, Any]) -> dict[str, Any]:
    """Return the receipt's table: for each way of serving which form answers, None if none does, and its difference."""
    difference = known["numpy_form_differs_by"]
    in_numpy = difference is not None and difference <= LARGEST_DIFFERENCE
    saved_model = {"form": "1", "differs_by": exports["saved_model"]["differs_by"]}
    endpoint = {"form": "code/network.npz", "differs_by": difference} if in_numpy else saved_model

    def exported(name: str) -> dict[str, Any] | None:
        return {"form": f"exports/{name}", "differs_by": exports[name]["differs_by"]} if name in exports else None

    on_devices = exported("model.tflite")
    return {
        "endpoint": endpoint,
        "rest": endpoint,
        "lambda": on_devices,
        "edge": on_devices,
        "web": exported("tfjs"),
        "c++": saved_model,
    }


def _run_with_tensorflow(script: Path, *arguments: Path | str) -> None:
    subprocess.run([sys.executable, script, *arguments], env={**os.environ, "KERAS_BACKEND": "tensorflow"}, check=True)


def write_network(network: Network, folder: Path, *, test: Part, probabilities: npt.NDArray[np.float32]) -> float:
    """Write network.npz if it is equal enough; return by how much a probability differs at most.

    Says so where it is not: the endpoint then asks the SavedModel.
    """
    difference = float(np.abs(network(test.images) - probabilities).max())
    if difference <= LARGEST_DIFFERENCE:
        network.write(folder / "network.npz")
    else:
        _leave_out_network(f"it differs by {difference:.1e}, more than {LARGEST_DIFFERENCE:.0e}")
    return difference


def _leave_out_network(reason: str) -> None:
    print(f"network.npz is left out: {reason}. The endpoint will ask the SavedModel, which takes longer.", flush=True)


def _write_json(path: Path, content: Any) -> None:
    """Write a file that both people and programs read."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _main(weights: str, folder: str, hidden_units: str) -> None:
    units = HIDDEN_UNITS.parse("HIDDEN_UNITS", hidden_units)
    model = build(units)
    with np.load(weights) as content:
        model.set_weights([content[name] for name in content.files])
    write_saved_model(model, Path(folder), hidden_units=units)


if __name__ == "__main__":
    _main(*sys.argv[1:])
