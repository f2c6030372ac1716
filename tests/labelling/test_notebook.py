"""The labelling page as a notebook on a laptop opens it; tests/notebooks/ has it on a seat's instance."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from embedded_aws import gateway
from labelling.errors import LabellingError
from labelling.notebook import open_page
from tests.labelling.labeller import Labeller

if TYPE_CHECKING:
    from tests.conftest import Lab
    from tests.labelling.conftest import LabelledBucket

OWN = "s3://labelled/seats/ada/"


@pytest.fixture
def seat(bucket: LabelledBucket, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> LabelledBucket:
    """The bucket, with what `./lab env ada` tells a notebook."""
    running = gateway.running(lab.home / "aws")
    assert running
    told = {"BRICKLAB_BUCKET": bucket.name, "BRICKLAB_SEAT": "ada", "BRICKLAB_SEAT_URI": OWN}
    for name, value in {**running.environment(), **told}.items():
        monkeypatch.setenv(name, value)
    return bucket


def test_a_job_of_one_s_own(seat: LabelledBucket) -> None:
    """It lies in the seat's folder, and so does its manifest; what was labelled stays when the page is closed."""
    seat.photos("seats/ada/mine/", 2)
    with closing(open_page(photos=f"{OWN}mine/")) as page:
        ada = Labeller(page.link)
        for photo in ada.next():
            ada.answer(photo, photo)
        assert page.results().write() == f"{OWN}labels/mine/manifests/output/output.manifest"
        assert "2 labelled by you, 0 left" in page.html()
    with closing(open_page("mine", photos=f"{OWN}mine/")) as again:
        assert sorted(again.job.answered()) == [("ada", 0), ("ada", 1)]


def test_the_class_s_job(seat: LabelledBucket) -> None:
    """Whoever has begun it: the seat goes on with it."""
    seat.photos("raw/class/", 1)
    with seat.page("--prefix", "raw/class/", "--as", "teacher"):
        pass
    with closing(open_page("raw-class")) as page:
        assert Labeller(page.link).next() == [0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"photos": "s3://labelled/raw/"}, f"s3://labelled/raw/ is not yours: copy the photos below {OWN} first."),
        ({"photos": f"{OWN}none/"}, "There is no photo (.png, .jpg) below s3://labelled/seats/ada/none/"),
        ({"photos": f"{OWN}mine/", "people": 10}, "people 10: each photo goes to 1 to 9 people."),
        ({"job": "no name"}, "'no name' is no name of a labelling job"),
        ({"job": "nobody-s"}, "There is no labelling job nobody-s in s3://labelled/labels/"),
    ],
)
def test_a_mistake_is_a_sentence(seat: LabelledBucket, words: dict[str, str], says: str) -> None:
    """Nothing is begun; a notebook shows the sentence alone."""
    assert seat
    with pytest.raises(LabellingError) as error:
        open_page(**words)  # type: ignore[arg-type]  # whatever a student types
    assert str(error.value).startswith(says)
    assert error.value._render_traceback_() == [str(error.value)]


def test_without_a_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no seat's variables are, it says how they come."""
    monkeypatch.delenv("BRICKLAB_BUCKET", raising=False)
    with pytest.raises(LabellingError, match=r"BRICKLAB_BUCKET is not set: choose the kernel"):
        open_page("mine")
