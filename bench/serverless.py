"""How long a serverless endpoint's first call takes: `./lab bench serverless` lets it go cold again and again.

The endpoint serves the artifact that train.py wrote, with 2 GB, on an embedded AWS whose clock is hurried, so that an
idle container ends after seconds. Of each cold call count the seconds that the caller waited; then as many calls, one
after the other, of the container that is there. On AWS a cold start also brings the image to the machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.support import artifact, endpoint, tables
from bench.support.embedded_aws import embedded_aws
from bench.support.endpoint import NAME

if TYPE_CHECKING:
    from bench.support.embedded_aws import EmbeddedAws

_PACE = 0.01
_LOOK_SECONDS = 0.1
_CONFIG = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
_BODY = json.dumps({"instances": [[[0.0] * 48] * 48]})


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the seconds of so many cold calls, and of as many warm ones."""
    with tempfile.TemporaryDirectory() as folder, embedded_aws(pace=_PACE) as aws:
        endpoint.create(aws, artifact.make(Path(folder)), workers=1, ServerlessConfig=_CONFIG)
        runtime = aws.client("sagemaker-runtime")
        cold = [_cold(aws, runtime) for _ in range(rounds)]
        return {"cold": cold, "warm": [_call(runtime) for _ in range(rounds)]}


def _cold(aws: EmbeddedAws, runtime: Any) -> float:
    while endpoint.hosts(aws.pid):
        time.sleep(_LOOK_SECONDS)
    return _call(runtime)


def _call(runtime: Any) -> float:
    began = time.perf_counter()
    runtime.invoke_endpoint(EndpointName=NAME, ContentType="application/json", Body=_BODY)["Body"].read()
    return time.perf_counter() - began


def _show(found: dict[str, list[float]]) -> None:
    lines = [["a call of", "seconds, median", "least", "most"]]
    for what, seconds in (("a container that is not there", found["cold"]), ("one that is", found["warm"])):
        lines.append([what, *(f"{value:.3f}" for value in (statistics.median(seconds), min(seconds), max(seconds)))])
    tables.show(lines, title=f"{len(found['cold'])} calls of each")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./lab bench serverless", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="how often it goes cold (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    found = measure(options.rounds)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        _show(found)


if __name__ == "__main__":
    main()
