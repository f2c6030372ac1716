"""Keep what a retraining learns from and is judged by: the first script of a retraining, as a processing job.

    python snapshot.py --data ./data --model ./model --output ./snapshot
    python snapshot.py --photos s3://bucket/photos/ --table s3://bucket/table/ --model ./model --output ./snapshot

The four files go to the folder --output as they are now: what happens to the originals meanwhile, training and
comparison see the same. With --photos they are prepared first, as prepare.py does it. snapshot.json tells how many
images there are, their hash, and whether the model that serves, whose model.tar.gz lies in the folder --model, has
learnt from the same. A test image that is among the training images too would judge what has learnt it: refused.
A user's mistake ends the script with code 1 and one sentence on stderr, in --message too.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifact import read_receipt
from command_line import CommandLine, run_job
from data import FILES, file_name, read_channel

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from data import Channel


def main(arguments: Sequence[str]) -> int:
    """Run one job and return the process's exit code."""
    return run_job(_flags(), arguments, _keep)


def _keep(flags: argparse.Namespace) -> str:
    """Write the snapshot, and return what is in it in a sentence; raise ValueError with one for a mistake."""
    if not flags.photos:
        return _copy(flags.data, flags)
    from prepare import run

    with tempfile.TemporaryDirectory() as temporary:
        print(run(["--photos", flags.photos, "--table", flags.table, "--output", temporary]), flush=True)
        return _copy(Path(temporary), flags)


def _copy(data: Path, flags: argparse.Namespace) -> str:
    channel = read_channel(data)
    _check_held_out(channel)
    flags.output.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for name in FILES:
        shutil.copyfile(data / name, flags.output / name)
        with (flags.output / name).open("rb") as file:
            hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    document = {
        "train": len(channel.train.labels),
        "test": len(channel.test.labels),
        "data": digest(hashes),
        "known": digest(read_receipt(flags.model).get("data_sha256", {})),
    }
    (flags.output / "snapshot.json").write_text(json.dumps(document) + "\n", encoding="utf-8")
    return f"{document['train']} images to train with and {document['test']} to compare by."


def digest(hashes: dict[str, Any]) -> str:
    """Return one hash for those of the four files."""
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def _check_held_out(channel: Channel) -> None:
    """Raise ValueError if a test image is among the training images."""
    learnt = {_bytes(image) for image in channel.train.images}
    if both := sum(_bytes(image) in learnt for image in channel.test.images):
        images = file_name("test", "images")
        raise ValueError(
            f"{both} of the {len(channel.test.labels)} images in {images} are among the training images too: what has "
            "learnt them can't be judged by them, so take them out of one of the two."
        )


def _bytes(image: npt.NDArray[np.float32]) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()


def _flags() -> CommandLine:
    parser = CommandLine(prog="snapshot.py", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with the four files; or:")
    parser.add_argument("--photos", help="S3 address of the folder with one folder a class")
    parser.add_argument("--table", help="S3 address of the folder for photos.parquet")
    parser.add_argument("--model", required=True, type=Path, help="folder with the model.tar.gz that serves")
    parser.add_argument("--output", required=True, type=Path, help="folder for the four files and snapshot.json")
    parser.add_argument("--message", type=Path, help="file for the last sentence, as SageMaker's ExitMessage has it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
