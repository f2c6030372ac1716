"""The workers' portal in a real browser: signed in by Cognito's form, photos labelled by keyboard, each answer once."""

from __future__ import annotations

import io
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from bench.support import browser
from tests.embedded_aws.account import BUCKET, Account, until
from tests.embedded_aws.labeler import PASSWORD, UserPool
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.labeling.test_labeling_jobs import BUILT_IN, TEMPLATE
from tests.lost_connection import LostConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from embedded_aws.gateway import Gateway

BRICKS = [f"brick {number}" for number in range(12)]
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


def sign_in(chromium: Browser, team: UserPool, name: str, **options: Any) -> Page:
    """Return a page of somebody who has signed in by the user pool's own form."""
    page = chromium.new_context(ignore_https_errors=True, **options).new_page()
    page.set_default_timeout(SECONDS)
    page.goto(f"https://{team.portal}/")
    give_password(page, name)
    page.get_by_text("Sign out").wait_for()  # the portal's own page: there is no reload on the way to it
    page.wait_for_load_state()
    return page


def give_password(page: Page, name: str) -> None:
    """Fill in the user pool's form."""
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")


ACTIVITY = "/aws/sagemaker/groundtruth/WorkerActivity"
SHOWN = "document.querySelector('#photo img')?.complete && !document.querySelector('#task').inert"
KEPT = "Object.keys(localStorage).length"


def start(account: Account, team: UserPool, name: str, photos: int, **human: Any) -> None:
    """Start a job over so many photos."""
    lines = [json.dumps({"source-ref": f"s3://{BUCKET}/browser/{number}.png"}) for number in range(photos)]
    of_team = {"WorkteamArn": team.arn, "TaskTitle": f"The job {name}", "TaskTimeLimitInSeconds": 3600, **BUILT_IN}
    calls.labeling_job(
        account.sagemaker,
        name,
        {**of_team, **human},
        manifest=account.put(f"browser/{name}.manifest", "\n".join(lines).encode()),
        template=f"s3://{BUCKET}/browser/template.html",
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/labels"},
        LabelCategoryConfigS3Uri=f"s3://{BUCKET}/browser/labels.json",
        RoleArn=account.role,
    )


def open_job(page: Page, name: str) -> None:
    """Begin to work on a job, once it has something to do."""
    row = page.locator("tr", has_text=f"The job {name}")
    until(lambda: page.reload() and row.count())
    row.get_by_text("Start working").click()
    browser.wait_until(page, SHOWN)


def shown(page: Page) -> int:
    """Return the number of the photo that a page shows."""
    browser.wait_until(page, SHOWN)
    source = str(page.get_attribute("#photo img", "src"))
    return int(source.partition("/browser/")[2].partition(".png")[0])


def label(page: Page) -> int:
    """Label the photo that is shown by keyboard, as it is; return its number."""
    number = shown(page)
    page.keyboard.press(str(number % 10))
    page.keyboard.press("Enter")
    return number


def gone(page: Page, number: int) -> None:
    """Wait until a page shows a photo no more."""
    browser.wait_until(page, f"!document.querySelector('#photo img')?.src.includes('/browser/{number}.png')")


def labels(account: Account, name: str) -> list[int | None]:
    """Return what a job made of its photos, once it has ended."""
    until(lambda: account.sagemaker.describe_labeling_job(LabelingJobName=name)["LabelingJobStatus"] == "Completed")
    content = account.get(f"s3://{BUCKET}/labels/{name}/manifests/output/output.manifest").decode()
    return [json.loads(line).get("brick") for line in content.splitlines()]


def given(account: Account, name: str) -> int:
    """Return how many answers there are to all photos of a job."""
    keys = account.keys(f"labels/{name}/annotations/worker-response/")
    return sum(len(json.loads(account.get(f"s3://{BUCKET}/{key}"))["answers"]) for key in keys)


def test_two_people_label_twenty_photos(account: Account, team: UserPool, chromium: Browser) -> None:
    """By keyboard, at once, from batch to batch; each photo goes to one of them, and both see how far they are."""
    start(account, team, "twenty", COUNT)
    dora, emil = (sign_in(chromium, team, name) for name in ("dora", "emil"))
    for page in (dora, emil):
        open_job(page, "twenty")
    assert shown(dora) != shown(emil)
    assert dora.evaluate("document.querySelector('#photo img').naturalWidth") == 48
    assert dora.inner_text("#left") == "10"
    dora.keyboard.press("Enter")
    dora.wait_for_selector("text=Choose a category first.")
    of_photo = "(({scrollHeight, clientHeight, scrollTop}) => [scrollHeight > clientHeight, scrollTop > 0])"
    assert dora.evaluate(f"{of_photo}(document.querySelector('#photo'))") == [False, False]  # all of it is there
    dora.keyboard.press("z")
    assert dora.evaluate(f"{of_photo}(document.querySelector('#photo'))") == [True, True]  # and now its middle
    dora.keyboard.press("3")
    assert dora.get_by_role("radio", name="brick 3").is_checked()
    labelled: list[int] = []
    working = {"dora": dora, "emil": emil}
    while working:
        for name, page in [*working.items()]:
            over = "document.querySelector('#said').textContent.includes('This job has ended')"
            browser.wait_until(page, f"({SHOWN}) || {over} || location.pathname === '/'")
            if not page.evaluate(SHOWN):
                del working[name]
                continue
            if shown(page) == BROKEN:
                page.wait_for_selector("text=The image can't be shown")
            number = label(page)
            gone(page, number)
            labelled.append(number)
            assert page.locator("#photo.large").count() == 0
    assert sorted(labelled) == [*range(COUNT)]
    assert labels(account, "twenty") == [number % 10 for number in range(COUNT)]


def test_a_lost_connection_loses_nothing(
    embedded: Gateway, account: Account, team: UserPool, chromium: Browser
) -> None:
    """An answer that can't be sent, or whose receipt gets lost, is kept over a reload, and taken once."""
    start(account, team, "away", 6)
    proxy = {"server": f"http://127.0.0.1:{embedded.proxy}"}  # for Playwright itself, which passes requests on
    page = sign_in(chromium, team, "dora", proxy=proxy)
    open_job(page, "away")
    connection = LostConnection()
    page.route("**/tasks/*", connection)
    done = []
    for fault, reloads in itertools.product((connection.NOT_SENT, connection.RECEIPT_LOST), (True, False)):
        connection.fault = fault
        done.append(label(page))
        page.get_by_text("1 answer is kept in this browser").wait_for()
        if reloads:
            page.reload()
            page.get_by_text("1 answer is kept in this browser").wait_for()
        connection.fault = ""
        browser.wait_until(page, f"{KEPT} === 0")
        gone(page, done[-1])
    done += [label(page)]
    gone(page, done[-1])
    done += [label(page)]
    page.get_by_text("This job has ended: thank you.").wait_for()
    assert page.evaluate(KEPT) == 0
    assert {connection.NOT_SENT, connection.RECEIPT_LOST} < connection.met
    assert sorted(done) == [*range(6)]
    assert labels(account, "away") == [*range(6)]
    assert given(account, "away") == 6


def test_an_answer_waits_for_who_gave_it(account: Account, team: UserPool, chromium: Browser) -> None:
    """Who is signed out keeps the answer until they sign in again; it does not become that of who signs in between."""
    start(account, team, "signed", 1, NumberOfHumanWorkersPerDataObject=2)
    page = sign_in(chromium, team, "dora")
    open_job(page, "signed")
    page.context.clear_cookies()
    label(page)
    page.get_by_text("You are signed out here").wait_for()
    for name, kept in (("emil", 1), ("dora", 0), ("emil", 0)):
        page.context.clear_cookies()
        page.reload()  # it is the job's page again after the sign-in
        give_password(page, name)
        page.get_by_text("The job signed").wait_for()
        browser.wait_until(page, f"{KEPT} === {kept}")
    assert shown(page) == 0
    page.keyboard.press("0")
    page.keyboard.press("Enter")
    assert labels(account, "signed") == [0]
    assert given(account, "signed") == 2


def test_a_task_is_skipped(account: Account, team: UserPool, chromium: Browser) -> None:
    """Somebody else gets it at once, or whoever skipped it at the end; CloudWatch is told that it was returned."""
    start(account, team, "skipped", 4)
    dora, emil = (sign_in(chromium, team, name) for name in ("dora", "emil"))
    open_job(dora, "skipped")
    first = shown(dora)
    dora.keyboard.press("s")
    gone(dora, first)
    open_job(emil, "skipped")
    assert shown(emil) == first
    emil.get_by_role("button", name="Skip").click()
    gone(emil, first)
    done = []
    for page in (emil, dora, emil, dora):
        done.append(label(page))
        gone(page, done[-1])
    assert done[-1] == first
    assert labels(account, "skipped") == [*range(4)]
    arn = account.sagemaker.describe_labeling_job(LabelingJobName="skipped")["LabelingJobArn"]

    def returned() -> int:
        events = map(
            json.loads, account.printed(ACTIVITY, ACTIVITY.partition("/")[2].replace("WorkerActivity", "worker"))
        )
        return sum((event["labeling_job_arn"], event["event_type"]) == (arn, "TasksReturned") for event in events)

    until(lambda: returned() == 2)


def test_a_phone_in_the_dark(account: Account, team: UserPool, chromium: Browser) -> None:
    """Nothing is wider than the screen, and fingers reach everything; further categories than ten have no key."""
    start(account, team, "phone", 1)
    phone = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "has_touch": True, "is_mobile": True}
    page = sign_in(chromium, team, "dora", **phone)
    open_job(page, "phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Zoom").tap()
    assert page.locator("#photo.large").count() == 1
    assert page.locator(".choice kbd").all_inner_texts() == [*"0123456789"]
    page.locator(".choice span", has_text="brick 11").tap()
    assert page.get_by_role("group", name="Please select").count() == 1
    page.get_by_role("button", name="Submit").tap()
    assert labels(account, "phone") == [11]
