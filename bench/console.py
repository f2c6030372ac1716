"""How fast the console's page is, and how big: `./lab bench console` looks at 1 and at 100 seats in Chromium.

The seats are CloudFormation's stacks on an embedded AWS of the benchmark's own, without notebooks, for a hundred of
JupyterLab would be what is measured. First paint is Chromium's own, First Contentful Paint, of the whole page: once
with a browser's empty cache and the link, then the median of further loads. `link` is from the command to the link that
it prints, `read` from there until every panel has its answer of AWS. Memory is the resident one of the console's
process, after all that.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from bench.support import browser, pages, tables
from bench.support.embedded_aws import embedded_aws

if TYPE_CHECKING:
    import subprocess
    from contextlib import AbstractContextManager

    from playwright.sync_api import Page

    from bench.support.embedded_aws import EmbeddedAws

_NAME = "bench"
_TEMPLATE = json.dumps({"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
_WAIT, _LOOK = 60_000, 20  # ms


def main() -> None:
    """Measure, and print a row for each size of class."""
    options = argparse.ArgumentParser(prog="./lab bench console", description=__doc__)
    options.add_argument("--seats", type=int, nargs="+", default=[1, 100], help="sizes of the class")
    options.add_argument("--loads", type=int, default=7, help="of which the median counts")
    chosen = options.parse_args()
    rows: list[tuple[str, ...]] = [("seats", "link s", "first paint ms", "again ms", "read s", "memory MB", "page kB")]
    rows += [_measure(seats, chosen.loads) for seats in chosen.seats]
    tables.show(rows)


def _measure(seats: int, loads: int) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "aws").mkdir()
        with embedded_aws(home=home / "aws") as aws, browser.headless() as chromium:
            _deploy(aws, seats)
            asked = time.monotonic()
            with _console(home, seats) as (process, url):
                link = time.monotonic() - asked
                page = chromium.new_page(viewport={"width": 1440, "height": 900})
                began = time.monotonic()
                page.goto(url)
                first = _painted(page)
                page.get_by_text("Asking AWS").first.wait_for(state="detached", timeout=_WAIT)
                read = time.monotonic() - began
                again = []
                for _ in range(loads):
                    page.reload()
                    again.append(_painted(page))
                size = len(page.content().encode()) / 1e3
                memory = psutil.Process(process.pid).memory_info().rss / 1e6
    times = f"{link:.1f}", f"{first:.0f}", f"{statistics.median(again):.0f}", f"{read:.1f}"
    return str(seats), *times, f"{memory:.0f}", f"{size:.0f}"


def _painted(page: Page) -> float:
    """Return when something was painted, in ms since the navigation began."""
    while not (painted := page.evaluate(_PAINT)):  # which the page's own policy forbids to wait for in the page
        page.wait_for_timeout(_LOOK)
    return float(painted)


def _deploy(aws: EmbeddedAws, seats: int) -> None:
    cloudformation = aws.client("cloudformation")
    for name in (f"student-{number + 1}" for number in range(seats)):
        tags = [{"Key": "bricklab:lab", "Value": _NAME}, {"Key": "bricklab:seat", "Value": name}]
        cloudformation.create_stack(StackName=f"{_NAME}-seat-{name}", TemplateBody=_TEMPLATE, Tags=tags)


def _console(home: Path, seats: int) -> AbstractContextManager[tuple[subprocess.Popen[str], str]]:
    names = ",".join(f"student-{number + 1}" for number in range(seats))
    return pages.served(home, "console", "-c", f"lab.name={_NAME}", "-c", f"lab.seats={names}")


if __name__ == "__main__":
    main()
