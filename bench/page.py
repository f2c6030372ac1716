"""What the web page weighs, and how soon it answers: `./lab bench page` opens that of the lab that stands.

The lab is made with `lab.serve_also=web`. An installed Chromium or Chrome opens the page as CloudFront brings it, with
nothing kept from before, and chooses a photo; the network in the page answers.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bench.support import browser, tables
from cli import settings
from cli.aws import stacks
from cli.aws.session import Session, Target, connect
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Response


def _photo() -> FilePayload:
    pixels = np.random.default_rng(0).integers(150, 200, (600, 800, 3), dtype=np.uint8)
    pixels[200:400, 300:500] = (30, 60, 160)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return {"name": "photo.png", "mimeType": "image/png", "buffer": file.getvalue()}


def _open(session: Session, url: str) -> dict[str, float]:
    """Return the bytes that one visit transfers, as they are compressed, and the seconds until its first answer."""
    answered: list[Response] = []

    def keep(response: Response) -> None:
        answered.append(response)  # itself Playwright can't call: it marks what it does

    with browser.of_session(session) as context:
        page = context.new_page()
        page.on("response", keep)
        began = time.perf_counter()
        page.goto(url)
        page.wait_for_selector("#bars li:nth-child(10)")
        page.get_by_label("Choose a photo").set_input_files(_photo())
        page.wait_for_selector("#bars .best")
        seconds = time.perf_counter() - began
        weight = sum(each.request.sizes()["responseBodySize"] for each in answered if each.url.startswith(url))
    return {"bytes": weight, "first_answer_seconds": seconds}


def measure(session: Session, lab: str, *, visits: int) -> dict[str, float]:
    """Return what a visit transfers, and the median of the times until its first answer."""
    outputs = stacks.outputs(session, lab)
    if "WebUrl" not in outputs:
        raise LabError("The lab has no web page: `./lab up -c lab.serve_also=web` makes one.")
    found = [_open(session, outputs["WebUrl"]) for _ in range(visits)]
    return {name: statistics.median(each[name] for each in found) for name in found[0]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./lab bench page", description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], help="as of `./lab`")
    parser.add_argument("--visits", type=int, default=5, help="of the page (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    lab = settings.read(options.context).name
    found: dict[str, Any] = measure(connect(Target.EMBEDDED), lab, visits=options.visits)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    tables.show([["", ""], *([name.replace("_", " "), f"{value:,.2f}"] for name, value in found.items())])


if __name__ == "__main__":
    main()
