"""The labelling page in a real browser: people label, and whatever happens meanwhile nothing is lost or there twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.support.browser import wait_until
from datasets import LABELS
from tests.cli.labelling.conftest import LabelledBucket, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

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
    """Each key is an answer, which lies in the bucket at once; a held key is one; undo and skip do what they say."""
    truth = bucket.photos("raw/twenty/", 20)
    with (
        bucket.page("--prefix", "raw/twenty/", "--as", "Ada L.") as link,
        opened(chromium, link) as page,
    ):
        first = photo_of(page)
        page.keyboard.press("s")
        wait_until(page, f"!document.querySelector('#photo img')?.src.endsWith('/{first}')")
        second = photo_of(page)
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
    fault, met = "", []

    def pass_on(route: Route) -> None:
        met.append(fault)
        if fault != "not sent":
            answer = route.fetch()
        if fault:
            route.abort()
        else:
            route.fulfill(response=answer)

    with (
        bucket.page("--prefix", "raw/away/", "--as", "bob") as link,
        opened(chromium, link, expected="Failed to load resource") as page,
    ):
        page.route("**/answers", pass_on)
        done = label(page, truth, 2)
        stored(page)
        fault = "not sent"
        done += label(page, truth, 3)
        page.get_by_text("3 answers are kept in this browser").wait_for()
        page.reload()
        done += label(page, truth, 2)
        fault = ""
        stored(page)
        fault = "receipt lost"
        done += label(page, truth, 1)
        page.get_by_text("1 answer is kept in this browser").wait_for()
        page.keyboard.press("u")  # of what is stored, though nobody has heard of it
        done.pop()
        fault = ""
        stored(page)
        done += label(page, truth, 5)
        page.get_by_text("There is nothing left for you").wait_for()
        stored(page)
    assert {"not sent", "receipt lost"} < {*met}
    assert sorted(done) == [*range(12)]
    assert bucket.answers("raw-away") == {"bob": {photo: LABELS[label] for photo, label in enumerate(truth)}}


def test_two_people_at_once(chromium: Browser, bucket: LabelledBucket) -> None:
    """Together they label all photos; who meet at one are both heard, and nobody is asked twice."""
    truth = bucket.photos("raw/both/", 14)
    over = "document.querySelector('#said').textContent.includes('nothing left')"
    done: dict[str, list[int]] = {"ada": [], "bob": []}
    with (
        bucket.page("--prefix", "raw/both/", "--as", "ada") as ada,
        bucket.page("raw-both", "--as", "bob") as bob,
        opened(chromium, ada) as first,
        opened(chromium, bob) as second,
    ):
        pages = {"ada": first, "bob": second}
        while pages:
            for name, page in [*pages.items()]:
                wait_until(page, f"({SHOWN}) || {over}")
                if page.evaluate(over):
                    stored(pages.pop(name))
                else:
                    done[name] += label(page, truth, 1)
    assert {*done["ada"], *done["bob"]} == {*range(14)}
    assert all(len({*photos}) == len(photos) for photos in done.values())
    found = bucket.answers("raw-both")
    assert found == {name: {photo: LABELS[truth[photo]] for photo in photos} for name, photos in done.items()}


def test_what_is_no_photo_and_what_is_no_brick(chromium: Browser, bucket: LabelledBucket) -> None:
    """Who meets a broken file is told what to do, by a phone in the dark too, and a brick is none of eleven."""
    bucket.photos("raw/odd/", 1)
    bucket.put("raw/odd/broken.png", b"\x89PNG\r\n\x1a\n no picture")
    bucket.put("raw/odd/notes.jpg", b"a list of bricks")
    bucket.put("raw/odd/notes.txt", b"a list of bricks")
    phone = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "has_touch": True, "is_mobile": True}
    with (
        bucket.page("--prefix", "raw/odd/", "--as", "ada") as link,
        opened(chromium, link, expected="Failed to load resource", **phone) as page,
    ):
        for _ in range(3):
            page.locator("#photo > *").wait_for()
            wait_until(page, f"({SHOWN}) || document.querySelector('#photo p')")
            if page.locator("#photo img").count() and page.evaluate(
                "document.querySelector('#photo img').naturalWidth"
            ):
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                page.get_by_role("button", name="Zoom").tap()
                assert page.locator("#photo.large").count() == 1
                page.get_by_role("button", name="2x3 Brick").tap()
            else:
                page.get_by_text("no picture that can be shown: press N").wait_for()
                page.get_by_role("button", name="Not a brick").tap()
        page.get_by_text("There is nothing left for you").wait_for()
        stored(page)
    answers = bucket.answers("raw-odd")["ada"]
    assert sorted(answers.values()) == ["2x3 Brick", "Not a brick", "Not a brick"]
