"""Train the lab's network: the script that SageMaker's TensorFlow container runs.

    python train.py --epochs 10 --training ./data --artifact_dir ./artifact --output_data_dir ./pictures

On SageMaker the three folders come from SM_CHANNEL_TRAINING, SM_MODEL_DIR and SM_OUTPUT_DATA_DIR, and every
hyperparameter comes as a flag. A user's mistake ends the script with code 1 and one sentence on stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import hyperparameters as hp
from data import read_channel
from folders import Folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TENSORFLOW_ENVIRONMENT = {
    # oneDNN picks another order of additions on another kind of processor.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    # A job's log is read by people: TensorFlow's warnings and errors only.
    "TF_CPP_MIN_LOG_LEVEL": "1",
}


class _Flags(argparse.ArgumentParser):
    """Flags whose errors are one sentence, without argparse's usage text."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message[:1].upper()}{message[1:]}; `python train.py --help` lists the flags.")


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one training job and return the process's exit code."""
    try:
        folders, hyperparameters = parse_flags(arguments, environment)
        channel = read_channel(folders.training)
    except ValueError as error:
        # SageMaker's training toolkit copies stderr into FailureReason from the first line on that names one
        # of Python's own exceptions (sagemaker_training 5.1.4, process.watch): no name, no reason.
        print(f"ValueError: {error}", file=sys.stderr)
        return 1
    os.environ.update(_TENSORFLOW_ENVIRONMENT)
    # Imports TensorFlow, which takes seconds that a user's mistake need not wait for.
    from fit import run  # noqa: PLC0415

    run(channel, folders=folders, hyperparameters=hyperparameters)
    return 0


def parse_flags(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[Folders, hp.Hyperparameters]:
    """Read the command line; raise ValueError with one sentence for the first thing wrong with it."""
    flags = _flags(environment).parse_args(arguments)
    folders = Folders(
        code=Path(__file__).parent,
        training=_folder(flags.training, "--training", "SM_CHANNEL_TRAINING"),
        artifact=_folder(flags.artifact_dir, "--artifact_dir", "SM_MODEL_DIR"),
        pictures=_folder(flags.output_data_dir, "--output_data_dir", "SM_OUTPUT_DATA_DIR"),
    )
    return folders, hp.Hyperparameters(
        epochs=hp.parse_epochs(flags.epochs),
        batch_size=hp.parse_batch_size(flags.batch_size),
        learning_rate=hp.parse_learning_rate(flags.learning_rate),
        hidden_units=hp.parse_hidden_units(flags.hidden_units),
        seed=hp.parse_seed(flags.seed),
        loop=hp.parse_loop(flags.loop),
    )


def _flags(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = _Flags(
        prog="train.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--epochs", default="10", help="how often each training image is seen")
    parser.add_argument("--batch_size", default="32", help="images that one step of the optimizer looks at")
    parser.add_argument("--learning_rate", default="0.001", help="size of Adam's steps")
    parser.add_argument("--hidden_units", default="128", help="width of each hidden layer: 128 or 256,128")
    parser.add_argument("--seed", default="1", help="decides every random choice")
    parser.add_argument("--loop", default="fit", help="Keras's training loop, fit, or the lab's own, custom")
    parser.add_argument("--training", default=environment.get("SM_CHANNEL_TRAINING"), help="the four files")
    parser.add_argument("--artifact_dir", default=environment.get("SM_MODEL_DIR"), help="becomes model.tar.gz")
    parser.add_argument("--output_data_dir", default=environment.get("SM_OUTPUT_DATA_DIR"), help="pictures")
    # The SageMaker SDK's TensorFlow estimator adds an S3 address for checkpoints, which the lab has none of.
    parser.add_argument("--model_dir", help="ignored; the artifact goes to --artifact_dir")
    return parser


def _folder(value: str | None, flag: str, variable: str) -> Path:
    if not value:
        raise ValueError(f"{flag} is missing; give it a folder, or set {variable} as SageMaker does.")
    return Path(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
