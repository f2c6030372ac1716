"""Compare a candidate with the model that serves, on images that nobody has learnt from: a retraining's last script.

    python compare.py --data ./snapshot --candidate ./candidate --serving ./serving --output ./comparison

Each model's model.tar.gz lies in its folder; both answer the test images of the folder --data. comparison.json tells
how many each has right, of all and of every class, and what a gate asks: `gain`, by how much more of all images the
candidate has right, and `loss`, by how much less of the class in which it has lost most, both as a share. `same` is
true if both are one model: equal weights.
A user's mistake ends the script with code 1 and one sentence on stderr, in --message too.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifact import read_model, read_receipt
from command_line import CommandLine, run_job
from confusion import confusion_matrix, per_class_accuracy
from data import read_channel

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

_DIGITS = 6  # of a share of images: 0.97 - 0.96 is 0.01, and not 0.010000000000000009


def main(arguments: Sequence[str]) -> int:
    """Run one job and return the process's exit code."""
    return run_job(_flags(), arguments, _compare)


def _compare(flags: argparse.Namespace) -> str:
    """Write the comparison, and return it in a sentence; raise ValueError with one for a mistake."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "1"
    test = read_channel(flags.data).test
    matrices = {
        name: confusion_matrix(test.labels, read_model(folder)(test.images).argmax(axis=1))
        for name, folder in (("candidate", flags.candidate), ("serving", flags.serving))
    }
    weights = [read_receipt(folder).get("weights_sha256", "") for folder in (flags.candidate, flags.serving)]
    found = {**compare(**matrices), "same": weights[0] == weights[1] != ""}
    flags.output.mkdir(parents=True, exist_ok=True)
    (flags.output / "comparison.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return _sentence(found)


def compare(*, candidate: npt.NDArray[np.int64], serving: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Return what comparison.json tells of two confusion matrices (10, 10) of the same images."""
    models = {"candidate": candidate, "serving": serving}
    classes = {name: per_class_accuracy(matrix) for name, matrix in models.items()}
    lost = {
        label: round(before - (classes["candidate"][label] or 0), _DIGITS)
        for label, before in classes["serving"].items()
        if before is not None
    }
    worst = max(lost, key=lambda label: lost[label])
    accuracy = {name: float(matrix.trace() / matrix.sum()) for name, matrix in models.items()}
    return {
        "images": int(candidate.sum()),
        **{
            name: {
                "accuracy": round(accuracy[name], _DIGITS),
                "right": int(matrix.trace()),
                "per_class_accuracy": classes[name],
            }
            for name, matrix in models.items()
        },
        "gain": round(accuracy["candidate"] - accuracy["serving"], _DIGITS),
        "loss": max(lost[worst], 0.0),
        "lost_most": worst,
    }


def _sentence(found: dict[str, Any]) -> str:
    right = {name: found[name]["right"] for name in ("candidate", "serving")}
    lost = f"; it has lost most of {found['lost_most']}, {found['loss']:.1%}" if found["loss"] else ""
    return (
        f"Of {found['images']} test images the candidate has {right['candidate']} right, and the model that serves "
        f"{right['serving']}{lost}."
    )


def _flags() -> CommandLine:
    parser = CommandLine(prog="compare.py", description=__doc__)
    parser.add_argument("--data", required=True, type=Path, help="folder with the four files")
    parser.add_argument("--candidate", required=True, type=Path, help="folder with the new model.tar.gz")
    parser.add_argument("--serving", required=True, type=Path, help="folder with the model.tar.gz that serves")
    parser.add_argument("--output", required=True, type=Path, help="folder for comparison.json")
    parser.add_argument("--message", type=Path, help="file for the last sentence, as SageMaker's ExitMessage has it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
