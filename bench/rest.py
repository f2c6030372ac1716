"""Requests a second of the REST API: `./lab bench rest` asks the lab that stands, made with `lab.serve_also=rest`.

Arrays are sent by so many callers over connections that are kept, to the embedded AWS's own port in API Gateway's name,
for as many seconds. Usage plan and stage let all of it through while this runs, and are put back. On AWS a function may
run a thousand times at once; here it runs in as many processes as it is called at once.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import ssl
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import numpy as np

from bench.support import tables
from cli import settings
from cli.aws import stacks
from cli.aws.rest_api import RestApi
from cli.aws.session import Session, Target, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALL = "10000"  # requests a second: more than come


def _array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros((48, 48), dtype=np.uint8))
    return file.getvalue()


@contextmanager
def _unbounded(session: Session, outputs: dict[str, str]) -> Iterator[None]:
    """Let the plan of the API's key, and the stage, let all through, for as long as the block runs."""
    gateway = session.client("apigateway")
    api = urlsplit(outputs["RestUrl"]).netloc.partition(".")[0]
    found = gateway.get_usage_plans(keyId=outputs["RestKeyId"])["items"]
    plan = next(each for each in found if any(stage["apiId"] == api for stage in each["apiStages"]))
    [stage] = gateway.get_stages(restApiId=api)["item"]
    before = stage["methodSettings"]["*/*"]

    def set_to(plans: tuple[Any, Any], stages: tuple[Any, Any]) -> None:
        gateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=_limits("/throttle", *plans))
        operations = _limits("/*/*/throttling", *stages)
        gateway.update_stage(restApiId=api, stageName=stage["stageName"], patchOperations=operations)

    set_to((_ALL, _ALL), (_ALL, _ALL))
    try:
        yield
    finally:
        set_to(
            (plan["throttle"]["rateLimit"], plan["throttle"]["burstLimit"]),
            (before["throttlingRateLimit"], before["throttlingBurstLimit"]),
        )


def _limits(place: str, rate: Any, burst: Any) -> list[dict[str, str]]:
    values = {f"{place}/rateLimit": rate, f"{place}/burstLimit": burst}
    return [{"op": "replace", "path": path, "value": str(value)} for path, value in values.items()]


async def _rate(
    url: str, headers: dict[str, str], *, trusted: ssl.SSLContext, callers: int, seconds: float
) -> dict[str, float]:
    """Return requests a second, and the milliseconds in which half, and 99 of 100, were answered."""
    took: list[float] = []
    refused = 0

    async def call(http: aiohttp.ClientSession, until: float) -> None:
        nonlocal refused
        while time.perf_counter() < until:
            began = time.perf_counter()
            async with http.post(url, headers=headers, data=_array(), ssl=trusted) as answer:
                await answer.read()
                refused += answer.status != 200  # noqa: PLR2004
            took.append(time.perf_counter() - began)

    async with aiohttp.ClientSession() as http:
        warm = time.perf_counter() + 1
        await asyncio.gather(*(call(http, warm) for _ in range(callers)))  # as many environments as are needed
        took.clear()
        began = time.perf_counter()
        await asyncio.gather(*(call(http, began + seconds) for _ in range(callers)))
        spent = time.perf_counter() - began
    if refused:
        sys.exit(f"{refused} requests were refused: what is left says nothing.")
    took.sort()
    return {
        "callers": callers,
        "requests_a_second": len(took) / spent,
        "p50_ms": 1000 * took[len(took) // 2],
        "p99_ms": 1000 * took[len(took) * 99 // 100],
    }


def measure(context: list[str], callers: list[int], seconds: float) -> dict[str, Any]:
    """Return the rates of the REST API by number of callers."""
    lab = settings.read(context)
    session = connect(Target.EMBEDDED)
    outputs = stacks.outputs(session, lab.name)
    api = RestApi(session, outputs)
    place = urlsplit(outputs["RestUrl"])
    url = f"{session.variables['AWS_ENDPOINT_URL']}{place.path}"
    headers = {"Host": place.netloc, "Content-Type": "application/x-npy", "x-api-key": api.key}
    trusted = ssl.create_default_context(cafile=session.variables.get("AWS_CA_BUNDLE"))
    with _unbounded(session, outputs):
        return {
            "rest": [
                asyncio.run(_rate(url, headers, trusted=trusted, callers=count, seconds=seconds)) for count in callers
            ],
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./lab bench rest", description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], help="as of `./lab`")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 4, 16], help="at once (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of each (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    found = measure(options.context, options.callers, options.seconds)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    lines = [["callers", "requests a second", "p50 ms", "p99 ms"]]
    lines += [[str(row["callers"]), *(f"{row[key]:.1f}" for key in [*row][1:])] for row in found["rest"]]
    tables.show(lines, title="the REST API")


if __name__ == "__main__":
    main()
