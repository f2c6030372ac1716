"""monitor.py finds what has moved in captured requests, and nothing where nothing has; it writes AWS's files."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import monitor
from data import LABELS
from monitoring.baseline import FOLDER, Baseline
from monitoring.measurements import Measurements
from network import HiddenLayers, Network
from tests.embedded_aws.account import BUCKET
from tests.model_code.conftest import make_part

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from tests.embedded_aws.account import Account

    Array = npt.NDArray[np.float32]

_FILES = {
    "answers.jsonl",
    "constraint_violations.json",
    "constraints.json",
    "drift.png",
    "report.json",
    "statistics.json",
}


@pytest.fixture(scope="module")
def network(trained: Any) -> Network:
    """The trained network."""
    return Network.read(trained.artifact / "code" / "network.npz")


@pytest.fixture(scope="module")
def model(trained: Any, run_folder: Path) -> Path:
    """Its artifact, as SageMaker packs it."""
    file = run_folder / "watched" / "model.tar.gz"
    file.parent.mkdir()
    with tarfile.open(file, "w:gz") as archive:
        archive.add(trained.artifact, ".")
    return file


def bricks(seed: int, count: int = 200) -> Array:
    """Images like those of the channel, which nobody has seen."""
    return (make_part(np.random.default_rng(seed), count)[0] / 255).astype(np.float32)


def as_array(image: Array) -> tuple[str, bytes]:
    """An image as an array's request."""
    body = io.BytesIO()
    np.save(body, image)
    return "application/x-npy", body.getvalue()


def as_photo(image: Array) -> tuple[str, bytes]:
    """An image as a photo's request."""
    body = io.BytesIO()
    Image.fromarray(np.round(image * 255).astype(np.uint8)).save(body, "PNG")
    return "image/png", body.getvalue()


def as_json(image: Array) -> tuple[str, bytes]:
    """An image as a request in JSON."""
    return "application/json", json.dumps({"instances": [image.tolist()]}).encode()


def captured(
    folder: Path, images: Array, network: Network, request: Callable[[Array], tuple[str, bytes]] = as_array
) -> Path:
    """Write what data capture writes of these images, answered by the network."""
    file = folder / "lab" / "AllTraffic" / "2026" / "11" / "30" / "13" / "00-00-000.jsonl"
    file.parent.mkdir(parents=True)
    lines = []
    for image, row in zip(images, network(images).tolist(), strict=True):
        kind, body = request(image)
        plain = kind == "application/json"
        answer: dict[str, Any] = {
            "predictions": [row if plain else {"probabilities": dict(zip(LABELS, row, strict=True))}]
        }
        data = {
            "endpointInput": {
                "observedContentType": kind,
                "mode": "INPUT",
                "data": body.decode() if plain else base64.b64encode(body).decode(),
                "encoding": "JSON" if plain else "BASE64",
            },
            "endpointOutput": {
                "observedContentType": "application/json",
                "mode": "OUTPUT",
                "data": json.dumps(answer),
                "encoding": "JSON",
            },
        }
        metadata = {"eventId": str(uuid.uuid4()), "inferenceTime": "2026-11-30T13:10:00Z"}
        lines.append(json.dumps({"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}))
    file.write_text("".join(f"{line}\n" for line in lines))
    return folder


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no picture, which takes most of a run's time, where no test looks at it."""
    monkeypatch.setattr("monitoring.picture.write", lambda _file, **_: None)


def run(folder: Path, model: Path, *more: str) -> tuple[int, str, Path]:
    """Run the monitor over a folder of captured requests: exit code, message, the folder of its report."""
    output, message = folder.parent / "report", folder.parent / "message"
    flags = ["--captured", str(folder), "--model", str(model), "--output", str(output), "--message", str(message)]
    code = monitor.main([*flags, *more], {})
    return code, message.read_text() if message.exists() else "", output


def test_bricks_as_they_were_are_no_drift(tmp_path: Path, model: Path, network: Network) -> None:
    """Every file is there, in AWS's form, without a violation."""
    code, message, output = run(captured(tmp_path / "capture", bricks(1), network), model)
    assert (code, message) == (0, "Completed: No drift in 200 images.")
    assert {each.name for each in output.iterdir()} == _FILES
    assert json.loads((output / "constraint_violations.json").read_text()) == {"violations": []}
    statistics = json.loads((output / "statistics.json").read_text())
    assert statistics["dataset"]["item_count"] == 200
    numbers = {each["name"]: each for each in statistics["features"]}
    assert numbers["brightness"]["numerical_statistics"]["common"] == {"num_present": 200, "num_missing": 0}
    buckets = numbers["classes"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    assert sum(each["count"] for each in buckets) == 200


@pytest.mark.parametrize(
    ("feature", "change"),
    [
        ("brightness", lambda images: images * np.float32(0.6)),
        ("noise", lambda images: np.clip(images + np.random.default_rng(5).normal(0, 0.1, images.shape), 0, 1)),
        ("classes", lambda images: np.repeat(images[:20:10], 100, axis=0)),
    ],
)
def test_bricks_that_have_moved_are(
    tmp_path: Path, model: Path, network: Network, feature: str, change: Callable[[Array], Array]
) -> None:
    """Darker, noisier, of one class: it is said which, by a violation and in the message, and drawn."""
    images = change(bricks(2)).astype(np.float32)
    code, message, output = run(captured(tmp_path / "capture", images, network), model)
    assert code == 0
    assert message.startswith("CompletedWithViolations: Drift: ")
    violations = json.loads((output / "constraint_violations.json").read_text())["violations"]
    assert feature in {each["feature_name"] for each in violations}
    assert {each["constraint_check_type"] for each in violations} == {"baseline_drift_check"}
    with Image.open(output / "drift.png") as picture:
        assert picture.width > 1000


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("request_as", [as_array, as_photo, as_json])
def test_whatever_the_endpoint_takes_is_read(
    tmp_path: Path, model: Path, network: Network, request_as: Callable[[Array], tuple[str, bytes]]
) -> None:
    """Arrays, photos and JSON give the same images."""
    images: Array = np.divide(np.round(bricks(3, 40) * 255), 255, dtype=np.float32)
    _, _, output = run(captured(tmp_path / "capture", images, network, request_as), model)
    report = json.loads((output / "report.json").read_text())
    assert (report["images"], report["unread"]) == (40, 0)
    statistics = json.loads((output / "statistics.json").read_text())
    brightness = next(each for each in statistics["features"] if each["name"] == "brightness")
    assert brightness["numerical_statistics"]["mean"] == pytest.approx(float(images.mean()), abs=1e-4)


@pytest.mark.usefixtures("undrawn")
def test_only_the_window_is_looked_at(tmp_path: Path, model: Path, network: Network) -> None:
    """AWS may bring more than was asked for; too few images are not compared."""
    folder = captured(tmp_path / "capture", bricks(4, 40), network)
    window = ("--start", "2026-11-30T14:00:00Z", "--end", "2026-11-30T15:00:00Z")
    code, message, output = run(folder, model, *window)
    assert (code, message) == (0, "Completed: 0 images are too few to compare; at least 30 are needed.")
    assert json.loads((output / "report.json").read_text())["tests"] == []


@pytest.mark.usefixtures("undrawn")
def test_a_request_that_can_t_be_read_is_counted(tmp_path: Path, model: Path, network: Network) -> None:
    """It is missing in the statistics, and no reason to stop."""
    folder = captured(tmp_path / "capture", bricks(5, 40), network)
    [file] = folder.rglob("*.jsonl")
    lines = file.read_text().splitlines()
    broken = json.loads(lines[0])
    broken["captureData"]["endpointInput"]["data"] = "AAAA"
    file.write_text("\n".join([json.dumps(broken), *lines[1:]]) + "\n")
    _, _, output = run(folder, model)
    assert json.loads((output / "report.json").read_text())["unread"] == 1


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model", "model.tar.gz"], "--captured is missing; it needs to be a folder."),
        (["--captured", "."], "--model is missing; give it a model.tar.gz, or name an --endpoint."),
        (["--captured", ".", "--start", "yesterday"], "Argument --start: 'yesterday' is no time with its zone"),
    ],
)
def test_a_mistake_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    """On stderr, with code 1."""
    monkeypatch.chdir(tmp_path)  # what is captured here is looked for in all folders below
    assert monitor.main(flags, {}) == 1
    assert said in capsys.readouterr().err


def test_the_stated_rate_holds_for_all_tests_together(trained: Any, network: Network) -> None:
    """Of 20 windows of bricks as they were, no more raise an alarm than chance has once in ten thousand."""
    from monitoring.drift import FALSE_ALARMS, compare

    baseline = Baseline.read(trained.artifact / FOLDER)
    with np.load(trained.artifact / "code" / "network.npz") as content:
        hidden = HiddenLayers([content[name] for name in content.files][:-2])
    pixels = bricks(6, 20 * 50)
    alarms = 0
    for start in range(0, len(pixels), 50):
        window = Measurements.of(pixels[start : start + 50], network(pixels[start : start + 50]), hidden)
        alarms += any(test.drifted for test in compare(baseline, window))
    assert alarms <= 20 * FALSE_ALARMS + 3


def label(identifier: str, data: str) -> str:
    """A line of labels, as SageMaker's guide has it."""
    line = {"groundTruthData": {"data": data, "encoding": "CSV"}, "eventMetadata": {"eventId": identifier}}
    return json.dumps({**line, "eventVersion": "0"}) + "\n"


def test_labels_find_the_answers_of_this_run_and_of_earlier_ones(account: Account) -> None:
    """By number or name; one whose answer nobody knows counts for nothing, and one that is none is a sentence."""
    from monitoring.quality import right_answers

    place = f"s3://{BUCKET}/watched"
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    window: dict[str, Any] = {"start": hour, "end": hour + timedelta(hours=1)}
    file = f"watched/labels/{hour:%Y/%m/%d/%H}/ana.jsonl"
    account.put(file, (label("new", LABELS[3]) + label("old", "4") + label("nobody's", "4")).encode())
    account.put("watched/reports/earlier/answers.jsonl", b'{"id": "old", "class": 5}\n{"id": "other", "class": 4}\n')
    places: dict[str, Any] = {"labels": f"{place}/labels/", "reports": f"{place}/reports/"}
    assert right_answers(account.s3, answers={"new": 3}, **places, **window) == [True, False]
    account.put(file, label("new", "11").encode())
    with pytest.raises(ValueError, match="is no label; it needs groundTruthData"):
        right_answers(account.s3, answers={"new": 3}, **places, **window)


def test_holm_adjusts_by_rank() -> None:
    """The smallest by the number of tests, and never below one that is smaller."""
    from monitoring.drift import Comparison, holm

    tests = [
        Comparison(name=name, distance=0, p_value=p, words="", short="")
        for name, p in (("a", 0.01), ("b", 0.001), ("c", 0.011))
    ]
    assert [round(test.adjusted, 6) for test in holm(tests)] == [0.02, 0.003, 0.02]
