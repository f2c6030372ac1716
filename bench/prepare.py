"""Preparing photos: `./lab bench prepare` times model_code/prepare.py against plain loops over the same photos.

All photos lie in the S3 of an embedded AWS of its own. A loop opens, prepares and appends one photo after the other, as
one would write it in a notebook: from S3 as the script has it, and from the disk, where nothing has to be fetched. The
script's seconds are those of its whole process: start, listing, report and table too. In each round all three run
one after the other; medians. Everything, the S3 too, shares this machine's cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.support import photos, tables
from bench.support.embedded_aws import EmbeddedAws, embedded_aws
from cli import paths
from cli.programs import tool_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BUCKET, _PHOTOS = "bench", "photos/"
_UPLOADS = 8  # at a time
_LOOP, _DISK, _SCRIPT = "loop, from S3", "loop, from disk", "prepare.py"

Seconds = dict[str, list[float]]


class Bench:
    """The same photos in a folder and in a bucket, prepared in three ways."""

    def __init__(self, aws: EmbeddedAws, folder: Path, results: Path) -> None:
        self._folder, self._results = folder, results
        self._account = aws.environment
        self._s3 = aws.client("s3")
        self._files = sorted(file for file in folder.rglob("*") if file.is_file())
        self._keys = [f"{_PHOTOS}{file.relative_to(folder)}" for file in self._files]

    def upload(self) -> None:
        """Put the photos into the bucket."""
        self._s3.create_bucket(Bucket=_BUCKET)
        with ThreadPoolExecutor(_UPLOADS) as pool:
            list(pool.map(lambda file, key: self._s3.upload_file(str(file), _BUCKET, key), self._files, self._keys))

    def round(self) -> dict[str, float]:
        """Prepare all photos in each way, once; return the seconds."""
        return {
            _LOOP: _seconds(lambda: _loop(self._get(key) for key in self._keys)),
            _SCRIPT: _seconds(self._script),
            _DISK: _seconds(lambda: _loop(file.read_bytes() for file in self._files)),
        }

    def _get(self, key: str) -> bytes:
        content: bytes = self._s3.get_object(Bucket=_BUCKET, Key=key)["Body"].read()
        return content

    def _script(self) -> None:
        place = f"s3://{_BUCKET}/"
        command = [sys.executable, str(paths.ROOT / "model_code" / "prepare.py"), "--photos", f"{place}{_PHOTOS}"]
        more = ["--table", f"{place}table/", "--output", str(self._results)]
        subprocess.run(
            [*command, *more], env={**tool_environment(), **self._account}, stdout=subprocess.DEVNULL, check=True
        )


def _loop(contents: Iterable[bytes]) -> None:
    """Prepare one photo after the other: what the script is measured against."""
    from photo import prepare  # noqa: PLC0415 - model_code is on the path when this is called

    images = []
    for content in contents:
        images.append(prepare(content))  # noqa: PERF401 - as one would write it
    np.stack(images)


def _seconds(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def measure(count: int, rounds: int) -> Seconds:
    """Return the seconds of each way in each round."""
    sys.path.insert(0, str(paths.ROOT / "model_code"))
    folder = photos.ensure(count, cache=paths.cache() / "bench")
    seconds: Seconds = {}
    with tempfile.TemporaryDirectory() as results, embedded_aws() as aws:
        bench = Bench(aws, folder, Path(results))
        bench.upload()
        for number in range(rounds):
            print(f"round {number + 1} of {rounds} …", file=sys.stderr, flush=True)
            for way, taken in bench.round().items():
                seconds.setdefault(way, []).append(taken)
    return seconds


def _show(count: int, seconds: Seconds) -> None:
    lines = [["", "seconds", "photos/s", "x"]]
    slowest = statistics.median(seconds[_LOOP])
    for way, each in seconds.items():
        taken = statistics.median(each)
        lines.append([way, f"{taken:.1f}", f"{count / taken:.0f}", f"{slowest / taken:.2f}"])
    tables.show(lines, title=f"{count:,} photos, {os.cpu_count()} cores")


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="./lab bench prepare", description=__doc__)
    parser.add_argument("--photos", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is timed (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    seconds = measure(options.photos, options.rounds)
    if options.json:
        print(json.dumps({"photos": options.photos, "seconds": seconds}, indent=2))
    else:
        _show(options.photos, seconds)


if __name__ == "__main__":
    main()
