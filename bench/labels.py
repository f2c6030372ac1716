"""How photos are labelled: `./lab bench labels` measures the page's pace, answers lost to faults, and the consensus.

The page is driven by keyboard in Chromium, over an embedded AWS of the benchmark's own. Its own time is from a key
until the next photo is painted, as the page measures it. Faults are met by the page's answers one by one: not sent,
refused by the server, stored while the receipt gets lost, and the page loaded anew before it is sent. The consensus is
that of simulated people who are right about as many photos as is said, and else take a brick for any other.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bench.support import browser, pages, tables
from bench.support.embedded_aws import embedded_aws
from datasets import LABELS
from datasets.dataset import images, labels
from labelling.agreement import agree

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from playwright.sync_api import Browser, Page, Route

    from bench.support.embedded_aws import EmbeddedAws

_BUCKET = "bench-labels"
_SHOWN = "document.querySelector('#photo img')?.complete"
_STORED = "Object.keys(localStorage).length === 0"
_TIMES = "performance.getEntriesByName('next photo').map(each => each.duration)"
_FAULTS = ("not sent", "refused", "receipt lost", "loaded anew")


def main() -> None:
    """Measure, and print a table of each."""
    options = argparse.ArgumentParser(prog="./lab bench labels", description=__doc__)
    options.add_argument("--photos", type=int, default=200, help="that are labelled for the pace")
    options.add_argument("--faults", type=int, default=200, help="that the page's answers meet")
    options.add_argument("--people", type=float, nargs="+", default=[0.8, 0.8, 0.8], help="how often each is right")
    options.add_argument("--simulated", type=int, default=2000, help="photos that the simulated people label")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "aws").mkdir()
        with embedded_aws(home=home / "aws") as aws, browser.headless() as chromium:
            aws.client("s3").create_bucket(Bucket=_BUCKET)
            pace = _measure_pace(aws, chromium, home, chosen.photos)
            faults = _meet_faults(aws, chromium, home, chosen.faults)
    tables.show([("photos", "median ms", "p95 ms", "photos a minute"), pace], title="by keyboard")
    tables.show([("faults", *_FAULTS, "answers lost", "twice or wrong"), faults], title="lost connections")
    tables.show(
        [("people", "each", "majority", "consensus"), _agree(chosen.people, chosen.simulated)], title="agreement"
    )


def _measure_pace(aws: EmbeddedAws, chromium: Browser, home: Path, count: int) -> tuple[str, ...]:
    truth = _put(aws, "raw/pace/", count)
    with _page(home, "raw/pace/") as (_, link):
        page = _open(chromium, link)
        began = time.monotonic()
        for _ in range(count):
            _label(page, truth)
        took = time.monotonic() - began
        browser.wait_until(page, _STORED)
        times = page.evaluate(_TIMES)
        page.context.close()
    p95 = statistics.quantiles(times, n=20)[-1]
    return str(count), f"{statistics.median(times):.1f}", f"{p95:.1f}", f"{count / took * 60:.0f}"


def _meet_faults(aws: EmbeddedAws, chromium: Browser, home: Path, count: int) -> tuple[str, ...]:
    truth = _put(aws, "raw/faults/", count)
    met = dict.fromkeys(_FAULTS, 0)
    pending: list[str] = []

    def answer(route: Route) -> None:
        if not pending:
            route.continue_()
            return
        fault = pending.pop()
        met[fault] += 1
        if fault == "refused":
            route.fulfill(status=503, body="S3 is not there")
        else:
            if fault == "receipt lost":
                route.fetch()
            route.abort()

    with _page(home, "raw/faults/") as (_, link):
        page = _open(chromium, link)
        page.route("**/answers", answer)
        for fault in itertools.islice(itertools.cycle(_FAULTS), count):
            pending.append(fault)
            _label(page, truth)
            if fault == "loaded anew":
                page.reload()
            browser.wait_until(page, _STORED)
        page.context.close()
    found = _answers(aws, "raw-faults")
    lost = len(set(range(count)) - {photo for _, photo in found})
    wrong = sum(LABELS[truth[photo]] != said for (_, photo), said in found.items()) + len(found) - (count - lost)
    return str(sum(met.values())), *(str(met[each]) for each in _FAULTS), str(lost), str(wrong)


def _agree(people: list[float], photos: int) -> tuple[str, ...]:
    random = np.random.default_rng(0)
    truth = random.integers(0, len(LABELS), photos)
    votes = np.zeros((photos, len(LABELS)))
    answers = []
    for number, share in enumerate(people):
        right = random.random(photos) < share
        said = np.where(right, truth, (truth + random.integers(1, len(LABELS), photos)) % len(LABELS))
        votes[np.arange(photos), said] += 1
        answers += [(f"person-{number}", photo, int(said[photo])) for photo in range(photos)]
    found = agree(answers, len(LABELS))
    consensus = np.mean([found.label(photo) == truth[photo] for photo in range(photos)])
    each = " ".join(f"{share:.0%}" for share in people)
    return str(len(people)), each, f"{np.mean(votes.argmax(axis=1) == truth):.1%}", f"{consensus:.1%}"


def _put(aws: EmbeddedAws, prefix: str, count: int) -> list[int]:
    """Put photos below a prefix; what they show."""
    s3 = aws.client("s3")
    for number, picture in enumerate(images("test", count=count)):
        written = io.BytesIO()
        Image.fromarray(picture).resize((480, 480)).save(written, "png")
        s3.put_object(Bucket=_BUCKET, Key=f"{prefix}{number:04}.png", Body=written.getvalue())
    return [int(each) for each in labels("test", count=count)]


def _answers(aws: EmbeddedAws, job: str) -> dict[tuple[str, int], str]:
    s3, folder = aws.client("s3"), f"labels/{job}/answers/"
    listed = s3.get_paginator("list_objects_v2").paginate(Bucket=_BUCKET, Prefix=folder)
    found = {}
    for key in [each["Key"] for page in listed for each in page.get("Contents", ())]:
        worker, _, file = key.removeprefix(folder).partition("/")
        document = json.load(s3.get_object(Bucket=_BUCKET, Key=key)["Body"])
        found[worker, int(file.removesuffix(".json"))] = document["answerContent"]["crowd-image-classifier"]["label"]
    return found


def _open(chromium: Browser, link: str) -> Page:
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(link)
    return page


def _label(page: Page, truth: list[int]) -> None:
    browser.wait_until(page, _SHOWN)
    shown: Any = page.evaluate("document.querySelector('#photo img').src")
    page.keyboard.press(str(truth[int(shown.rpartition("/")[2].partition("?")[0])]))


def _page(home: Path, prefix: str) -> AbstractContextManager[tuple[object, str]]:
    return pages.served(home, "label", "--prefix", prefix, "--as", "bench", "--bucket", _BUCKET)


if __name__ == "__main__":
    main()
