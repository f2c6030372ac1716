"""The console in a browser: what an instructor sees, and what the buttons do."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pexpect  # type: ignore[import-untyped]  # it has none
import pytest

from cli import paths
from embedded_aws import gateway
from tests.cli.console.conftest import NAME, console, opened, seat, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.conftest import Lab
    from tests.embedded_aws.account import Account

STUDENTS = [f"student-{number:02}" for number in range(1, 30)]
CLASS = ",".join(["ada", *STUDENTS])
EPOCHS = """
import time
for n in range(1500):
    print(f"before {n}")
for n in range(600):
    print(f"loss={1 / (n + 1):.4f} val_loss={2 / (n + 1):.4f}", flush=True)
    time.sleep(0.1)
"""
FAILING = """
open("/opt/ml/output/failure", "w").write("there are no <i>bricks</i>")
raise SystemExit(1)
"""
LEAVES = "\x1b[?1049l"  # the screen from before comes back
COLOURED = re.compile(r"\x1b\[[0-9;]*3[1-7]m")
METRICS = [
    {"Name": "train:loss", "Regex": r"\bloss=([0-9.]+)"},
    {"Name": "validation:loss", "Regex": "val_loss=([0-9.]+)"},
]


@pytest.fixture(scope="module")
def link(lab: Lab, aws: Account) -> Iterator[str]:
    """A class of thirty; the newest job of one student has failed."""
    seat(lab, "ada", *STUDENTS)
    name = aws.start_job(program=FAILING, TrainingJobName=f"{NAME}-student-17-first")
    assert aws.end_of(name)["TrainingJobStatus"] == "Failed"
    with console(lab, f"seats={CLASS}") as found:
        yield found


@pytest.fixture(scope="module")
def cookies(chromium: Browser, link: str) -> dict[str, object]:
    """What the browser holds that has opened the link: it opens once."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(link)
    state = context.storage_state()
    context.close()
    return {"storage_state": state}


@pytest.fixture(scope="module")
def home(link: str) -> str:
    """The console's address."""
    return link.partition("?")[0]


def test_a_class_of_thirty_is_on_one_screen_and_who_is_stuck_comes_first(
    chromium: Browser, home: str, cookies: dict[str, object]
) -> None:
    """Thirty seats need no scrolling on a laptop; the one whose job failed is first, with the job's own words."""
    with opened(chromium, home, **cookies) as page:
        page.get_by_text("1 needs somebody").wait_for()
        seats = page.locator("li.seat")
        assert seats.count() == 30
        assert seats.first.get_attribute("id") == "seat-student-17"
        assert "there are no <i>bricks</i>" in seats.first.inner_text()
        last = seats.last.bounding_box()
        assert last
        assert last["y"] + last["height"] <= 900


def test_the_terminal_says_the_same(lab: Lab, link: str) -> None:
    """`./lab watch`, in a pipe, prints the lab once: who is stuck comes first, with the reason."""
    assert link
    shown = lab("watch", "-c", f"lab.name={NAME}", "-c", f"lab.seats={CLASS}").splitlines()
    first = next(number for number, line in enumerate(shown) if "student-" in line)
    assert "student-17" in shown[first]
    assert "stuck" in shown[first]
    assert "there are no <i>bricks</i>" in shown[first]
    assert sum("away" in line for line in shown) == 29


@pytest.mark.parametrize(("rows", "columns", "colour"), [(30, 120, True), (12, 40, False)])
def test_the_terminal_has_one_screen(lab: Lab, link: str, rows: int, columns: int, colour: bool) -> None:  # noqa: FBT001
    """On a terminal of any size it is drawn anew until Ctrl-C, which brings back what was there before."""
    assert link
    command = ["-m", "cli", "watch", "-c", f"lab.name={NAME}", "-c", f"lab.seats={CLASS}"]
    environment = {name: value for name, value in lab.environment.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    if not colour:
        environment["NO_COLOR"] = "1"
    watched = pexpect.spawn(
        sys.executable,
        command,
        cwd=paths.ROOT,
        env=environment,
        dimensions=(rows, columns),
        encoding="utf-8",
        timeout=60,
    )
    watched.expect("stuck")
    assert LEAVES not in watched.before
    assert COLOURED.search(watched.before) if colour else not COLOURED.search(watched.before)
    watched.sendcontrol("c")
    watched.expect_exact(LEAVES)
    watched.expect(pexpect.EOF)
    watched.close()
    assert watched.exitstatus == 0


def test_a_job_is_followed_and_stopped(
    chromium: Browser, lab: Lab, aws: Account, home: str, cookies: dict[str, object]
) -> None:
    """Its curves and log grow while one looks; Stop asks first, and is a line of the audit log."""
    job = aws.start_job(program=EPOCHS, TrainingJobName=f"{NAME}-ada-long", algorithm={"MetricDefinitions": METRICS})
    with opened(chromium, home, **cookies) as page:
        page.locator(f"#job-{job} a", has_text=job).click()
        page.locator("#charts canvas").wait_for()
        page.locator("#log", has_text="loss=0.1000").wait_for()
        page.get_by_text(re.compile("The first [0-9]+ lines are left out")).wait_for()
        written = page.locator("#log").inner_text().splitlines()
        assert written == sorted({*written}, key=written.index)  # what is new is added, and nothing comes twice
        assert page.locator(".u-legend").inner_text().count("loss") == 2
        page.get_by_role("link", name=f"Stop {job}").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_text(f"./lab stop {job}").wait_for()
        assert aws.sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"] == "InProgress"
        dialog.get_by_role("button", name="Stop").click()
        page.locator("#facts .chip", has_text=re.compile("Stopp")).wait_for()
        assert aws.end_of(job)["TrainingJobStatus"] == "Stopped"
        page.get_by_role("link", name=f"All of {NAME}").click()
        page.locator("#actions", has_text=f"./lab stop {job}").locator(".chip", has_text="done").wait_for()
    lines = [json.loads(line) for line in (lab.home / "console" / "audit.jsonl").read_text().splitlines()]
    assert [(line["command"], line["outcome"]) for line in lines] == [
        (f"./lab stop {job}", "running"),
        (f"./lab stop {job}", "done"),
    ]
    assert lines[0]["who"].startswith("arn:aws:")


def test_what_is_refused_is_a_sentence(chromium: Browser, home: str, cookies: dict[str, object]) -> None:
    """A button whose command fails shows that command's own words, and the page goes on."""
    with opened(chromium, home, **cookies) as page:
        page.get_by_role("link", name="Open student-03").click()
        with page.expect_popup() as popup:
            page.get_by_role("dialog").get_by_role("button", name="Open").click()
        popup.value.get_by_text("has no notebook instance").wait_for()
        page.locator("#actions", has_text="./lab notebook student-03").locator(".chip.bad").wait_for()


def test_the_keyboard_is_enough(chromium: Browser, home: str, cookies: dict[str, object]) -> None:
    """Tab reaches a button, Enter asks, Escape goes back to where one was, and updates take nobody's focus away."""
    with opened(chromium, home, **cookies) as page:
        page.get_by_text("1 needs somebody").wait_for()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "To the seats"
        page.keyboard.press("Enter")
        focused = ""
        for _ in range(6):
            page.keyboard.press("Tab")
            focused = str(page.evaluate("document.activeElement.id"))
            if focused.startswith("rebuild-"):
                break
        assert focused == "rebuild-student-17"
        page.keyboard.press("Enter")
        page.get_by_role("dialog").get_by_text("./lab seats rebuild student-17").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
        assert page.evaluate("document.activeElement.id") == "rebuild-student-17"


@pytest.mark.parametrize("width", [360, 768])
def test_it_fits_on_a_phone(chromium: Browser, home: str, cookies: dict[str, object], width: int) -> None:
    """Nothing reaches over the side of a narrow screen."""
    with opened(chromium, home, viewport={"width": width, "height": 780}, **cookies) as page:
        page.get_by_text("1 needs somebody").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_is_dark_where_the_system_is(chromium: Browser, home: str, cookies: dict[str, object]) -> None:
    """Ground and letters change places."""
    grounds = []
    for scheme in ("light", "dark"):
        with opened(chromium, home, color_scheme=scheme, **cookies) as page:
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            grounds.append(sum(map(int, re.findall(r"\d+", ground)[:3])))
    assert grounds[0] > 600
    assert grounds[1] < 200


def test_the_page_outlives_the_embedded_aws_and_the_lab(
    chromium: Browser, lab: Lab, home: str, cookies: dict[str, object]
) -> None:
    """It says once that nobody answers; when somebody does again, it sees that the lab has gone meanwhile."""
    with opened(chromium, home, **cookies) as page:
        page.get_by_text("1 needs somebody").wait_for()
        running = gateway.running(lab.home / "aws")
        assert running
        gateway.stop(lab.home / "aws")
        page.locator("#lab .note", has_text="The embedded AWS does not answer").wait_for()
        page.locator("main .note").first.wait_for(state="detached")
        assert page.locator("li.seat").count() == 30  # what was known stays
        start(lab, port=running.port)
        page.get_by_text(f"Nothing of the lab {NAME} is deployed: `./lab up` does it.").wait_for()


def test_a_lab_that_is_not_there_is_a_sentence(chromium: Browser, lab: Lab, aws: Account) -> None:
    """Nothing is deployed: the page says so, and what makes a lab."""
    assert aws
    with console(lab, "name=nowhere", "seats=0") as link, opened(chromium, link) as page:
        page.get_by_text("Nothing of the lab nowhere is deployed: `./lab up` does it.").wait_for()
        page.get_by_text("The lab has no seats").wait_for()
