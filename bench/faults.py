"""What a kill costs: `./lab bench faults` kills commands at each call that changes something, and runs them again.

Before the call, and after it without the answer; then each answer is lost once, and then a fifth of all calls is
throttled or meets AWS's own trouble, and some answers are late. After each the command is run again, if it has not come
to its end, and what stands is looked at: everything that was there is there, nothing runs on, and nothing is left of
what was to go. The commands are those that change a lab, on an embedded AWS that they take for AWS.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.support import tables
from bench.support.faulty_lab import FaultyLab, Ran, answers_lost, at, faulty_lab, throttled
from bench.support.faulty_proxy import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.support.faulty_lab import Decide

    Check = Callable[[FaultyLab], list[str]]

_NAME, _WORK = "faulty", "seats/ada/my-work.txt"
_KILLS = (Fault.KILL_BEFORE, Fault.KILL_AFTER)
_SEEDS = 2


@dataclass
class Count:
    """Of one command and one kind of fault: how many points there were, and what went wrong."""

    points: int = 0
    wrong: list[str] = field(default_factory=list)
    longest: float = 0.0


class Sweep:
    """A sweep, until its time is over; `every` leaves points out."""

    def __init__(self, *, every: int, minutes: float) -> None:
        self.counts: dict[tuple[str, str], Count] = defaultdict(Count)
        self._every, self._deadline = every, time.monotonic() + minutes * 60

    @property
    def over(self) -> bool:
        """Return whether there is no time left."""
        return time.monotonic() > self._deadline

    def pairs(self, lab: FaultyLab, *commands: tuple[tuple[str, ...], Check]) -> None:
        """Break each of the commands, which undo one another, at each of its points."""
        for fault in _KILLS:
            number, going = 1, True
            while going and not self.over:
                going = False
                for command, check in commands:
                    going |= self._broken(lab, command, check, str(fault.value), at(number, fault))
                number += self._every
        decides: list[tuple[str, Decide]] = [("answers lost", answers_lost())]
        decides += [("throttled", throttled(seed)) for seed in range(_SEEDS)]
        for kind, decide in decides:
            for command, check in commands:
                if not self.over:
                    self._broken(lab, command, check, kind, decide)

    def _broken(self, lab: FaultyLab, command: tuple[str, ...], check: Check, kind: str, decide: Decide) -> bool:
        """Break one command, run it again unless it came to its end, and check; return whether anything broke it."""
        ran = lab.run(*command, decide=decide)
        count = self.counts[" ".join(command), kind]
        where = f"{ran.killed} ({ran.killed.number})" if ran.killed else f"{ran.broken} calls"
        said = [] if ran.killed else self._ended(ran, count)
        if ran.killed or ran.code:
            said += self._ended(lab.run(*command), count)
        said += check(lab)
        if not ran.broken and not said:
            return False
        count.points += ran.broken
        print(f"{' '.join(command)}: {kind} {where}: {said or 'well'}", file=sys.stderr, flush=True)
        count.wrong += [f"{' '.join(command)}, {kind} {where}: {each}" for each in said]
        return ran.killed is not None

    @staticmethod
    def _ended(ran: Ran, count: Count) -> list[str]:
        count.longest = max(count.longest, ran.seconds)
        return [] if ran.code == 0 else [f"exit code {ran.code}: {ran.output[-1500:]}"]


def _settings(home: Path) -> tuple[str, ...]:
    """Return a small lab's: a seat, a lease, few images, an epoch."""
    roster, data = home / "class.csv", home / "given"
    roster.write_text("name\nada\n", encoding="utf-8")
    data.mkdir()
    rng = np.random.default_rng(0)
    for part, images in (("train", 400), ("test", 50)):
        np.save(data / f"lego-simple-{part}-images.npy", rng.random((images, 48, 48)))
        np.save(data / f"lego-simple-{part}-labels.npy", np.arange(images) % 10)
    wanted = {"name": _NAME, "seats": roster, "data": data, "epochs": 1, "lease": "8h"}
    return tuple(word for key, value in wanted.items() for word in ("-c", f"lab.{key}={value}"))


def _stands(lab: FaultyLab) -> list[str]:
    """Say what is not as it should be of a lab that is up."""
    sagemaker, wrong = lab.aws.client("sagemaker"), []
    running = sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
    wrong += [f"{job['TrainingJobName']} runs on" for job in running]
    endpoints = {each["EndpointName"]: each["EndpointStatus"] for each in sagemaker.list_endpoints()["Endpoints"]}
    if endpoints != {_NAME: "InService"}:
        wrong.append(f"the endpoints are {endpoints}")
    stacks = lab.aws.client("cloudformation").describe_stacks()["Stacks"]
    wrong += [
        f"{each['StackName']} is {each['StackStatus']}"
        for each in stacks
        if each["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    ]
    return wrong + _seats(lab, {"ada"})


def _seats(lab: FaultyLab, wanted: set[str]) -> list[str]:
    sagemaker = lab.aws.client("sagemaker")
    notebooks = {
        each["NotebookInstanceName"]: each["NotebookInstanceStatus"]
        for each in sagemaker.list_notebook_instances()["NotebookInstances"]
    }
    right = {f"{_NAME}-{seat}": "InService" for seat in wanted}
    return [] if notebooks == right else [f"the notebooks are {notebooks}"]


def _stands_with_work(lab: FaultyLab) -> list[str]:
    """Say what is not as it should be of a lab that is up, with a student's file in it."""
    return [*_stands(lab), *_work(lab), *_not_paused(lab)]


def _not_paused(lab: FaultyLab) -> list[str]:
    found = lab.aws.client("ssm").get_parameters_by_path(Path=f"/{_NAME}/paused", Recursive=True)["Parameters"]
    return [f"{each['Name']} is left" for each in found]


def _bucket(lab: FaultyLab) -> str:
    stacks = lab.aws.client("cloudformation").describe_stacks(StackName=f"{_NAME}-storage")["Stacks"]
    return next(str(each["OutputValue"]) for each in stacks[0]["Outputs"] if each["OutputKey"] == "BucketName")


def _put_work(lab: FaultyLab) -> None:
    lab.aws.client("s3").put_object(Bucket=_bucket(lab), Key=_WORK, Body=b"mine")


def _work(lab: FaultyLab) -> list[str]:
    s3, bucket = lab.aws.client("s3"), _bucket(lab)
    keys = {each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", ())}
    if _WORK not in keys:
        return [f"{_WORK} is lost: {sorted(key for key in keys if 'my-work' in key)}"]
    kept = [key for key in keys if key.startswith("aside/")]
    mine = s3.get_object(Bucket=bucket, Key=_WORK)["Body"].read() == b"mine"
    return [f"{key} is left" for key in kept] + ([] if mine else [f"{_WORK} is another"])


def _paused(lab: FaultyLab) -> list[str]:
    sagemaker = lab.aws.client("sagemaker")
    notebooks = sagemaker.list_notebook_instances(StatusEquals="InService")["NotebookInstances"]
    return [
        *(f"endpoint {each['EndpointName']} is there" for each in sagemaker.list_endpoints()["Endpoints"]),
        *(f"{each['NotebookInstanceName']} runs" for each in notebooks),
    ]


def _with_bob(lab: FaultyLab) -> list[str]:
    return [*_seats(lab, {"ada", "bob"}), *_work(lab)]


def _gone(lab: FaultyLab) -> list[str]:
    """Say what is left of the lab."""
    client: Callable[[str], Any] = lab.aws.client
    sagemaker = client("sagemaker")
    return [
        *(
            f"stack {each['StackName']} {each['StackStatus']}"
            for each in client("cloudformation").describe_stacks()["Stacks"]
            if each["StackName"] != "CDKToolkit"
        ),
        *(f"endpoint {each['EndpointName']}" for each in sagemaker.list_endpoints()["Endpoints"]),
        *(f"config {each['EndpointConfigName']}" for each in sagemaker.list_endpoint_configs()["EndpointConfigs"]),
        *(f"model {each['ModelName']}" for each in sagemaker.list_models()["Models"]),
        *(f"job {each['TrainingJobName']}" for each in sagemaker.list_training_jobs()["TrainingJobSummaries"]),
        *(f"notebook {each}" for each in sagemaker.list_notebook_instances()["NotebookInstances"]),
        *(f"bucket {b['Name']}" for b in client("s3").list_buckets()["Buckets"] if not b["Name"].startswith("cdk-")),
        *(f"schedule {each['Name']}" for each in client("scheduler").list_schedules()["Schedules"]),
        *(f"log group {each['logGroupName']}" for each in client("logs").describe_log_groups()["logGroups"]),
        *(f"function {each['FunctionName']}" for each in client("lambda").list_functions()["Functions"]),
        *(
            f"parameter {each['Name']}"
            for each in client("ssm").describe_parameters()["Parameters"]
            if not each["Name"].startswith("/cdk-bootstrap/")
        ),
    ]


def measure(which: set[str], *, every: int, minutes: float) -> Sweep:
    """Break the commands of these names."""
    sweep = Sweep(every=every, minutes=minutes)
    with faulty_lab(_settings) as lab:
        if "up" in which:
            sweep.pairs(lab, (("up",), _stands), (("down",), _gone))
        if which & {"pause", "seats"}:
            ran = lab.run("up")
            if ran.code != 0:
                sys.exit(f"The lab did not come up:\n{ran.output}")
            _put_work(lab)
        if "pause" in which:
            sweep.pairs(lab, (("pause",), _paused), (("resume",), _stands_with_work))
        if "seats" in which:
            sweep.pairs(lab, (("seats", "add", "bob"), _with_bob), (("seats", "remove", "bob"), _stands_with_work))
            sweep.pairs(lab, (("seats", "rebuild", "ada"), _stands_with_work))
    return sweep


def main() -> None:
    """Measure, print the table or JSON; exit code 1 if anything went wrong."""
    parser = argparse.ArgumentParser(prog="./lab bench faults", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="*",
        choices=("up", "pause", "seats"),
        default=["up", "pause", "seats"],
        help="with `down`, `resume`",
    )
    parser.add_argument("--every", type=int, default=1, help="kill at every so many calls (default: %(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=300, help="begin nothing more after these (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    counts = measure(set(options.only), every=options.every, minutes=options.minutes).counts
    wrong = [each for count in counts.values() for each in count.wrong]
    if options.json:
        print(json.dumps([{"command": c, "fault": f, **vars(count)} for (c, f), count in counts.items()], indent=2))
    else:
        lines = [["", "fault", "points", "wrong", "longest, s"]]
        for (command, fault), count in counts.items():
            lines.append([command, fault, str(count.points), str(len(count.wrong)), f"{count.longest:.0f}"])
        tables.show(lines)
        print(*wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
