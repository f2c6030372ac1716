"""How large the Lambda function's package is, and how soon it answers: `./lab bench function` asks the lab that stands.

The lab is made with `lab.serve_also=lambda`. A cold answer is the first after a change of the function's timeout, which
gives it new environments: each loads its packages and reads the model from S3. The timeout is put back.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np

from bench.support import tables
from cli import paths, settings
from cli.aws import stacks
from cli.aws.function_url import FunctionUrl
from cli.aws.session import Session, Target, connect
from infra import function_package
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CACHE = "functions"


def _array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros((48, 48), dtype=np.uint8))
    return file.getvalue()


@contextmanager
def _renewing(session: Session, name: str) -> Iterator[Callable[[], None]]:
    """Give what makes the function's next environment a new one; the timeout is as before when the block ends."""
    client = session.client("lambda")
    before = client.get_function_configuration(FunctionName=name)["Timeout"]
    timeouts = itertools.cycle((before + 1, before))

    def renew(timeout: int | None = None) -> None:
        client.update_function_configuration(FunctionName=name, Timeout=timeout or next(timeouts))
        client.get_waiter("function_updated_v2").wait(FunctionName=name)

    try:
        yield renew
    finally:
        renew(before)


def measure(session: Session, lab: str, *, cold: int, warm: int) -> dict[str, float]:
    """Return bytes of the package, packed and unpacked, and milliseconds of cold and warm answers."""
    function = FunctionUrl(session, stacks.outputs(session, lab))

    def milliseconds() -> float:
        began = time.perf_counter()
        function.ask(_array(), "application/x-npy", notice=lambda _what: None)
        return 1000 * (time.perf_counter() - began)

    colds = []
    with _renewing(session, names.model_function(lab)) as renew:
        for _ in range(cold):
            renew()
            colds.append(milliseconds())
    milliseconds()  # the environment that the timeout's return has made
    warms = sorted(milliseconds() for _ in range(warm))
    package = function_package.ensure(paths.ROOT / "model_code", cache=paths.cache() / _CACHE)
    with ZipFile(package) as archive:
        unpacked = sum(each.file_size for each in archive.infolist())
    return {
        "zip_bytes": package.stat().st_size,
        "unpacked_bytes": unpacked,
        "cold_ms": statistics.median(colds),
        "warm_p50_ms": warms[len(warms) // 2],
        "warm_p99_ms": warms[len(warms) * 99 // 100],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./lab bench function", description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], help="as of `./lab`")
    parser.add_argument("--cold", type=int, default=5, help="cold answers (default: %(default)s)")
    parser.add_argument("--warm", type=int, default=200, help="warm answers (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    lab = settings.read(options.context).name
    found: dict[str, Any] = measure(connect(Target.EMBEDDED), lab, cold=options.cold, warm=options.warm)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    tables.show([["", ""], *([name.replace("_", " "), f"{value:,.1f}"] for name, value in found.items())])


if __name__ == "__main__":
    main()
