"""How soon a step in load brings a second instance: `./lab bench scaling` steps it, on an embedded AWS, and waits.

An endpoint of one instance is a scalable target of one to two, with target tracking of a request a second and instance,
60 a minute. It is asked every other second for two minutes, then three times a second. From then on count the seconds
until the alarm goes off, the activity begins, the second instance serves, and, with --in, after the load ceases, until
that is gone again, with AWS's default cooldowns. On AWS an instance takes minutes to come up; here it is a process.
The rest is the same: a minute's metric when it is over, three minutes above the target, fifteen below.

`--pace 0.1` hurries the clock tenfold: a minute of metrics then lasts six seconds, and ten times as much is asked.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bench.support import artifact, endpoint, tables
from bench.support.embedded_aws import embedded_aws
from bench.support.endpoint import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.support.embedded_aws import EmbeddedAws

_TARGET = 60.0
_CALM_SECONDS, _BUSY_SECONDS = 2.0, 1 / 3  # between two requests
_CALM_FOR = 120
_LOOK_SECONDS = 0.2
_LONGEST = 3600
_ON = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": f"endpoint/{NAME}/variant/{NAME}",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
_METRIC = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}


class Load:
    """Asks the endpoint in the background, every so many seconds of its clock; counts what it asked and lost."""

    def __init__(self, aws: EmbeddedAws, pace: float) -> None:
        once = Config(retries={"total_max_attempts": 1})
        self._runtime, self._pace = aws.client("sagemaker-runtime", config=once), pace
        self.every = _CALM_SECONDS
        self.asked = self.lost = 0
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        body = json.dumps({"instances": [[[0.0] * 48] * 48]})
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due += self.every * self._pace
            self.asked += 1
            try:
                self._runtime.invoke_endpoint(EndpointName=NAME, ContentType="application/json", Body=body)
            except (ClientError, BotoCoreError):
                self.lost += 1


class Scaled:
    """The endpoint as a scalable target."""

    def __init__(self, aws: EmbeddedAws, pace: float) -> None:
        self._aws, self._pace = aws, pace
        self._scaling, self._sagemaker = aws.client("application-autoscaling"), aws.client("sagemaker")
        self._cloudwatch = aws.client("cloudwatch")

    def step(self, *, scale_in: bool) -> dict[str, float]:
        """Step the load once; return the seconds until each of what comes of it, and the requests asked and lost."""
        self._register(1)
        self._wait(lambda: self._instances() == 1)
        self._register(2)
        configuration = {"TargetValue": _TARGET, "PredefinedMetricSpecification": _METRIC}
        policy = self._scaling.put_scaling_policy(
            PolicyName="bench",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=configuration,
            **_ON,
        )
        high = policy["Alarms"][0]["AlarmName"]
        with Load(self._aws, self._pace) as load:
            time.sleep(_CALM_FOR * self._pace)
            known, began = len(self._activities()), time.monotonic()
            load.every = _BUSY_SECONDS
            found = {
                "the alarm is off": self._wait(lambda: self._is_off(high)) - began,
                "the activity has begun": self._wait(lambda: len(self._activities()) > known) - began,
                "the second instance serves": self._wait(lambda: self._instances() == 2) - began,  # noqa: PLR2004 - said
            }
        if scale_in:
            ceased = time.monotonic()
            found["it is gone, after the load"] = self._wait(lambda: self._instances() == 1) - ceased
        self._scaling.deregister_scalable_target(**_ON)
        return {**found, "requests": load.asked, "lost": load.lost}

    def _register(self, most: int) -> None:
        self._scaling.register_scalable_target(**_ON, MinCapacity=1, MaxCapacity=most)

    def _activities(self) -> list[Any]:
        found = self._scaling.describe_scaling_activities(ServiceNamespace="sagemaker", ResourceId=_ON["ResourceId"])
        return list(found["ScalingActivities"])

    def _is_off(self, alarm: str) -> bool:
        return bool(self._cloudwatch.describe_alarms(AlarmNames=[alarm], StateValue="ALARM")["MetricAlarms"])

    def _instances(self) -> int:
        """Return how many serve, 0 while that changes."""
        described = self._sagemaker.describe_endpoint(EndpointName=NAME)
        settled = described["EndpointStatus"] == "InService"
        return int(described["ProductionVariants"][0]["CurrentInstanceCount"]) if settled else 0

    @staticmethod
    def _wait(condition: Callable[[], bool]) -> float:
        """Wait for a condition; return when it held."""
        deadline = time.monotonic() + _LONGEST
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError("the endpoint was not scaled within an hour")
            time.sleep(_LOOK_SECONDS)
        return time.monotonic()


def measure(*, pace: float, rounds: int, scale_in: bool) -> list[dict[str, float]]:
    """Return of each round what `Scaled.step` does."""
    with tempfile.TemporaryDirectory() as folder, embedded_aws(pace=pace) as aws:
        endpoint.serve(aws, artifact.make(Path(folder)), workers=1)
        scaled = Scaled(aws, pace)
        return [scaled.step(scale_in=scale_in) for _ in range(rounds)]


def _show(found: list[dict[str, float]], pace: float) -> None:
    lines = [["from the step in load until", "seconds, median", "least", "most", "minutes of its clock"]]
    for what in found[0]:
        values = [each[what] for each in found]
        middle = statistics.median(values)
        if what in ("requests", "lost"):
            lines.append([what, *(f"{value:.0f}" for value in (middle, min(values), max(values))), ""])
        else:
            minutes = f"{middle / 60 / pace:.1f}"
            lines.append([what, *(f"{value:.1f}" for value in (middle, min(values), max(values))), minutes])
    tables.show(lines, title=f"{len(found)} rounds, pace {pace:g}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./lab bench scaling", description=__doc__)
    parser.add_argument("--pace", type=float, default=1.0, help="of the clock, 1 is AWS's (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="how often the load is stepped (default: %(default)s)")
    parser.add_argument("--in", action="store_true", dest="scale_in", help="wait for the second instance's end, too")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    found = measure(pace=options.pace, rounds=options.rounds, scale_in=options.scale_in)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        _show(found, options.pace)


if __name__ == "__main__":
    main()
