"""From photos that nobody has labelled to a lab that has learnt from them, by the commands alone."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from cli import paths
from datasets import LABELS, ensure
from tests.cli.console.conftest import served, start
from tests.labelling.conftest import LabelledBucket
from tests.labelling.labeller import Labeller
from tests.labelling.test_labels import simulated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Lab

NAME = "taught"
NAMED = ("-c", f"lab.name={NAME}")
QUICK = (*NAMED, "-c", "lab.seats=0", "-c", "lab.epochs=3")
COUNT = 120
PEOPLE = {"ada": 0.8, "bob": 0.8, "cleo": 0.8}


def test_a_lab_learns_what_people_have_labelled(lab: Lab, tmp_path: Path) -> None:
    """Three people who are right about 80 % and a reviewer: the lab trains on exactly what they came to, and serves."""
    lab.environment["BRICKLAB_ENFORCE_IAM"] = "1"
    start(lab, enforce=True)
    lab("up", *QUICK, "-c", f"lab.data={some_renders(tmp_path)}")
    bucket = LabelledBucket(lab, lab.outputs()["BucketName"])
    truth = bucket.photos("raw/first/", COUNT)
    label(lab, truth)
    reviewed = review(lab, truth)
    folder = tmp_path / "bricks"
    document = json.loads(lab("labels", "raw-first", "--photos", str(folder), "--json", *NAMED))
    assert (document["labelled"], document["copied"]) == (COUNT, COUNT)
    assert {each["answers"] for each in document["people"].values()} == {COUNT}
    came_to = [line["raw-first"] for line in bucket.manifest("raw-first")]
    assert np.mean(np.equal(came_to, truth)) > 0.87
    assert reviewed
    assert all(came_to[photo] == truth[photo] for photo in reviewed)

    lab("up", *QUICK, "-c", f"lab.photos={folder}")
    learnt = np.concatenate([array(bucket, part, "labels") for part in ("train", "test")])
    assert np.bincount(learnt, minlength=10).tolist() == np.bincount(came_to, minlength=10).tolist()
    photo = str(folder / LABELS[came_to[0]] / "000000.png")
    [answer] = json.loads(lab("predict", photo, "--json", *NAMED))[photo]
    assert answer["label"] in LABELS
    assert f"Nothing of {NAME} is left." in lab("down", *NAMED)


def some_renders(folder: Path) -> Path:
    """A tenth of the rendered bricks, in a folder for lab.data."""
    data = folder / "data"
    data.mkdir()
    for file in ensure(cache=paths.cache() / "datasets").glob("*.npy"):
        np.save(data / file.name, np.load(file)[::10])
    return data


def label(lab: Lab, truth: list[int]) -> None:
    """Let each person label all photos, as they see them."""
    seen = {(worker, photo): said for worker, photo, said in simulated(np.array(truth), PEOPLE)}
    for worker in PEOPLE:
        with served(lab, "label", "--prefix", "raw/first/", "--people", "3", "--as", worker, *NAMED) as link:
            page = Labeller(link)
            while photos := page.next():
                for photo in photos:
                    assert page.answer(photo, seen[worker, photo])["stored"]


def review(lab: Lab, truth: list[int]) -> list[int]:
    """Decide about those photos of which the page asks a reviewer first; which."""
    with served(lab, "label", "raw-first", "--review", "--as", "eve", *NAMED) as link:
        page = Labeller(link)
        photos = page.next()
        for photo in photos:
            assert page.answer(photo, truth[photo])["stored"]
    return photos


def array(bucket: LabelledBucket, part: str, kind: str) -> Any:
    """What the lab learns from, or is tested with."""
    return np.load(io.BytesIO(bucket.read(f"data/lego-simple-{part}-{kind}.npy")))
