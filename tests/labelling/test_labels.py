"""What comes of answers: Ground Truth's files, how far people agree, and a sentence for what can't be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from datasets import LABELS
from infra import settings
from infra.settings import SettingsError
from labelling import store
from labelling.agreement import agree
from labelling.manifests import Line
from labelling.task import Task
from labelling.worklist import Worklist
from tests.cli.console.conftest import NAME
from tests.embedded_aws.account import until
from tests.labelling.labeller import Labeller

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.conftest import Lab
    from tests.embedded_aws.account import Account
    from tests.labelling.conftest import LabelledBucket

# The examples of SageMaker's guide, "Labeling job output data", and of an annotation consolidation function's request.
LINE = {
    "source-ref": "s3://AWSDOC-EXAMPLE-BUCKET/example_image.jpg",
    "species": 0,
    "species-metadata": {
        "class-name": "dog",
        "confidence": 0.00,
        "type": "groundtruth/image-classification",
        "job-name": "identify-animal-species",
        "human-annotated": "yes",
        "creation-date": "2018-10-18T22:18:13.527256",
    },
}
REQUEST = {
    "datasetObjectId": "2",
    "dataObject": {"s3Uri": "s3://samurai-wis-test-2/datasetobjects/cat2.jpg"},
    "annotations": [
        {
            "workerId": "public.us-east-1.LZMJJLCU6JBGXAC4TLKLEVEJBQ",
            "annotationData": {"content": '{"crowd-image-classifier":{"label":"Cat"}}'},
        }
    ],
}
WORKER = {
    "submissionTime": "2020-12-28T18:59:58.321Z",
    "acceptanceTime": "2020-12-28T18:59:15.191Z",
    "timeSpentInSeconds": 40.543,
    "workerId": "a12b3cdefg4h5i67",
    "answerContent": {"crowd-image-classifier": {"label": "dog"}},
}


def shape(value: Any) -> Any:
    """A document with the types of its values in their places, and the keys of its objects."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value)


def begin(bucket: LabelledBucket, *words: str) -> None:
    """Begin a job, and label nothing."""
    with bucket.page(*words):
        pass


def test_the_files_are_ground_truths(bucket: LabelledBucket) -> None:
    """Manifest, consolidation and workers' responses are as AWS's published examples; what the input said stays."""
    bucket.photos("raw/three/", 3)
    lines = [{"source-ref": f"s3://labelled/raw/three/00{number}.png", "shelf": number} for number in range(3)]
    bucket.put("raw/three.manifest", "\n".join(map(json.dumps, lines)).encode())
    begin(bucket, "species", "--manifest", "raw/three.manifest", "--people", "2", "--as", "ada")
    for photo, given in enumerate((("2x3 Brick", "2x3 Brick"), ("1x1 Brick", "2x1 Brick"), ("Not a brick", None))):
        for worker, said in zip(("ada", "bob"), given, strict=True):
            if said:
                bucket.answer("species", worker, photo, said)
    document = json.loads(bucket("labels", "--json"))
    assert document["labelled"] == 2
    first, second, third = bucket.manifest("species")
    assert shape({key: value for key, value in first.items() if key != "shelf"}) == shape(LINE)
    assert first["species-metadata"] | {"confidence": 0} == {
        "class-name": "2x3 Brick",
        "confidence": 0,
        "type": "groundtruth/image-classification",
        "job-name": "labeling-job/species",
        "human-annotated": "yes",
        "creation-date": "2026-11-30T10:00:00.500000",
    }
    assert 0.9 < first["species-metadata"]["confidence"] <= 1
    assert second["species-metadata"]["confidence"] < first["species-metadata"]["confidence"]
    assert third == lines[2]  # too few have seen it
    assert first["shelf"] == 0
    [request] = bucket.keys("labels/species/annotations/consolidated-annotation/consolidation-request/iteration-1/")
    consolidated = json.loads(bucket.read(request))
    assert shape(consolidated[0]) == shape(REQUEST)
    assert json.loads(consolidated[1]["annotations"][1]["annotationData"]["content"]) == {
        "crowd-image-classifier": {"label": "2x1 Brick"}
    }
    worker = json.loads(
        bucket.read("labels/species/annotations/worker-response/iteration-1/0/2026-11-30_10:00:00.json")
    )
    assert shape(worker) == shape({"answers": [WORKER]})
    assert len(worker["answers"]) == 2
    [disagreement] = document["disagreements"]
    assert disagreement["answers"] == {"ada": "1x1 Brick", "bob": "2x1 Brick"}
    said = bucket("labels", "species")
    assert "People disagree on 1 photo; `./lab label species --review` asks you." in said


def test_a_reviewer_has_the_last_word(bucket: LabelledBucket, tmp_path: Path) -> None:
    """The review asks about what people disagree on alone, its answer is the label, and lab.photos takes the photos."""
    bucket.photos("raw/review/", 2)
    begin(bucket, "--prefix", "raw/review/", "--people", "2", "--as", "ada")
    for worker, said in (("ada", "1x1 Brick"), ("bob", "2x1 Brick")):
        bucket.answer("raw-review", worker, 1, said)
        bucket.answer("raw-review", worker, 0, "1x2 Grill")
    with bucket.page("raw-review", "--review", "--as", "eve") as link:
        eve = Labeller(link)
        assert eve("work", "POST", "{}", Origin=eve.own["Origin"]).status == 403
        assert eve.next() == [1]
        event = {"id": "a", "photo": 1, "label": 3, "seconds": 2, "accepted": "2026-11-30T11:00:00.000Z"}
        event["submitted"] = "2026-11-30T11:00:02.000Z"
        wrong = [
            {**event, "id": "b", "label": 11},
            {**event, "id": "c", "photo": 7},
            {**event, "id": "d", "seconds": "x"},
        ]
        told = eve.send(*wrong, event, event)
        assert told["stored"] == ["a", "a"]
        assert told["progress"] == {"mine": 1, "left": 0, "done": 1, "photos": 1}
        assert "11 is none of the labels" in told["refused"]["b"]
        assert "There is no photo 7" in told["refused"]["c"]
        assert "moments" in told["refused"]["d"]
        assert eve("suggestions/1").status == 403
        assert eve("photos/9").status == 404
    folder = tmp_path / "labelled" / "photos"
    said = bucket("labels", "raw-review", "--photos", str(folder))
    others = ", ".join(name for name in LABELS if name not in {"1x2 Grill", "2x1 Brick"})
    assert f"2 of them are in {folder}. The lab learns from photos of each brick, and there is none of {others}" in said
    line = bucket.manifest("raw-review")[1]
    assert (line["raw-review"], line["raw-review-metadata"]["confidence"]) == (3, 1.0)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
    photos = [bucket.read(f"raw/review/00{number}.png") for number in range(2)]
    assert files == {"1x2 Grill/000000.png": photos[0], "2x1 Brick/000001.png": photos[1]}
    with pytest.raises(SettingsError, match=f"there is no photo of {others}"):
        settings.read({"lab": {"photos": str(folder)}})
    assert "There is something in" in bucket("labels", "raw-review", "--photos", str(folder), code=1)
    assert [*folder.parent.iterdir()] == [folder]


def test_two_people_add_photos_at_once(lab: Lab, bucket: LabelledBucket) -> None:
    """Who is second adds to what the first has written: all photos are there once, none has another's number."""
    s3 = lab.client("s3")

    def add(*names: str) -> list[str]:
        own = [f"raw/more/{name}.png" for name in names]
        lines = [Line(key, {"source-ref": f"s3://{bucket.name}/{key}"}) for key in own]
        return [line.key for line in store.begin(s3, Task(name="more", bucket=bucket.name), lines, people=1).lines]

    met: list[list[str]] = []

    def let_bob_add(params: Mapping[str, Any], **_: object) -> None:
        """Let Bob add a photo, once, before Ada's conditional change."""
        if "If-Match" in params["headers"] and not met:
            met.append([])
            met[0] = add("a", "c")

    add("a")
    s3.meta.events.register("before-call.s3.PutObject", let_bob_add)
    try:
        assert add("a", "b") == [f"raw/more/{name}.png" for name in "acb"]
    finally:
        s3.meta.events.unregister("before-call.s3.PutObject", let_bob_add)
    assert met == [["raw/more/a.png", "raw/more/c.png"]]
    assert add("b", "c") == [f"raw/more/{name}.png" for name in "acb"]


SEES = b"""
import json

def handler(data, context):
    share = len(data.read()) / 200
    probabilities = {"2x3 Brick": 1 - share, "2x2 Brick": share}
    answer = {"label": "2x3 Brick", "probability": 1 - share, "probabilities": probabilities}
    return json.dumps({"predictions": [answer]}), "application/json"
"""


def test_the_endpoint_is_asked_once_about_each_photo(bucket: LabelledBucket, aws: Account) -> None:
    """What it is least sure of comes first; the next page has the order from the job's folder."""
    for number in range(5):
        bucket.put(f"raw/sure/{number}.png", b"\x89PNG\r\n\x1a\n" + bytes(number))
    bucket.put("raw/sure/notes.png", b"no picture")
    begin = ("--prefix", "raw/sure/", "--uncertain-first", "--suggest")
    kept = "labels/raw-sure/uncertainty.json"
    said = bucket("label", *begin, "--no-browser", code=1)
    assert "ask the lab's endpoint, and that can't be: AWS refused DescribeEndpoint: Could not find endpoint" in said
    assert not bucket.keys("labels/raw-sure/")
    config = aws.config(aws.model({"1/saved_model.pb": b"", "code/inference.py": SEES}))
    aws.sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=config)
    assert aws.settled(NAME)["EndpointStatus"] == "InService"
    bucket.put(kept, json.dumps({"EndpointConfigName": "another", "Bits": {"0": 9.0}}).encode())
    with bucket.page(*begin, "--as", "ada") as link:
        ada = Labeller(link)
        until(lambda: ada.next() == [4, 3, 2, 1, 0, 5])
        assert ada.answer(4, 0)["stored"]
        assert ada.suggestion(4)["label"] == "2x3 Brick"
        until(lambda: json.loads(bucket.read(kept))["EndpointConfigName"] == config)
    bits = json.loads(bucket.read(kept))["Bits"]
    assert sorted(bits, key=bits.get) == ["0", "1", "2", "3", "4"]
    known = json.dumps({"EndpointConfigName": config, "Bits": {**bits, "0": 9.0}}).encode()
    bucket.put(kept, known)
    with bucket.page("raw-sure", "--uncertain-first", "--as", "bob") as link:
        bob = Labeller(link)
        until(lambda: bob.next() == [0, 3, 2, 1, 5])
    assert bucket.read(kept) == known


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--prefix", "nothing/"), "There is no photo (.png, .jpg) below s3://labelled/nothing/"),
        (("--prefix", "raw/", "--manifest", "raw/bad"), "give one of them"),
        (("--prefix", "raw/three/", "--people", "10"), "each photo goes to 1 to 9 people"),
        (("a_b", "--prefix", "raw/three/", "--people", "2"), "no name of a labelling job"),
        (("species", "--prefix", "raw/three/", "--people", "3"), "its photos go to 2 people each"),
        (("--manifest", "raw/none.manifest"), "There is no manifest s3://labelled/raw/none.manifest"),
        (("--manifest", "raw/broken.manifest"), "raw/broken.manifest, line 2: each line is one JSON object"),
        (("--manifest", "raw/outside.manifest"), "line 1: s3://elsewhere/a.png is no object of the lab's bucket"),
        (("nobody",), "There is no labelling job nobody"),
        (("species", "--as", "!"), "a person's name has a letter or a digit"),
    ],
)
def test_a_mistake_is_one_sentence(bucket: LabelledBucket, words: tuple[str, ...], sentence: str) -> None:
    """What can't be labelled is refused before anything is changed."""
    good = '{"source-ref": "s3://labelled/raw/three/000.png"}'
    bucket.put("raw/broken.manifest", f"{good}\n{{no\n".encode())
    bucket.put("raw/outside.manifest", b'{"source-ref": "s3://elsewhere/a.png"}')
    if not bucket.keys("labels/species/"):
        bucket.photos("raw/three/", 1)
        begin(bucket, "species", "--prefix", "raw/three/", "--people", "2", "--as", "ada")
    before = bucket.keys("labels/")
    said = bucket("label", *words, "--no-browser", code=1)
    assert sentence in said
    assert bucket.keys("labels/") == before


def test_ten_thousand_photos() -> None:
    """A worklist of them has the next photos at once, and everybody their own order."""
    ada, bob = (Worklist(10_000, people=1, worker=worker) for worker in ("ada", "bob"))
    assert ada.next(12) != bob.next(12)
    for photo in ada.next(9_990):
        ada.answer(photo)
    bob.load(("ada", photo) for photo in range(10_000) if ada.has_answered(photo))
    assert sorted(bob.next(20)) == sorted(ada.next(20))
    assert ada.progress().document() == {"mine": 9_990, "left": 10, "done": 9_990, "photos": 10_000}
    assert bob.over(ada.next(20)) == []
    assert ada.answer(bob.next(1)[0]) is False
    bob.load([("ada", photo) for photo in range(10_000)])
    assert bob.answer(0)  # all its answers were there before


def test_uncertain_photos_come_first() -> None:
    """What the network is least sure of is asked first, what it has not seen last, and what was skipped after all."""
    worklist = Worklist(5, people=1, worker="ada")
    worklist.rank({3: 2.0, 1: 3.0, 4: 0.1})
    assert worklist.next(3) == [1, 3, 4]
    worklist.skip(1)
    assert worklist.next(5)[-1] == 1


def simulated(truth: np.ndarray[Any, np.dtype[np.int64]], shares: Mapping[str, float]) -> list[tuple[str, int, int]]:
    """Answers of people who are right about a share of the photos, and else take one label for any other."""
    random = np.random.default_rng(7)
    answers = []
    for worker, share in shares.items():
        right = random.random(len(truth)) < share
        wrong = (truth + random.integers(1, len(LABELS), len(truth))) % len(LABELS)
        answers += [(worker, photo, int(truth[photo] if right[photo] else wrong[photo])) for photo in range(len(truth))]
    return answers


def test_the_consensus_is_better_than_each_person() -> None:
    """Of three people of 80 % the consensus is better; one who guesses is found out, and outvotes nobody."""
    truth = np.random.default_rng(3).integers(0, len(LABELS), 600)
    people = {"ada": 0.8, "bob": 0.8, "eve": 0.8}
    found = agree(simulated(truth, people), len(LABELS))
    accuracy = np.mean([found.label(photo) == truth[photo] for photo in range(len(truth))])
    assert accuracy > 0.87
    guessing = agree(simulated(truth, {**people, "mallory": 0.1, "trent": 0.1}), len(LABELS))
    assert max(guessing.share("mallory"), guessing.share("trent")) < 0.3
    assert min(guessing.share(each) for each in people) > 0.7
    assert np.mean([guessing.label(photo) == truth[photo] for photo in range(len(truth))]) > 0.87


def test_the_others_take_one_label_for_another() -> None:
    """A person's confusion tells what they take for what."""
    answers = [(worker, photo, photo % 2) for worker in ("ada", "bob") for photo in range(20)]
    answers += [("eve", photo, 0) for photo in range(20)]
    found = agree(answers, 3)
    assert found.confusion["eve"].tolist() == [[10, 0, 0], [10, 0, 0], [0, 0, 0]]
    assert found.share("ada") == 1
