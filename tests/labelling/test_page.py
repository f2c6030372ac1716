"""The labelling page in a real browser: people label, and whatever happens meanwhile nothing is lost or there twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.support.browser import wait_until
from datasets import LABELS
from tests.accessibility import violations
from tests.labelling.conftest import LabelledBucket, opened
from tests.lost_connection import LostConnection

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHOWN = "document.querySelector('#photo img')?.complete"


def photo_of(page: Page) -> int:
    """The number of the photo that is shown."""
    wait_until(page, SHOWN)
    return int(page.locator("#photo img").get_attribute("src").rpartition("/")[2])  # type: ignore[union-attr]


def label(page: Page, truth: list[int], count: int) -> list[int]:
    """Label so many photos by keyboard, as they are; which."""
    done = []
    for _ in range(count):
        photo = photo_of(page)
        page.keyboard.press(str(truth[photo]))
        done.append(photo)
    return done


def stored(page: Page) -> None:
    """Wait until nothing is kept in the browser any more."""
    wait_until(page, "Object.keys(localStorage).length === 0")


def test_a_person_labels_twenty_photos_by_keyboard(chromium: Browser, bucket: LabelledBucket) -> None:
    """Each key is an answer, which lies in the bucket at once; a held key is one; undo and skip do what they say.

    A key does nothing where somebody has turned keys off.
    """
    truth = bucket.photos("raw/twenty/", 20)
    with (
        bucket.page("--prefix", "raw/twenty/", "--as", "Ada L.") as link,
        opened(chromium, link) as page,
    ):
        first = photo_of(page)
        assert violations(page) == []
        page.keyboard.press("s")
        wait_until(page, f"!document.querySelector('#photo img')?.src.endsWith('/{first}')")
        second = photo_of(page)
        page.get_by_role("button", name="Keys: on").click()
        page.keyboard.press("n")
        page.get_by_role("button", name="Keys: off").click()
        page.keyboard.down(str(truth[second]))
        page.keyboard.down(str(truth[second]))  # a key that is held is pressed again and again
        page.keyboard.up(str(truth[second]))
        third = photo_of(page)
        assert third != second
        page.keyboard.press("n")
        page.keyboard.press("u")
        assert photo_of(page) == third
        assert "Taken back: Not a brick" in page.inner_text("#said")
        done = label(page, truth, 19)
        assert done[0] == third
        assert done[-1] == first
        page.get_by_text("There is nothing left for you").wait_for()
        stored(page)
        assert page.inner_text("#mine") == "20"
    assert bucket.answers("raw-twenty") == {"ada-l": {photo: LABELS[label] for photo, label in enumerate(truth)}}
    [line, *others] = [*map(dict, bucket_lines(bucket, "raw-twenty"))]
    assert line["raw-twenty"] == truth[0]
    assert len(others) == 19


def bucket_lines(bucket: LabelledBucket, job: str) -> list[dict[str, object]]:
    """The output manifest, written now."""
    bucket("labels", job)
    return bucket.manifest(job)


def test_a_lost_connection_loses_nothing(chromium: Browser, bucket: LabelledBucket) -> None:
    """Answers that can't be sent, or whose receipt gets lost, are kept over a reload, and there once at the end."""
    truth = bucket.photos("raw/away/", 12)
    connection = LostConnection()
    with (
        bucket.page("--prefix", "raw/away/", "--as", "bob") as link,
        opened(chromium, link, expected="Failed to load resource") as page,
    ):
        page.route("**/answers", connection)
        done = label(page, truth, 2)
        stored(page)
        connection.fault = connection.NOT_SENT
        done += label(page, truth, 3)
        page.get_by_text("3 answers are kept in this browser").wait_for()
        page.reload()
        done += label(page, truth, 2)
        connection.fault = ""
        stored(page)
        connection.fault = connection.RECEIPT_LOST
        done += label(page, truth, 1)
        page.get_by_text("1 answer is kept in this browser").wait_for()
        page.keyboard.press("u")  # of what is stored, though nobody has heard of it
        done.pop()
        connection.fault = ""
        stored(page)
        done += label(page, truth, 5)
        page.get_by_text("There is nothing left for you").wait_for()
        stored(page)
    assert {connection.NOT_SENT, connection.RECEIPT_LOST} < connection.met
    assert sorted(done) == [*range(12)]
    assert bucket.answers("raw-away") == {"bob": {photo: LABELS[label] for photo, label in enumerate(truth)}}
