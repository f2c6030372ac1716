"""The workers' portal in a real browser: signed in by Cognito's form, photos labeled by keyboard, each answer once."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from bench.support import browser
from tests.embedded_aws.account import BUCKET, Account, until
from tests.embedded_aws.labeler import PASSWORD, UserPool
from tests.embedded_aws.services.sagemaker.labeling.test_labeling_jobs import BUILT_IN, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from embedded_aws.gateway import Gateway

BRICKS = [f"brick {number}" for number in range(10)]
COUNT = 20
BROKEN = 5
SECONDS = 20_000  # milliseconds, as Playwright counts


@pytest.fixture(scope="module")
def team(client: Callable[[str], Any], account: Account) -> Iterator[UserPool]:
    """A team of two, and twenty photos of which one is none."""
    for number in range(COUNT):
        buffer = io.BytesIO()
        Image.new("L", (48, 48), 10 * number).save(buffer, "PNG")
        account.put(f"browser/{number}.png", b"no photo" if number == BROKEN else buffer.getvalue())
    lines = [json.dumps({"source-ref": f"s3://{BUCKET}/browser/{number}.png"}) for number in range(COUNT)]
    account.put("browser/input.manifest", "\n".join(lines).encode())
    account.put("browser/template.html", TEMPLATE.encode())
    labels = {"document-version": "2018-11-28", "labels": [{"label": label} for label in BRICKS]}
    account.put("browser/labels.json", json.dumps(labels).encode())
    made = UserPool(client, "browsers", "dora", "emil")
    yield made
    made.close()


@pytest.fixture(scope="module")
def chromium(embedded: Gateway) -> Iterator[Browser]:
    """A browser whose proxy is the embedded AWS's, by which AWS's names lead there."""
    with browser.headless(f"--proxy-server=http://127.0.0.1:{embedded.proxy}") as found:
        yield found


def sign_in(chromium: Browser, team: UserPool, name: str) -> Page:
    """Return a page of somebody who has signed in by the user pool's own form."""
    page = chromium.new_context(ignore_https_errors=True).new_page()
    page.set_default_timeout(SECONDS)
    page.goto(f"https://{team.portal}/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("text=Sign out")
    return page


def shown(page: Page) -> int:
    """Return the number of the photo that a page shows."""
    source = str(page.get_attribute(".crowd-target img", "src"))
    return int(source.partition("/browser/")[2].partition(".png")[0])


def press(page: Page, *keys: str) -> None:
    """Press keys, and wait for what comes then."""
    before = page.get_attribute("meta[name=answer]", "content")
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function(
        "before => document.querySelector('meta[name=answer]')?.content !== before"
        " && document.readyState === 'complete'",
        arg=before,
    )


def test_two_people_label_twenty_photos(account: Account, team: UserPool, chromium: Browser) -> None:
    """By keyboard, at once; a reload shows the same photo, a lost connection loses nothing, no photo is told of."""
    account.sagemaker.create_labeling_job(
        LabelingJobName="browser",
        LabelAttributeName="brick",
        InputConfig={"DataSource": {"S3DataSource": {"ManifestS3Uri": f"s3://{BUCKET}/browser/input.manifest"}}},
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/labels"},
        LabelCategoryConfigS3Uri=f"s3://{BUCKET}/browser/labels.json",
        RoleArn=account.role,
        HumanTaskConfig={
            "WorkteamArn": team.arn,
            "UiConfig": {"UiTemplateS3Uri": f"s3://{BUCKET}/browser/template.html"},
            "TaskTitle": "Bricks",
            "TaskDescription": "Which brick is it?",
            "NumberOfHumanWorkersPerDataObject": 1,
            "TaskTimeLimitInSeconds": 3600,
            **BUILT_IN,
        },
    )
    dora, emil = (sign_in(chromium, team, name) for name in ("dora", "emil"))
    labeled: list[int] = []
    until(lambda: dora.reload() and dora.query_selector("text=Start working"))
    for page in (dora, emil):
        page.reload()
        page.click("text=Start working")
    assert shown(dora) != shown(emil)
    assert dora.evaluate("document.querySelector('.crowd-target img').naturalWidth") == 48
    number = shown(dora)
    dora.reload()
    assert shown(dora) == number
    dora.keyboard.press("Enter")
    dora.wait_for_selector("text=Choose a category first.")
    emil.context.set_offline(True)
    number = shown(emil)
    emil.keyboard.press(str(number % 10))
    emil.keyboard.press("Enter")
    emil.wait_for_selector("text=The connection is lost")
    emil.context.set_offline(False)
    emil.wait_for_function(
        "number => !document.querySelector('.crowd-target img')?.src.includes(`/browser/${number}.png`)", arg=number
    )
    labeled.append(number)
    while len(labeled) < COUNT:
        for page in (dora, emil):
            if not page.query_selector(".crowd-target img"):
                page.goto(f"https://{team.portal}/")
                if start := page.query_selector("text=Start working"):
                    start.click()
                    page.wait_for_load_state()
                if not page.query_selector(".crowd-target img"):
                    continue
            number = shown(page)
            if number == BROKEN:
                page.wait_for_selector("text=The image can't be shown")
            labeled.append(number)
            press(page, str(number % 10), "Enter")
    assert sorted(labeled) == [*range(COUNT)]
    until(
        lambda: account.sagemaker.describe_labeling_job(LabelingJobName="browser")["LabelingJobStatus"] == "Completed"
    )
    content = account.get(f"s3://{BUCKET}/labels/browser/manifests/output/output.manifest").decode()
    assert [json.loads(line)["brick"] for line in content.splitlines()] == [number % 10 for number in range(COUNT)]
