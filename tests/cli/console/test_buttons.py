"""The console over a whole lab: every panel has something in it, and every button does what its command does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests import small_lab
from tests.accessibility import violations
from tests.cli.console.conftest import console, opened
from tests.embedded_aws.account import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from tests.conftest import Lab

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "whole"
SLOW = 300_000  # ms: a seat is synthesised, deployed and started


@pytest.fixture(scope="module")
def page(chromium: Browser, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The console of a lab with a seat, a lease and an endpoint that was asked for a photo."""
    folder = tmp_path_factory.mktemp("data")
    up = small_lab.begin(lab, folder, NAME)
    up("-c", "lab.seats=ada", "-c", "lab.lease=8h")
    Image.new("L", (48, 48), 128).save(folder / "photo.png")
    lab("predict", str(folder / "photo.png"), "-c", f"lab.name={NAME}")
    with console(lab, f"name={NAME}", "seats=ada") as link, opened(chromium, link) as shown:
        shown.context.set_default_timeout(SLOW)
        yield shown


def press(page: Page, button: str, *, sure: str) -> Locator:
    """Press a button and say that it is meant; what the page says of the command, which has ended well."""
    before = page.locator("#actions li").count()
    page.get_by_role("link", name=button, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=sure).click()
    done = page.locator(f"#run-{before + 1}")
    done.locator(".chip.good, .chip.bad").wait_for()
    assert done.locator(".chip").inner_text() == "done", done.inner_text()
    return done


def test_every_panel_has_something_in_it(page: Page) -> None:
    """The lease that runs down, the seat, the training job, the endpoint with what it was asked, the quotas."""
    countdown = page.locator("#lab time")
    countdown.wait_for()
    assert re.fullmatch(r"7:\d\d:\d\d", countdown.inner_text())
    page.locator("#seat-ada .chip.good").wait_for()
    page.locator("#jobs .chip", has_text="Completed").first.wait_for()
    endpoint = page.locator(f"#endpoint-{NAME}")
    endpoint.get_by_text("100 % of the traffic").wait_for()
    endpoint.locator("figcaption", has_text=re.compile("[1-9] in the last hour")).wait_for()
    endpoint.locator("figcaption", has_text=re.compile(r"[0-9.]+ ms")).wait_for()
    assert endpoint.locator(".examples img").first.evaluate("image => image.naturalWidth") == 48
    quota = page.locator("#quotas tr", has_text="ml.m5.large for endpoint usage").locator("td")
    assert re.fullmatch(r"1 of \d+", quota.nth(1).inner_text().strip())
    assert violations(page) == []


def test_extend_moves_the_end(page: Page) -> None:
    """By as much as the dialog says."""
    end = "Date.parse(document.querySelector('#lab time').dateTime)"
    before = page.evaluate(end)
    press(page, "Extend", sure="Extend")
    until(lambda: page.evaluate(end) - before == 60 * 60 * 1000)


def test_pause_and_resume_take_turns(page: Page) -> None:
    """The one button comes when the other's command is done; the endpoint goes and comes back."""
    press(page, "Pause", sure="Pause")
    page.get_by_text("The lab is paused").wait_for()
    page.get_by_text("No endpoint serves.").wait_for()
    press(page, "Resume", sure="Resume")
    page.locator(f"#endpoint-{NAME} .chip", has_text="InService").wait_for()


def test_a_seat_is_rebuilt(page: Page) -> None:
    """As `./lab seats rebuild` does it."""
    press(page, "Rebuild ada", sure="Rebuild")
    page.locator("#seat-ada .chip.good").wait_for()


def test_a_notebook_opens(page: Page, lab: Lab) -> None:
    """In a window of its own, which gets nothing of what opens the console; and each button was a line of the log."""
    page.get_by_role("link", name="Open ada", exact=True).click()
    with page.expect_popup() as popup:
        page.get_by_role("dialog").get_by_role("button", name="Open").click()
    popup.value.wait_for_url(re.compile(r"/lab\b"))
    assert not [each for each in page.context.cookies(popup.value.url) if each["name"] == "bricklab-console"]
    page.locator("#actions li").first.locator(".chip", has_text="done").wait_for()
    lines = [json.loads(line) for line in (lab.home / "console" / "audit.jsonl").read_text().splitlines()]
    done = [line["command"] for line in lines if line["outcome"] == "done"]
    assert done == [
        "./lab extend 1h",
        "./lab pause",
        "./lab resume",
        "./lab seats rebuild ada",
        "./lab notebook ada --no-browser --json",
    ]
