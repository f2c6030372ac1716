"""Turn photos into the lab's four files and a table: the script of a SageMaker processing job.

    python prepare.py --photos s3://bucket/photos/ --table s3://bucket/prepared/photos/ --output ./prepared
    python prepare.py --manifest s3://bucket/labels/JOB/manifests/output/output.manifest …

Below --photos lies one folder a class, named like the class or its number. In its place --manifest names an augmented
manifest, in which people have labelled photos of its bucket, wherever they lie. The four files and report.json go to
the folder --output, photos.parquet, with a row for every photo, below --table. The same photos give the same bytes.
A user's mistake ends the script with code 1 and one sentence on stderr, in --message too.
"""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from command_line import CommandLine, run_job

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from preparing.read_photos import PhotoFile, PhotoRecord

_REQUIREMENTS = Path(__file__).with_name("requirements-prepare.txt")
_OBJECT = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.*[^/]")
_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([^*?\[]*/)?")


def main(arguments: Sequence[str]) -> int:
    """Run one job and return the process's exit code."""
    return run_job(_flags(), arguments, _run)


def run(arguments: Sequence[str]) -> str:
    """Do what the command line asks for, and return what was done in a sentence; raise ValueError with one."""
    return _run(_flags().parse_args(arguments))


def _run(flags: argparse.Namespace) -> str:
    request = _checked(flags)
    _install_what_is_missing()
    return prepare(request)


@dataclass(frozen=True, kw_only=True)
class Request:
    """`photos` and `table` are S3 addresses that end with a slash, `output` and `archive` folders of this machine.

    `manifest` is an S3 address in the place of `photos`, `attribute` the name of its label attribute.
    """

    photos: str
    table: str
    output: Path
    test_fraction: float
    archive: Path | None = None
    manifest: str | None = None
    attribute: str | None = None


def prepare(request: Request) -> str:
    """Prepare the photos, and return what was done in a sentence.

    Raises ValueError, in one sentence, for photos that no data set can be made of, and when S3 refuses.
    """
    # These need what AWS's container has to install first.
    from botocore.exceptions import BotoCoreError, ClientError

    from preparing.arrays import write_arrays
    from preparing.find_photos import list_photos, upload_archive
    from preparing.manifest import list_labelled
    from preparing.split import split
    from preparing.write import Report, write_table

    try:
        if request.archive:
            upload_archive(request.archive, request.photos)
        if request.manifest:
            files, left_out = list_labelled(request.manifest, request.attribute)
        else:
            files, left_out = list_photos(request.photos)
        print(f"{len(files)} photos of {request.manifest or request.photos}", flush=True)
        records = split(_read(files), test_fraction=request.test_fraction)
        report = Report(records, left_out)
        for path, why in report.dropped:
            print(f"dropped {path}: {why}", flush=True)
        write_arrays(request.output, records)
        report.write(request.output / "report.json")
        # Last: what Athena shows is never about a data set that was not made.
        print(f"table={write_table(request.table, records)}", flush=True)
    except (ClientError, BotoCoreError) as error:
        raise ValueError(f"S3 was asked in vain: {error}") from error
    return str(report)


def _read(files: Sequence[PhotoFile]) -> Iterator[PhotoRecord]:
    """Yield every photo's record; print a line of the log after each tenth of them."""
    from preparing.read_photos import read_photos

    done = 0
    for some in read_photos(files):
        yield from some
        before, done = done, done + len(some)
        if 10 * done // len(files) > 10 * before // len(files):
            print(f"photos={done}/{len(files)}", flush=True)


def _checked(flags: argparse.Namespace) -> Request:
    """Return what is asked for; raise ValueError with one sentence for the first thing wrong with it."""
    if (flags.photos is None) == (flags.manifest is None):
        raise ValueError("photos and manifest both say which photos there are; give one of them.")
    if flags.manifest and not _OBJECT.fullmatch(flags.manifest):
        raise ValueError(
            f"manifest is {flags.manifest!r}; it needs to be an object in S3, s3://bucket/output.manifest."
        )
    request = Request(
        photos=_address("photos", flags.photos) if flags.photos else "",
        manifest=flags.manifest,
        attribute=flags.attribute,
        table=_address("table", flags.table),
        output=flags.output,
        test_fraction=_share("test_fraction", flags.test_fraction),
        archive=flags.archive,
    )
    if request.photos and request.table.startswith(request.photos):
        raise ValueError(
            f"table is {flags.table!r}, below photos ({flags.photos!r}); it needs a place of its own, or the next run "
            "would take the table for a photo."
        )
    return request


def _address(name: str, text: str) -> str:
    address = text if text.endswith("/") else f"{text}/"
    if not _ADDRESS.fullmatch(address):
        raise ValueError(
            f"{name} is {text!r}; it needs to be a folder in S3 without * ? [, such as s3://bucket/{name}/."
        )
    return address


def _share(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise ValueError(f"{name} is {text!r}; it needs to be a number above 0 and below 1, such as 0.15.")
    return value


def _install_what_is_missing() -> None:
    """Install awswrangler, which AWS's container lacks; one that has it needs no package index."""
    if find_spec("awswrangler") is None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--requirement", str(_REQUIREMENTS)]
        if subprocess.run(command, check=False).returncode:
            raise ValueError(f"{_REQUIREMENTS.name} could not be installed; pip's own words are above.")


def _flags() -> CommandLine:
    parser = CommandLine(prog="prepare.py", description=__doc__)
    parser.add_argument("--photos", help="S3 address of the folder with one folder a class; or:")
    parser.add_argument("--manifest", help="S3 address of an augmented manifest of an image classification")
    parser.add_argument("--attribute", help="its label attribute; the only one unless given")
    parser.add_argument("--table", required=True, help="S3 address of the folder for photos.parquet")
    parser.add_argument("--output", required=True, type=Path, help="folder for the four files and report.json")
    parser.add_argument("--test_fraction", default="0.15", help="share of the photos to hold out: 0 to 1")
    parser.add_argument("--archive", type=Path, help="folder with a ZIP archive of photos to put below --photos")
    parser.add_argument("--message", type=Path, help="file for the last sentence, as SageMaker's ExitMessage has it")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
