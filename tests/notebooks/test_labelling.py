"""The labelling page that a seat's notebook opens, through Jupyter, in a real browser."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from PIL import Image

from bench.support.browser import wait_until
from datasets import LABELS
from datasets.dataset import images

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.notebooks.conftest import Student

COUNT = 3
OPEN = """
import json, os, sys
sys.path.append(os.environ["BRICKLAB_LABELLING"])
from labelling.notebook import open_page
page = open_page(photos=os.environ["BRICKLAB_SEAT_URI"] + "unlabelled/")
print(json.dumps([page.link, str(page)]))
display(page)
"""


def visit(page: Page, address: str) -> None:
    """Go to an address of Jupyter's, and see a photo."""
    page.goto(address)
    wait_until(page, "document.querySelector('#photo img')?.naturalWidth === 48")


def last_activity(student: Student) -> str:
    """When Jupyter last saw one of its kernels at work."""
    return max(str(kernel["last_activity"]) for kernel in student.jupyter.ask("GET", "/api/kernels")[1])


def test_a_student_labels_on_the_seat(student: Student, chromium: Browser) -> None:
    """Photos of the student's own, by keyboard, below Jupyter's /proxy/; the link lets one browser in, once."""
    student.wait_for_packages()
    s3, bucket = student.client("s3"), student.variables["BRICKLAB_BUCKET"]
    folder = f"seats/{student.seat}/"
    for number, picture in enumerate(images("test", count=COUNT)):
        written = io.BytesIO()
        Image.fromarray(picture).save(written, "png")
        s3.put_object(Bucket=bucket, Key=f"{folder}unlabelled/{number}.png", Body=written.getvalue())
    link, said = json.loads(student.jupyter.run(OPEN, kernel="bricklab").splitlines()[-1])
    before = last_activity(student)
    assert said == f"Label the {COUNT} photos of unlabelled: {link}"
    place = f"http://127.0.0.1:{student.jupyter.port}"
    with chromium.new_context() as context:
        page = context.new_page()
        assert page.goto(f"{place}{link}").url.startswith(f"{place}/login")  # type: ignore[union-attr]
        page.goto(f"{place}/login?token={student.jupyter.token}")
        visit(page, f"{place}{link}")
        assert "token" not in page.url
        assert page.locator(".choice img").first.evaluate("each => each.naturalWidth") > 0
        for number in range(COUNT):
            page.keyboard.press(str(number))
        page.get_by_text("There is nothing left for you").wait_for()
        wait_until(page, "!Object.keys(localStorage).some((key) => key.startsWith('unsent '))")
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{place}/login?token={student.jupyter.token}")
        second = page.goto(f"{place}{link}")
        assert second
        assert (second.status, second.text()) == (
            403,
            "This page opens with the link that the cell showed, once, in one browser. Run the cell again.\n",
        )
    assert last_activity(student) > before  # else the instance would be idle, and stopped
    answers = s3.list_objects_v2(Bucket=bucket, Prefix=f"{folder}labels/unlabelled/answers/{student.seat}/")
    documents = [json.load(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"]) for each in answers["Contents"]]
    given = [each["answerContent"]["crowd-image-classifier"]["label"] for each in documents]
    assert sorted(given) == sorted(LABELS[:COUNT])
