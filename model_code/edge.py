"""The program of the Greengrass component: answers for the photos in a folder, and goes on without a network.

    python edge.py --artifact model.tar.gz --photos PHOTOS --results RESULTS [--bucket BUCKET --prefix PREFIX] [--once]

Each photo becomes a JSON line: on standard output, which Greengrass writes to the component's log, and at the end of
RESULTS/results.jsonl, which is on the disk before the next photo is looked at. With a bucket the lines are delivered to
S3 as they come; what can't be delivered is kept, and tried again. A photo that was answered is not looked at again, nor
after a restart, unless it has changed. A photo that is none is answered with the endpoint's own sentence.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".npy": "application/x-npy"}
_SETTLED_SECONDS = 1.0  # between two looks at the folder: a photo that is being copied has grown in between


class Results:
    """The lines of results.jsonl; a line that a crash has cut short is forgotten, and its photo answered anew."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "results.jsonl"
        self.file.touch()
        content = self.file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(self.file, len(whole))
        self._answered = {_identity(json.loads(line)["photo"]) for line in whole.splitlines()}

    def has(self, photo: dict[str, Any]) -> bool:
        """Tell whether this photo, as it is now, was answered."""
        return _identity(photo) in self._answered

    def add(self, line: dict[str, Any]) -> None:
        """Write a line to the disk, and to standard output."""
        text = json.dumps(line)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        self._answered.add(_identity(line["photo"]))
        print(text, flush=True)


class Delivery:
    """Brings the lines to S3, each once: an object's name says which bytes of results.jsonl it holds."""

    def __init__(self, results: Results, *, bucket: str, prefix: str) -> None:
        self._results, self._bucket, self._prefix = results, bucket, prefix
        self._mark = results.file.with_name("delivered")
        self._complained = False

    def deliver(self) -> bool:
        """Deliver what was not yet; return whether all is. Says so on standard error where it can't, once."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        done = int(self._mark.read_text()) if self._mark.exists() else 0
        content = self._results.file.read_bytes()[done:]
        if not content:
            return True
        end = done + len(content)
        patience = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1})
        try:
            s3: Any = boto3.client("s3", config=patience)
            s3.put_object(Bucket=self._bucket, Key=f"{self._prefix}{done:012}-{end:012}.jsonl", Body=content)
        except (BotoCoreError, ClientError) as error:
            if not self._complained:
                print(f"The results are kept, for s3://{self._bucket} can't be reached: {error}", file=sys.stderr)
            self._complained = True
            return False
        unfinished = self._mark.with_suffix(".new")
        unfinished.write_text(str(end))
        unfinished.replace(self._mark)
        self._complained = False
        return True


def answer(model: served.ServedModel, photo: Path) -> dict[str, Any]:
    """Return the endpoint's answer for a photo, or its refusal: {"error": "<a sentence>"}."""
    try:
        found: dict[str, Any] = json.loads(model.answer(photo.read_bytes(), _TYPES[photo.suffix.lower()]))
    except ValueError as error:
        return {"error": str(error)}
    except OSError as error:  # it is gone already, or nobody may read it
        return {"error": f"The photo can't be read: {error.strerror}."}
    return found


def main(arguments: Sequence[str]) -> int:
    """Answer until SIGTERM or SIGINT comes, or what is there with --once; return the exit code."""
    flags = _parser().parse_args(arguments)
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    try:
        model = served.read(flags.artifact.read_bytes())
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if not flags.photos.is_dir():
        print(f"There is no folder {flags.photos}; make it, or name another one with --photos.", file=sys.stderr)
        return 1
    results = Results(flags.results)
    delivery = Delivery(results, bucket=flags.bucket, prefix=flags.prefix) if flags.bucket else None
    seen: dict[Path, dict[str, Any]] = {}
    while True:
        for photo, state in _photos(flags.photos):
            # One that changes between two looks is being written; with --once all is there.
            if not results.has(state) and (flags.once or seen.get(photo) == state):
                results.add({"photo": state, **answer(model, photo)})
            seen[photo] = state
        if delivery:
            delivery.deliver()
        if flags.once or ended.wait(_SETTLED_SECONDS):
            return 0


def _photos(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for photo in sorted(folder.iterdir()):
        if photo.suffix.lower() in _TYPES and photo.is_file():
            found = photo.stat()
            yield photo, {"name": photo.name, "bytes": found.st_size, "modified": found.st_mtime_ns}


def _identity(photo: dict[str, Any]) -> tuple[str, int, int]:
    return photo["name"], photo["bytes"], photo["modified"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge.py", allow_abbrev=False)
    parser.add_argument("--artifact", required=True, type=Path, help="a training's model.tar.gz")
    parser.add_argument("--photos", required=True, type=Path, help="the folder that is looked at")
    parser.add_argument("--results", required=True, type=Path, help="the folder for results.jsonl")
    parser.add_argument("--bucket", default="", help="the bucket that results are delivered to; none if left out")
    parser.add_argument("--prefix", default="edge/", help="what the names of delivered objects begin with")
    parser.add_argument("--once", action="store_true", help="answer what is there, and end")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
