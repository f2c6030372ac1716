"""Turn the bricks into rows of numbers for AWS's algorithms: the script of a SageMaker processing job.

    python features.py --data ./data --output ./features
    python features.py --data ./data --output ./features --network ./artifact

The first writes an image's pixels, 0..1, in a row; the second what the last hidden layer of a trained network makes of
them, whose model.tar.gz lies in the folder --network. train/ and test/ get a CSV file each, the label first; with
`--labels none` there is none, for algorithms that learn without. model/model.tar.gz is a model that answers a photo
with its row: the first container of an endpoint whose second one has the algorithm.
A user's mistake ends the script with code 1 and one sentence on stderr, in --message too.
"""

from __future__ import annotations

import os
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from artifact import ARTIFACT, open_artifact
from command_line import CommandLine, run_job
from data import PARTS, read_channel
from network import HiddenLayers, rows_of
from optional_imports import skipping

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from data import Part

    Weights = list[npt.NDArray[np.float32]]


def main(arguments: Sequence[str]) -> int:
    """Run one job and return the process's exit code."""
    return run_job(_flags(), arguments, _write)


def _write(flags: argparse.Namespace) -> str:
    """Write rows and model, and return what was done in a sentence; raise ValueError with one for a mistake."""
    channel = read_channel(flags.data)
    os.environ.update({"TF_CPP_MIN_LOG_LEVEL": "1", "KERAS_BACKEND": "tensorflow"})
    weights = _hidden_weights(flags.network) if flags.network else []
    layers = HiddenLayers(weights)
    for name in PARTS:
        _write_rows(getattr(channel, name), layers, flags.output / name, labeled=flags.labels == "first")
    _write_model(weights, layers, flags.output / "model")
    width = layers(channel.test.images[:1]).shape[1]
    what = "values of the last hidden layer" if flags.network else "pixels"
    return f"{len(channel.train.labels)} training and {len(channel.test.labels)} test images, {width} {what} each."


def _write_rows(part: Part, layers: HiddenLayers, folder: Path, *, labeled: bool) -> None:
    rows = rows_of(layers(part.images)).split("\n")
    if labeled:
        rows = [f"{label},{row}" for label, row in zip(part.labels, rows, strict=True)]
    folder.mkdir(parents=True)
    (folder / "bricks.csv").write_text("\n".join(rows) + "\n", encoding="ascii")


def _write_model(weights: Weights, layers: HiddenLayers, folder: Path) -> None:
    """Write the model as AWS's TensorFlow inference container takes it: inference.py answers from features.npz."""
    from export import write_inference_code, write_saved_model
    from model import build_features

    hidden_units = tuple(len(bias) for bias in weights[1::2])
    model = build_features(hidden_units)
    model.set_weights(weights)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        artifact = Path(temporary)
        write_saved_model(model, artifact / "1", hidden_units=hidden_units)
        write_inference_code(Path(__file__).parent, artifact / "code")
        layers.write(artifact / "code" / "features.npz")
        with tarfile.open(folder / ARTIFACT, "w:gz") as archive:
            for each in sorted(artifact.iterdir()):
                archive.add(each, each.name)


def _hidden_weights(folder: Path) -> Weights:
    """Return the weights of a trained network's hidden layers, from the SavedModel in its artifact.

    Not from network.npz, which is not there where NumPy's probabilities were too different.
    """
    with skipping("keras.src"):
        import tensorflow as tf

    with tempfile.TemporaryDirectory() as temporary:
        with open_artifact(folder) as archive:
            archive.extractall(temporary, filter="data")
        loaded = tf.saved_model.load(str(Path(temporary) / "1"))
        weights: Weights = [variable.numpy() for variable in loaded.trainable_variables]
    return weights[:-2]


def _flags() -> CommandLine:
    parser = CommandLine(prog="features.py", description=__doc__)
    parser.add_argument("--data", required=True, type=Path, help="folder with the four files")
    parser.add_argument("--output", required=True, type=Path, help="folder for train/, test/ and model/")
    parser.add_argument("--network", type=Path, help="folder with a training job's model.tar.gz; none: pixels")
    parser.add_argument("--labels", choices=("first", "none"), default="first", help="where an image's label goes")
    parser.add_argument("--message", type=Path, help="file for the last sentence, as SageMaker's ExitMessage has it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
