"""The pages that people work at keep to WCAG 2.2, AA: in a wide window and on a phone, in the light and in the dark.

tests/model_code/test_web_page.py has the page of `web/`, tests/cli/console/test_buttons.py the console of a whole lab.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bench.support import browser
from tests.accessibility import violations
from tests.cli.console.conftest import NAME, aws, console, opened, seat, start
from tests.cli.console.test_console import EPOCHS, FAILING, METRICS
from tests.embedded_aws.account import BUCKET, Account, until
from tests.embedded_aws.labeler import PASSWORD, UserPool
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.labeling.test_labeling_jobs import BUILT_IN, TEMPLATE
from tests.labelling.conftest import bucket
from tests.labelling.test_page import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.conftest import Lab
    from tests.labelling.conftest import LabelledBucket

__all__ = ["aws", "bucket"]

WAYS = ("light", 1280), ("dark", 360)


@pytest.fixture(scope="module")
def chromium(lab: Lab, aws: Account) -> Iterator[Browser]:
    """A browser to which AWS's names lead to the embedded AWS; what is on this machine it reaches itself."""
    assert aws
    with browser.headless(f"--proxy-server=http://127.0.0.1:{start(lab).proxy}") as found:
        yield found


def looked_at(page: Page) -> dict[tuple[str, int], list[str]]:
    """What is wrong with a page, by how it is looked at."""
    found = {}
    for scheme, width in WAYS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # it is one of these
        page.set_viewport_size({"width": width, "height": 800})
        found[scheme, width] = violations(page)
    return {way: lines for way, lines in found.items() if lines}


def test_the_labelling_page(chromium: Browser, bucket: LabelledBucket) -> None:
    """With a photo, after an answer, where a photo can't be shown, and at the end; what was answered is heard."""
    bucket.photos("raw/seen/", 3)
    bucket.put("raw/seen/broken.png", b"\x89PNG\r\n\x1a\n no picture")
    with (
        bucket.page("--prefix", "raw/seen/", "--as", "ada") as link,
        opened(chromium, link, expected="Failed to load resource") as page,
    ):
        heard: list[str] = []
        for _ in range(4):
            browser.wait_until(page, f"({SHOWN}) || document.querySelector('#photo p')")
            assert looked_at(page) == {}
            page.keyboard.press("3")
            heard.append(page.get_by_role("status").first.inner_text())
        page.get_by_text("There is nothing left for you").wait_for()
        assert looked_at(page) == {}
        assert [each[:15] for each in heard[:3]] == ["2x1 Brick. Next"] * 3
        assert len({*heard}) == len(heard)  # a reader says nothing of what is as it was


def test_what_breaks_a_rule_is_named(chromium: Browser) -> None:
    """Grey on white, a button without a name and one too small to hit: a page that keeps the rules is no accident."""
    page = chromium.new_page()
    page.set_content(
        "<html lang=en><title>a</title><p style='color: #aaa'>grey</p>"
        "<button style='padding: 0; width: 9px; height: 9px'></button><button>b</button>"
    )
    rules = {each.partition(":")[0] for each in violations(page)}
    assert rules == {"button-name", "color-contrast", "target-size"}
    page.close()


@pytest.fixture
def at_the_portal(chromium: Browser, lab: Lab, aws: Account) -> Iterator[Page]:
    """The portal, to which somebody has signed in who has a labeling job before them."""
    team = UserPool(lab.client, "labelers", "ann")
    written = io.BytesIO()
    Image.new("L", (48, 48), 99).save(written, "png")
    line = json.dumps({"source-ref": aws.put("photos/0.png", written.getvalue())})
    labels = {"document-version": "2018-11-28", "labels": [{"label": f"brick {number}"} for number in range(12)]}
    calls.labeling_job(
        aws.sagemaker,
        "seen",
        {"WorkteamArn": team.arn, "TaskTimeLimitInSeconds": 3600, **BUILT_IN},
        manifest=aws.put("input.manifest", line.encode()),
        template=aws.put("template.html", TEMPLATE.encode()),
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/labels"},
        LabelCategoryConfigS3Uri=aws.put("labels.json", json.dumps(labels).encode()),
        RoleArn=aws.role,
    )
    context = chromium.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"https://{team.portal}/")
    page.fill("input[name=username]", "ann")
    page.fill("input[name=password]", PASSWORD)
    yield page
    context.close()
    team.close()


def test_the_workers_portal(at_the_portal: Page) -> None:
    """The jobs, a task, and what is said when there is none; where one signs in the form is ministack's."""
    page = at_the_portal
    page.press("input[name=password]", "Enter")
    page.get_by_text("Sign out").wait_for()
    until(lambda: page.reload() and page.get_by_text("Start working").count())
    assert looked_at(page) == {}
    page.get_by_text("Start working").click()
    browser.wait_until(page, SHOWN)
    assert looked_at(page) == {}
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    page.get_by_text("thank you").wait_for()
    assert looked_at(page) == {}
    page.goto(f"{page.url.partition('/jobs')[0]}/jobs/none")
    assert looked_at(page) == {}


def test_the_console(chromium: Browser, lab: Lab, aws: Account) -> None:
    """A class, a job with curves and a log, what a button asks, and what can't be done."""
    seat(lab, "ada", "bob")
    failed = aws.start_job(program=FAILING, TrainingJobName=f"{NAME}-bob-first")
    assert aws.end_of(failed)["TrainingJobStatus"] == "Failed"
    job = aws.start_job(program=EPOCHS, TrainingJobName=f"{NAME}-ada-long", algorithm={"MetricDefinitions": METRICS})
    with console(lab, "seats=ada,bob") as link, opened(chromium, link) as page:
        home = page.url
        page.get_by_text("1 needs somebody").wait_for()
        assert looked_at(page) == {}
        page.locator(f"#job-{job} a", has_text=job).click()
        page.locator("#charts canvas").wait_for()
        page.locator("#log", has_text="loss=0.1000").wait_for()
        assert looked_at(page) == {}
        page.get_by_role("link", name=f"Stop {job}").click()
        page.get_by_role("dialog").get_by_role("button", name="Stop").wait_for()
        assert looked_at(page) == {}
        page.goto(f"{home}ask/stop?of={job}")
        assert looked_at(page) == {}
    aws.sagemaker.stop_training_job(TrainingJobName=job)
