"""Kills: `./lab bench kills` takes what a kill at each write of the embedded AWS would leave, and comes back from it.

The scenario is a lab's: `./lab up`, a student's work, `./lab seats add`, an endpoint's update by `./lab up` with other
epochs, `./lab down`. Before and after each write of its state the embedded AWS copies it, as a kill at that moment
would leave it. From each of these copies (or so many, evenly spread) one is started, and looked at: what callers had
been told is there, no object is torn, every stack has settled, has what it says that it has, and nothing more.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.support import kill_points, tables
from bench.support.commands import seconds as seconds_of
from bench.support.kill_points import Acknowledged, Client
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = "bench"
_WORK = b"# what a student has written\n" * 1000


def scenario(home: Path, snapshots: Path) -> list[Acknowledged]:
    """Play it, and return what was acknowledged when."""
    environment = {**kill_points.environment(snapshots), "BRICKLAB_HOME": str(home)}
    told: list[Acknowledged] = []
    roster = home.with_name("class.csv")
    roster.write_text("name\nseat-01\n")

    def lab(*words: str, epochs: int = 1) -> float:
        settings = (f"lab.name={_NAME}", f"lab.epochs={epochs}", f"lab.seats={roster}")
        given = [word for setting in settings for word in ("-c", setting)]
        seconds_of([sys.executable, "-m", "cli", *words, *given], environment)
        return time.time()

    def tell(what: str, holds: Callable[[Client], bool], since: float, until: float = float("inf")) -> None:
        told.append(Acknowledged(what, holds, since, until))

    up = lab("up")
    client = Client(_running(home))
    bucket = _output(client, f"{_NAME}-storage", "BucketName")
    for number in range(20):
        key = f"seats/seat-01/work-{number}.txt"
        client("s3").put_object(Bucket=bucket, Key=key, Body=_WORK + key.encode())
        since = time.time()
        tell(key, lambda aws, key=key: _content(aws, bucket, key) == _WORK + key.encode(), since)  # type: ignore[misc]  # bound now
    client("s3").put_object(Bucket=bucket, Key="seats/seat-01/work-0.txt", Body=b"written once more")
    again = time.time()
    told[0] = Acknowledged(told[0].what, told[0].holds, told[0].since, again - 1)
    lab("seats", "add", "seat-02")
    added = time.time()
    before_update = _config(client)
    updated_at = time.time()
    updated = lab("up", epochs=2)
    config = _config(client)
    ended_at = time.time()
    tell("the endpoint", lambda aws: _config(aws) == before_update, up, updated_at)
    tell("the endpoint's update", lambda aws: _config(aws) == config, updated, ended_at)
    for seat, since in (("seat-01", up), ("seat-02", added)):
        tell(seat, lambda aws, seat=seat: _seat(aws, seat), since, ended_at)  # type: ignore[misc]  # bound now
    told[:] = [Acknowledged(each.what, each.holds, each.since, min(each.until, ended_at)) for each in told]
    down = lab("down", epochs=2)
    tell("the lab's end", lambda _aws: True, down)
    return told


def _running(home: Path) -> gateway.Gateway:
    found = gateway.running(home / "aws")
    if found is None:
        sys.exit("The embedded AWS has ended.")
    return found


def _output(aws: Client, stack: str, name: str) -> str:
    [found] = aws("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return next(str(each["OutputValue"]) for each in found["Outputs"] if each["OutputKey"] == name)


def _content(aws: Client, bucket: str, key: str) -> bytes:
    return bytes(aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def _config(aws: Client) -> str:
    found = aws("sagemaker").describe_endpoint(EndpointName=_NAME)
    return str(found["EndpointConfigName"]) if found["EndpointStatus"] == "InService" else ""


def _seat(aws: Client, seat: str) -> bool:
    [stack] = aws("cloudformation").describe_stacks(StackName=f"{_NAME}-seat-{seat}")["Stacks"]
    notebook = aws("sagemaker").describe_notebook_instance(NotebookInstanceName=f"{_NAME}-{seat}")
    settled = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    return stack["StackStatus"] in settled and notebook["NotebookInstanceStatus"] in (
        "InService",
        "Stopped",
    )


def main() -> None:
    """Play, come back from each point, print the table or JSON; exit code 1 if anything did not hold."""
    parser = argparse.ArgumentParser(prog="./lab bench kills", description=__doc__)
    parser.add_argument("--points", type=int, default=60, help="from how many to come back (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="from all of them: more than an hour")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the copies in this folder, to look at one again")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, snapshots = Path(folder) / "home", options.keep or Path(folder) / "snapshots"
        snapshots.mkdir(parents=True, exist_ok=True)
        try:
            told = scenario(home, snapshots)
        finally:
            gateway.forget(home / "aws")
        every = kill_points.points(snapshots, sys.maxsize)
        chosen = every if options.all else kill_points.points(snapshots, options.points)
        found: dict[str, list[str]] = {}
        for number, point in enumerate(chosen, 1):
            with tempfile.TemporaryDirectory() as place:
                failures = kill_points.failures(point, Path(place), told)
            if failures:
                found[point.name] = failures
            print(f"{number} of {len(chosen)}: {point.name} {'; '.join(failures) or 'holds'}", file=sys.stderr)
    if options.json:
        print(json.dumps({"points": len(every), "tried": len(chosen), "failed": found}, indent=2))
    else:
        lines = [["points", "tried", "hold"], [str(len(every)), str(len(chosen)), str(len(chosen) - len(found))]]
        tables.show(lines, title="kills before and after each write")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
