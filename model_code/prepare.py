"""Turn photos into the lab's four files and a table: the script of a SageMaker processing job.

    python prepare.py --photos s3://bucket/photos/ --table s3://bucket/prepared/photos/ --output ./prepared

Below --photos lies one folder a class, named like the class or its number. The four files and report.json go to the
folder --output, photos.parquet, with a row for every photo, below --table. The same photos give the same bytes.
A user's mistake ends the script with code 1 and one sentence on stderr, in --message too.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from flags import Flags
from preparing.request import Request

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_REQUIREMENTS = Path(__file__).with_name("requirements-prepare.txt")
_MESSAGE_BYTES = 1024  # of ExitMessage that SageMaker keeps


def main(arguments: Sequence[str]) -> int:
    """Run one preparation and return the process's exit code."""
    try:
        flags = _flags().parse_args(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    code, sentence = _prepared(flags)
    print(sentence, file=sys.stderr if code else sys.stdout)
    if flags.message:
        flags.message.parent.mkdir(parents=True, exist_ok=True)
        flags.message.write_bytes(sentence.encode()[:_MESSAGE_BYTES])
    return code


def _prepared(flags: argparse.Namespace) -> tuple[int, str]:
    """The exit code, and what there is to say in a sentence."""
    try:
        request = Request.parse(
            photos=flags.photos,
            table=flags.table,
            output=flags.output,
            test_fraction=flags.test_fraction,
            archive=flags.archive,
        )
        _install_what_is_missing()
        # Needs what has just been installed.
        from preparing.preparation import run  # noqa: PLC0415

        return 0, run(request)
    except ValueError as error:
        return 1, str(error)


def _install_what_is_missing() -> None:
    """AWS's container has no awswrangler; one that has it needs no package index."""
    if find_spec("awswrangler") is None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--requirement", str(_REQUIREMENTS)]
        if subprocess.run(command, check=False).returncode:
            raise ValueError(f"{_REQUIREMENTS.name} could not be installed; pip's own words are above.")


def _flags() -> Flags:
    parser = Flags(prog="prepare.py", description=__doc__)
    parser.add_argument("--photos", required=True, help="S3 address of the folder with one folder a class")
    parser.add_argument("--table", required=True, help="S3 address of the folder for photos.parquet")
    parser.add_argument("--output", required=True, type=Path, help="folder for the four files and report.json")
    parser.add_argument("--test_fraction", default="0.15", help="share of the photos to hold out: 0 to 1")
    parser.add_argument("--archive", type=Path, help="folder with a ZIP archive of photos to put below --photos")
    parser.add_argument("--message", type=Path, help="file for the last sentence, as SageMaker's ExitMessage has it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
