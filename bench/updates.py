"""Update an endpoint under load: `./lab bench updates` counts the requests that twenty updates lose.

Two callers' groups ask without a pause through the embedded AWS while the endpoint goes to and fro between two
configurations of the same model: all at once, by a canary, in linear steps and rolling, each in turn, on two instances.
Waits are a hundredth of AWS's. A request is lost if it is answered with another status than 200, or not at all. Exit
code 1: one was, or an update did not end with the configuration that was asked for.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.support import artifact, endpoint, requests, tables
from bench.support.callers import load
from bench.support.embedded_aws import embedded_aws

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.support.embedded_aws import EmbeddedAws

_PACE = 0.01
_WAIT = 60  # seconds of AWS's
_WINDOW_SECONDS = 3.0
_INSTANCES = 2


def _blue_green(kind: str, **size: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": _WAIT, **size}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": _WAIT}}


_HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}
_WAYS: Mapping[str, dict[str, Any]] = {
    "all at once": _blue_green("ALL_AT_ONCE"),
    "canary": _blue_green("CANARY", CanarySize=_HALF),
    "linear": _blue_green("LINEAR", LinearStepSize=_HALF),
    "rolling": {"RollingUpdatePolicy": {"MaximumBatchSize": _HALF, "WaitIntervalInSeconds": _WAIT}},
}


@dataclass
class Outcome:
    """All that was counted."""

    answered: int = 0
    lost: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)  # that an update took, by its way
    wrong: list[str] = field(default_factory=list)  # updates that did not end as they were asked to


class _Callers:
    """Call without a pause, in two groups, of which at least one is at it at any time."""

    def __init__(self, port: int, request: bytes, *, callers: int, outcome: Outcome) -> None:
        self._port, self._request, self._callers, self._outcome = port, request, callers, outcome
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(2)]

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _call(self, number: int) -> None:
        time.sleep(number * _WINDOW_SECONDS / 2)
        while not self._ended.is_set():
            found = load(self._port, self._request, callers=self._callers // 2, seconds=_WINDOW_SECONDS)
            with self._lock:
                self._outcome.answered += round(found.per_second * _WINDOW_SECONDS)
                self._outcome.lost += found.failed


def measure(folder: Path, *, updates: int, callers: int) -> Outcome:
    """Update so often, in turn by each way."""
    outcome = Outcome(seconds={way: [] for way in _WAYS})
    with embedded_aws(pace=_PACE) as aws:
        endpoint.serve(aws, artifact.make(folder), workers=1)
        names = _configurations(aws)
        _update(aws, names[1], None)  # to the configuration with as many instances
        kind = requests.NPY
        request = requests.to_endpoint(aws.url, endpoint.NAME, kind, requests.bodies()[kind])
        with _Callers(aws.port, request, callers=callers, outcome=outcome):
            time.sleep(_WINDOW_SECONDS)
            for number in range(updates):
                way = [*_WAYS][number % len(_WAYS)]
                print(f"update {number + 1} of {updates}: {way} …", file=sys.stderr, flush=True)
                began = time.monotonic()
                wanted = names[number % 2]
                if (serving := _update(aws, wanted, _WAYS[way])) != wanted:
                    outcome.wrong.append(f"update {number + 1}, {way}: {serving} serves, not {wanted}")
                outcome.seconds[way].append(time.monotonic() - began)
    return outcome


def _configurations(aws: EmbeddedAws) -> list[str]:
    """Make two configurations that differ in their names only."""
    variant = {
        "VariantName": endpoint.NAME,
        "ModelName": endpoint.NAME,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": _INSTANCES,
    }
    names = ["to", "fro"]
    for name in names:
        aws.client("sagemaker").create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    return names


def _update(aws: EmbeddedAws, config: str, deployment: Mapping[str, Any] | None) -> str:
    """Update the endpoint; return the configuration that serves then."""
    sagemaker = aws.client("sagemaker")
    how = {"DeploymentConfig": deployment} if deployment else {}
    sagemaker.update_endpoint(EndpointName=endpoint.NAME, EndpointConfigName=config, **how)
    waiter = {"Delay": 1, "MaxAttempts": 300}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=endpoint.NAME, WaiterConfig=waiter)
    return str(sagemaker.describe_endpoint(EndpointName=endpoint.NAME)["EndpointConfigName"])


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(prog="./lab bench updates", description=__doc__)
    parser.add_argument("--updates", type=int, default=20, help="how many (20)")
    parser.add_argument("--callers", type=int, default=8, help="how many ask at a time (8)")
    parser.add_argument("--json", action="store_true", help="print what was counted as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = measure(Path(folder), updates=options.updates, callers=options.callers)
    if options.json:
        print(json.dumps(asdict(outcome)))
    else:
        lines = [
            [way, str(len(each)), f"{sum(each) / len(each):.1f} s"] for way, each in outcome.seconds.items() if each
        ]
        tables.show([["way", "updates", "mean time"], *lines])
        print(f"{outcome.answered} requests, {outcome.lost} lost.", *outcome.wrong, sep="\n")
    sys.exit(1 if outcome.lost or outcome.wrong else 0)


if __name__ == "__main__":
    main()
