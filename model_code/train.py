"""Train the lab's network: the script that SageMaker's TensorFlow container runs.

    python train.py --epochs 10 --training ./data --artifact_dir ./artifact --output_data_dir ./pictures

On SageMaker the three folders come from SM_CHANNEL_TRAINING, SM_MODEL_DIR and SM_OUTPUT_DATA_DIR, and every
hyperparameter comes as a flag. A user's mistake ends the script with code 1 and one sentence on stderr.
SIGTERM ends it at once, with the last epoch's checkpoint in --checkpoint_dir; the same command goes on from there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import hyperparameters as hp
from data import read_channel
from flags import Flags
from folders import Folders
from hosts import read_hosts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hosts import Hosts

_TENSORFLOW_ENVIRONMENT = {
    # oneDNN picks another order of additions on another kind of processor.
    "TF_ENABLE_ONEDNN_OPTS": "0",
    # A job's log is read by people: TensorFlow's warnings and errors only.
    "TF_CPP_MIN_LOG_LEVEL": "1",
}


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one training job and return the process's exit code."""
    try:
        folders, hyperparameters = parse_flags(arguments, environment)
        hosts = read_hosts(environment)
        _check_together(hyperparameters, hosts)
        channel = read_channel(folders.training)
    except ValueError as error:
        # SageMaker's training toolkit copies stderr into FailureReason from the first line on that names one
        # of Python's own exceptions (sagemaker_training 5.1.4, process.watch): no name, no reason.
        print(f"ValueError: {error}", file=sys.stderr)
        return 1
    os.environ.update(
        {
            **_TENSORFLOW_ENVIRONMENT,
            **_kept_programs(environment),
            **hosts.environment(),
            "KERAS_BACKEND": hyperparameters.backend,
        }
    )
    # Imports TensorFlow, which takes seconds that a user's mistake need not wait for.
    from run import run  # noqa: PLC0415

    run(channel, folders=folders, hyperparameters=hyperparameters, hosts=hosts)
    return 0


def parse_flags(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[Folders, hp.Hyperparameters]:
    """Read the command line; raise ValueError with one sentence for the first thing wrong with it."""
    flags = _flags(environment).parse_args(arguments)
    folders = Folders(
        code=Path(__file__).parent,
        training=_folder(flags.training, "--training", "SM_CHANNEL_TRAINING"),
        artifact=_folder(flags.artifact_dir, "--artifact_dir", "SM_MODEL_DIR"),
        pictures=_folder(flags.output_data_dir, "--output_data_dir", "SM_OUTPUT_DATA_DIR"),
        checkpoints=Path(flags.checkpoint_dir) if flags.checkpoint_dir else None,
        event_log=Path(flags.tensorboard_dir) if flags.tensorboard_dir else None,
    )
    return folders, hp.Hyperparameters(
        epochs=hp.parse_epochs(flags.epochs),
        batch_size=hp.parse_batch_size(flags.batch_size),
        learning_rate=hp.parse_learning_rate(flags.learning_rate),
        hidden_units=hp.parse_hidden_units(flags.hidden_units),
        seed=hp.parse_seed(flags.seed),
        loop=hp.parse_loop(flags.loop),
        backend=hp.parse_backend(flags.backend),
    )


def _flags(environment: Mapping[str, str]) -> Flags:
    # The toolkit's name for /opt/ml/output. What lies beside it and in it goes to S3 if the job is told to.
    output = environment.get("SM_OUTPUT_DIR")
    parser = Flags(prog="train.py", description=__doc__)
    parser.add_argument("--epochs", default="10", help="how often each training image is seen")
    parser.add_argument("--batch_size", default="32", help="images that one step of the optimizer looks at")
    parser.add_argument("--learning_rate", default="0.001", help="size of Adam's steps")
    parser.add_argument("--hidden_units", default="128", help="width of each hidden layer: 128 or 256,128")
    parser.add_argument("--seed", default="0", help="decides every random choice")
    parser.add_argument("--loop", default="fit", help="Keras's training loop, fit, or the lab's own, custom")
    parser.add_argument("--backend", default="tensorflow", help="what Keras computes with: tensorflow, jax or torch")
    parser.add_argument("--training", default=environment.get("SM_CHANNEL_TRAINING"), help="the four files")
    parser.add_argument("--artifact_dir", default=environment.get("SM_MODEL_DIR"), help="becomes model.tar.gz")
    parser.add_argument("--output_data_dir", default=environment.get("SM_OUTPUT_DATA_DIR"), help="pictures")
    parser.add_argument(
        "--checkpoint_dir",
        default=output and str(Path(output).with_name("checkpoints")),
        help="where the state after each epoch is kept; none: nowhere",
    )
    parser.add_argument(
        "--tensorboard_dir",
        default=output and str(Path(output) / "tensorboard"),
        help="where TensorBoard's log is written; none: nowhere",
    )
    # The SageMaker SDK's TensorFlow estimator adds an S3 address for checkpoints, which the lab has none of.
    parser.add_argument("--model_dir", help="ignored; the artifact goes to --artifact_dir")
    return parser


def _kept_programs(environment: Mapping[str, str]) -> dict[str, str]:
    """Let XLA keep what it compiles where the next job of a SageMaker warm pool finds it."""
    cache = environment.get("SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY")
    if not cache:
        return {}
    flags = ("directory", f"{cache}/xla"), ("device_types", "CPU")
    return {
        "TF_XLA_FLAGS": " ".join(f"--tf_xla_persistent_cache_{name}={value}" for name, value in flags),
        # XLA logs as errors which of the processor's features a program that it finds was made for.
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _check_together(hyperparameters: hp.Hyperparameters, hosts: Hosts) -> None:
    """Raise ValueError for what does not go together."""
    backend, loop, batch_size = hyperparameters.backend, hyperparameters.loop, hyperparameters.batch_size
    if backend != "tensorflow" and loop != "fit":
        raise ValueError(
            f"loop is {loop!r} and backend {backend!r}; the loop written out is TensorFlow's: use loop=fit."
        )
    if backend != "tensorflow" and hosts.count > 1:
        raise ValueError(f"backend is {backend!r} on {hosts.count} hosts; it trains on one: use tensorflow for more.")
    if batch_size < hosts.count:
        raise ValueError(
            f"batch_size is {batch_size} on {hosts.count} hosts; it needs to be at least {hosts.count}, "
            "for each host takes its share of every batch."
        )


def _folder(value: str | None, flag: str, variable: str) -> Path:
    if not value:
        raise ValueError(f"{flag} is missing; give it a folder, or set {variable} as SageMaker does.")
    return Path(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
