"""Put all that listens under mixed load: `./lab bench soak` goes on for half an hour, one request in twenty wrong.

An embedded AWS has a class of 100 seats, 20 of their notebooks open, and an endpoint. Callers go round by plain boto3:
SageMaker's records, jobs of which 50 wait under quotas, invocations, JupyterLab, S3, Logs, CloudWatch, SSM, SQS, SNS,
EventBridge, Lambda, CloudFormation, AWS's own names by the forward proxy. What they make they remove, and nothing of it
may be left in the database. Wrong requests are right ones spoilt, and broken HTTP on every port. A fault is an answer
of 5xx, or none within 30 seconds, or a right request that is refused (but by quotas). Memory is what the system counts
for a process, what it shares in parts (PSS); start is after the first quarter. Exit code 1: there were faults, or
something is left, or grew beyond its bound.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
from botocore.config import Config

from bench.support import artifact, endpoint, leftovers, logs, tables, traffic
from bench.support.asking import Caller, Clients
from bench.support.embedded_aws import REGION, embedded_aws
from bench.support.holdings import Holdings, Measured, windows
from bench.support.sagemaker_traffic import SageMaker, by_proxy
from bench.support.tally import Tally
from embedded_aws import gateway

if TYPE_CHECKING:
    from bench.support.embedded_aws import EmbeddedAws

_WINDOW = 0.15
_SHOWN = 15  # faults
_KEPT_SECONDS = 12  # until all that has changed by itself is kept


@dataclass
class Outcome:
    """All that was counted."""

    tally: Tally
    measured: dict[str, Measured]
    processor: list[float]  # the gateway's seconds a second, at start, middle and end
    seconds: float
    left: dict[str, int]  # rows of the database that name what was removed, by table

    @property
    def good(self) -> bool:
        """Return whether there was no fault, and nothing grew."""
        return not self.tally.faults and not self.left and all(each.bounded for each in self.measured.values())

    def rates(self) -> dict[str, list[float]]:
        """Return how fast it is at start, middle and end; what the processors did beside it does not count in the last.

        A gateway that becomes slower by what it holds takes more of a processor's time for a request.
        """
        found = [self.tally.window(at * self.seconds, (at + _WINDOW) * self.seconds) for at in windows()]
        return {
            "requests/s": [rate for rate, _ in found],
            "p99, ms": [p99 * 1000 for _, p99 in found],
            "gateway, ms of processor a request": [
                1000 * busy / rate if rate else 0.0 for busy, (rate, _) in zip(self.processor, found, strict=True)
            ],
        }


def measure(options: argparse.Namespace) -> Outcome:
    """Set up a class, and go round."""
    seconds = options.minutes * 60
    with tempfile.TemporaryDirectory() as folder, embedded_aws(home=Path(folder) / "aws") as aws:
        host = endpoint.serve(aws, artifact.make(Path(folder)), workers=1)
        pictures = io.BytesIO()
        np.save(pictures, np.zeros((4, 48, 48), np.uint8))
        aws.client("s3").put_object(Bucket=traffic.BUCKET, Key="pictures.npy", Body=pictures.getvalue())
        traffic.make_function(aws.client("lambda"), aws.role("function"))
        sagemaker = SageMaker(aws, seed=options.seed)
        sagemaker.make_seats(options.seats, min(options.notebooks, options.seats))
        opened = {f"notebook {number}": port for number, (port, _) in enumerate(sagemaker.servers)}
        ports = {"gateway": aws.port, "forward proxy": aws.proxy, "endpoint's host": host.port, **opened}
        rounds = {**traffic.ROUNDS, **sagemaker.rounds(), "by proxy": (by_proxy(_proxied(aws)), 2.0)}
        tally, state = Tally(), Path(folder) / "aws" / "state"
        print(f"{options.callers} callers for {seconds:.0f} s …", file=sys.stderr, flush=True)
        with Holdings(aws.pid, state) as holdings, logs.emptied(aws.client("logs"), endpoint.NAME):
            _go_round(aws, tally, rounds, ports, options)
        time.sleep(_KEPT_SECONDS)
        left = leftovers.rows(state, traffic.PREFIX)
        log = gateway.log(Path(folder) / "aws")
        if options.keep_log:
            shutil.copyfile(log, options.keep_log)
        return Outcome(tally, holdings.measured, holdings.processor, seconds, left)


def _go_round(
    aws: EmbeddedAws, tally: Tally, rounds: dict[str, Any], ports: dict[str, int], options: argparse.Namespace
) -> None:
    end, clients = time.monotonic() + options.minutes * 60, Clients(aws)
    works, weights = [work for work, _ in rounds.values()], [weight for _, weight in rounds.values()]

    def call(number: int) -> None:
        choice = random.Random(options.seed + number)  # noqa: S311 - the same ones for the same seed, no secret
        caller = Caller(clients, tally, choice, ports, options.wrong)
        while time.monotonic() < end:
            caller.round(choice.choices(works, weights)[0])

    with ThreadPoolExecutor(options.callers) as threads:
        for done in [threads.submit(call, number) for number in range(options.callers)]:
            done.result()


def _proxied(aws: EmbeddedAws) -> dict[str, Any]:
    proxy = {"https": f"http://127.0.0.1:{aws.proxy}"}
    settings = Config(proxies=proxy, retries={"total_max_attempts": 1}, read_timeout=30)
    session = boto3.Session("test", "test", region_name=REGION)
    authorities = aws.environment["AWS_CA_BUNDLE"]
    return {service: session.client(service, config=settings, verify=authorities) for service in ("sts", "s3")}


def _table(outcome: Outcome) -> list[list[str]]:
    rows = [["", "start", "middle", "end", "may grow by", ""]]
    for name, held in outcome.measured.items():
        values = [f"{value:,.1f}" for value in (held.start, held.middle, held.end, held.allowed)]
        rows.append([name, *values, "bounded" if held.bounded else "grew"])
    for name, found in outcome.rates().items():
        rows.append([name, *(f"{value:,.1f}" for value in found), "", ""])
    return rows


def _answers(tally: Tally) -> list[list[str]]:
    return [[*what, f"{times:,}"] for what, times in sorted(tally.answers.items())]


def _share_of_wrong(tally: Tally) -> float:
    return sum(times for (_, kind, _), times in tally.answers.items() if kind != "right") / tally.answers.total()


def main() -> None:
    """Go round, and print; exit code 1 for faults and growth."""
    parser = argparse.ArgumentParser(prog="./lab bench soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="that it lasts (default: %(default)s)")
    parser.add_argument("--seats", type=int, default=100, help="of the class (default: %(default)s)")
    parser.add_argument("--notebooks", type=int, default=20, help="that are open (default: %(default)s)")
    parser.add_argument("--callers", type=int, default=8, help="at once (default: %(default)s)")
    parser.add_argument("--wrong", type=float, default=0.05, help="share of wrong requests (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of all choices (default: %(default)s)")
    parser.add_argument("--keep-log", type=Path, metavar="FILE", help="write what the embedded AWS printed there")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    outcome = measure(options)
    tally = outcome.tally
    share = _share_of_wrong(tally)
    if options.json:
        names = ("service", "request", "answer", "times")
        answers = [dict(zip(names, row, strict=True)) for row in _answers(tally)]
        held = {row[0]: dict(zip(("start", "middle", "end"), row[1:4], strict=True)) for row in _table(outcome)[1:]}
        document = {
            "answers": answers,
            "faults": dict(tally.faults),
            "wrong": share,
            "held": held,
            "left": outcome.left,
        }
        print(json.dumps(document, indent=2))
    else:
        total = tally.answers.total()
        title = f"{total:,} answers, {total / outcome.seconds:,.0f} a second; {share:.1%} of requests are wrong"
        tables.show([["", "request", "answer", "times"], *_answers(tally)], title=title)
        tables.show(_table(outcome))
        for fault, times in tally.faults.most_common(_SHOWN):
            print(f"fault, {times} times: {fault}")
        for table, rows in outcome.left.items():
            print(f"left of what was removed, in {table}: {rows} rows")
        print(f"faults: {tally.faults.total()}")
    sys.exit(not outcome.good)


if __name__ == "__main__":
    main()
