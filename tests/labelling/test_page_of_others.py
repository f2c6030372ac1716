"""The labelling page of two people at once, and on a phone; test_page.py has what one person does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.support.browser import wait_until
from datasets import LABELS
from tests.labelling.conftest import LabelledBucket, opened
from tests.labelling.test_page import SHOWN, label, stored

if TYPE_CHECKING:
    from playwright.sync_api import Browser


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
