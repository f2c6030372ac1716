"""What it costs that objects last: `./lab bench objects` puts, joins, copies and reads them, and starts with thousands.

Puts of three sizes, in turns with another checkout's embedded AWS if one is named (`--against FOLDER`); medians. Then
one large object: what the gateway grows by at most, and how long another call waits at most, while it is put, uploaded
in parts, copied, and read. Then a gateway with thousands of objects and some gigabytes is killed and started, beside an
empty one.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from bench.support import tables
from bench.support.embedded_aws import EmbeddedAws
from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BUCKET = "bench"
_SIZES = {"1 KB": (1_000, 100), "100 KB": (100_000, 100), "100 MB": (100_000_000, 2)}  # bytes, puts a round
_CHUNK = 1024**2
_LOOK_SECONDS = 0.01
_GIGABYTE = 10**9


@contextmanager
def _started(tree: Path, home: Path) -> Iterator[EmbeddedAws]:
    """Run the embedded AWS of a checkout."""
    environment = {**tool_environment(), "PYTHONPATH": str(tree)}
    words = [sys.executable, "-m", "embedded_aws", "start", "--state", str(home), "--port", "0"]
    subprocess.run(words, cwd=tree, env=environment, check=True, stdout=subprocess.DEVNULL)
    running = gateway.running(home)
    if running is None:
        sys.exit(f"The embedded AWS of {tree} has ended.")
    try:
        yield EmbeddedAws(running)
    finally:
        gateway.stop(home)


def puts(trees: list[Path], rounds: int) -> dict[str, list[float]]:
    """Return the median seconds of a put of each size, on each tree."""
    seconds: dict[tuple[str, Path], list[float]] = {}
    with ExitStack() as stack:
        clients = {}
        for tree in trees:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            clients[tree] = stack.enter_context(_started(tree, home)).client("s3")
            clients[tree].create_bucket(Bucket=_BUCKET)
        bodies = {name: os.urandom(size) for name, (size, _) in _SIZES.items()}
        for number in range(rounds):
            for name, (_, times) in _SIZES.items():
                for each in range(times):
                    # One after the other, and each of them first as often: what else the machine does falls on all.
                    for tree in trees if (number + each) % 2 else reversed(trees):
                        begun = time.perf_counter()
                        clients[tree].put_object(Bucket=_BUCKET, Key=f"{name} {each}", Body=bodies[name])
                        seconds.setdefault((name, tree), []).append(time.perf_counter() - begun)
    return {name: [statistics.median(seconds[name, tree]) for tree in trees] for name in _SIZES}


@dataclass
class Step:
    """What a gateway did while one thing was done: seconds, its growth in bytes, the longest wait of another call."""

    seconds: float = 0.0
    growth: int = 0
    wait: float = 0.0


def _watched(aws: EmbeddedAws, step: Callable[[], object]) -> Step:
    process, sagemaker, over, found = psutil.Process(aws.pid), aws.client("sagemaker"), threading.Event(), Step()
    sagemaker.list_models()
    before = process.memory_info().rss

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            found.growth = max(found.growth, process.memory_info().rss - before)

    def ask() -> None:
        while not over.wait(_LOOK_SECONDS):
            begun = time.perf_counter()
            sagemaker.list_models()
            found.wait = max(found.wait, time.perf_counter() - begun)

    threads = [threading.Thread(target=each) for each in (look, ask)]
    for each in threads:
        each.start()
    begun = time.perf_counter()
    step()
    found.seconds = time.perf_counter() - begun
    over.set()
    for each in threads:
        each.join()
    return found


def large(tree: Path, size: int) -> dict[str, Step]:
    """Return what happened at each step with an object of that size."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile(dir=folder) as file:
        file.truncate(size)
        with _started(tree, Path(folder) / "home") as aws:
            s3 = aws.client("s3", config=Config(read_timeout=600, retries={"total_max_attempts": 1}))
            s3.create_bucket(Bucket=_BUCKET)

            def read(**how: str) -> None:
                body = s3.get_object(Bucket=_BUCKET, Key="copied", **how)["Body"]
                for _ in body.iter_chunks(_CHUNK):
                    pass

            def upload() -> None:
                file.seek(0)
                s3.upload_fileobj(file, _BUCKET, "in parts", Config=TransferConfig(max_concurrency=4))

            source = {"Bucket": _BUCKET, "Key": "in parts"}
            steps: dict[str, Callable[[], object]] = {
                "put": lambda: s3.put_object(Bucket=_BUCKET, Key="put", Body=file),
                "put over it": lambda: (file.seek(0), s3.put_object(Bucket=_BUCKET, Key="put", Body=file)),
                "upload in parts": upload,
                "copy": lambda: s3.copy_object(Bucket=_BUCKET, Key="copied", CopySource=source),
                "get": read,
                "get of a range, all but a byte": lambda: read(Range="bytes=1-"),
                "delete": lambda: [s3.delete_object(Bucket=_BUCKET, Key=key) for key in ("put", "in parts", "copied")],
            }
            return {name: _watched(aws, step) for name, step in steps.items()}


def start(tree: Path, *, objects: int, size: int) -> dict[str, float]:
    """Return the seconds of a start with nothing, and of one with so many objects of together that size."""
    seconds = {}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile(dir=folder) as file:
        file.truncate(min(size, _GIGABYTE))
        for name, home in (("nothing", Path(folder) / "empty"), (f"{objects:,} objects", Path(folder) / "full")):
            with _started(tree, home) as aws:
                s3 = aws.client("s3", config=Config(read_timeout=600))
                s3.create_bucket(Bucket=_BUCKET)
                if name != "nothing":
                    for number in range(size // _GIGABYTE):
                        file.seek(0)
                        s3.put_object(Bucket=_BUCKET, Key=f"large {number}", Body=file)
                    for number in range(objects):
                        s3.put_object(Bucket=_BUCKET, Key=f"small {number}", Body=b"%d" % number)
                os.kill(aws.pid, signal.SIGKILL)
                psutil.wait_procs([psutil.Process(aws.pid)])
                begun = time.perf_counter()
                with _started(tree, home):
                    seconds[name] = time.perf_counter() - begun
    return seconds


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout, to put beside this one")
    parser.add_argument("--rounds", type=int, default=5, help="of puts (default: %(default)s)")
    parser.add_argument("--large", type=float, default=2.5, help="gigabytes of the one object (default: %(default)s)")
    parser.add_argument("--objects", type=int, default=10_000, help="at the start (default: %(default)s)")
    parser.add_argument("--gigabytes", type=int, default=5, help="at the start (default: %(default)s)")
    parser.add_argument("--only", choices=("puts", "large", "start"), help="measure one of the three")
    chosen = parser.parse_args(arguments)
    trees = [paths.ROOT, *([chosen.against.resolve()] if chosen.against else [])]
    if chosen.only in (None, "puts"):
        head = ["put of", "here", *(["there", "ratio"] if chosen.against else [])]
        lines = [head]
        for name, medians in puts(trees, chosen.rounds).items():
            ratio = [f"{medians[0] / medians[1]:.3f}"] if chosen.against else []
            lines.append([name, *(f"{each * 1000:.2f} ms" for each in medians), *ratio])
        tables.show(lines)
    if chosen.only in (None, "large"):
        lines = [["", "seconds", "the gateway grew by", "longest wait of another call"]]
        for name, step in large(trees[0], int(chosen.large * _GIGABYTE)).items():
            lines.append([name, f"{step.seconds:.1f}", f"{step.growth / 1e6:.0f} MB", f"{step.wait * 1000:.0f} ms"])
        tables.show(lines, title=f"one object of {chosen.large} GB")
    if chosen.only in (None, "start"):
        found = start(trees[0], objects=chosen.objects, size=chosen.gigabytes * _GIGABYTE)
        tables.show([["a start with", "seconds"], *([name, f"{each:.2f}"] for name, each in found.items())])


if __name__ == "__main__":
    main()
