"""The command lines of model_code's scripts, whose users read errors in a job's log; and train.py's own flags."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import hyperparameters as hp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loops.distributed import Hosts

_MESSAGE_BYTES = 1024  # of ExitMessage that SageMaker keeps


class CommandLine(argparse.ArgumentParser):
    """Flags whose errors are a ValueError in one sentence, without argparse's usage text."""

    def __init__(self, *, prog: str, description: str | None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Raise ValueError."""
        raise ValueError(f"{message[:1].upper()}{message[1:]}; `python {self.prog} --help` lists the flags.")


def report(sentence: str, message: Path | None, *, code: int = 0) -> int:
    """Print the last sentence of a processing job, write it to the file `message` if there is one; return the code."""
    print(sentence, file=sys.stderr if code else sys.stdout)
    if message:
        message.parent.mkdir(parents=True, exist_ok=True)
        message.write_bytes(sentence.encode()[:_MESSAGE_BYTES])
    return code


def run_job(parser: CommandLine, arguments: Sequence[str], work: Callable[[argparse.Namespace], str]) -> int:
    """Do a processing job's work, tell the sentence that it returns, and return the process's exit code.

    A ValueError's sentence is told in its place, with code 1; of the flags themselves on stderr alone.
    """
    try:
        flags = parser.parse_args(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        return report(work(flags), flags.message)
    except ValueError as error:
        return report(str(error), flags.message, code=1)


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Where a training reads and writes.

    `code`: the source directory; `training`: the channel; the others are written to, the last two if asked for.
    """

    code: Path
    training: Path
    artifact: Path
    pictures: Path
    checkpoints: Path | None = None
    event_log: Path | None = None


def parse_flags(
    arguments: Sequence[str], environment: Mapping[str, str], *, description: str | None = None
) -> tuple[Folders, hp.Hyperparameters]:
    """Read train.py's command line; raise ValueError with one sentence for the first thing wrong with it."""
    flags = _flags(environment, description).parse_args(arguments)
    folders = Folders(
        code=Path(__file__).parent,
        training=_folder(flags.training, "--training", "SM_CHANNEL_TRAINING"),
        artifact=_folder(flags.artifact_dir, "--artifact_dir", "SM_MODEL_DIR"),
        pictures=_folder(flags.output_data_dir, "--output_data_dir", "SM_OUTPUT_DATA_DIR"),
        checkpoints=Path(flags.checkpoint_dir) if flags.checkpoint_dir else None,
        event_log=Path(flags.tensorboard_dir) if flags.tensorboard_dir else None,
    )
    return folders, hp.parse(vars(flags))


def check_together(hyperparameters: hp.Hyperparameters, hosts: Hosts) -> None:
    """Raise ValueError, in one sentence, for what does not go together."""
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


def _flags(environment: Mapping[str, str], description: str | None) -> CommandLine:
    # The toolkit's name for /opt/ml/output. What lies beside it and in it goes to S3 if the job is told to.
    output = environment.get("SM_OUTPUT_DIR")
    parser = CommandLine(prog="train.py", description=description)
    for name, hyperparameter in hp.TABLE.items():
        parser.add_argument(f"--{name}", default=str(hyperparameter.default), help=hyperparameter.help)
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


def _folder(value: str | None, flag: str, variable: str) -> Path:
    if not value:
        raise ValueError(f"{flag} is missing; give it a folder, or set {variable} as SageMaker does.")
    return Path(value)
