"""The measurements of `./lab bench drift`, in the container's Python: prints what it found as JSON in its last line.

    python drift.py DATA FOLDER SAMPLES IMAGES REQUESTS

DATA is the lab's training channel; FOLDER has images.npy and labels.npy, bricks of which the samples are, and gets all
else. model_code/ is on the path.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import tarfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

import monitor
from monitoring import baseline
from monitoring.drift import FALSE_ALARMS, compare
from monitoring.measurements import Measurements
from network import HiddenLayers, Network

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Array = npt.NDArray[np.float32]

_AT_EACH = 5  # samples at each size of a shift
_MODEL_CODE = Path(monitor.__file__).parent


def main(data: Path, folder: Path, samples: int, images: int, requests: int) -> None:
    """Train, measure, print."""
    artifact = _train(data, folder)
    with np.load(artifact / "code" / "network.npz") as content:
        weights = [content[name] for name in content.files]
    network, hidden = Network(weights), HiddenLayers(weights[:-2])
    expected = baseline.Baseline.read(artifact / baseline.FOLDER)
    pixels: Array = np.divide(np.load(folder / "images.npy"), 255, dtype=np.float32)
    labels = np.load(folder / "labels.npy")
    random = np.random.default_rng(1)
    order = random.permutation(len(pixels))

    def alarms(change: Callable[[Array], Array], count: int, chosen: npt.NDArray[np.int64] = order) -> int:
        found = 0
        for number in range(count):
            sample = change(pixels[chosen[number * images : (number + 1) * images]])
            tests = compare(expected, Measurements.of(sample, network(sample), hidden))
            found += any(test.drifted for test in tests)
        return found

    false = alarms(lambda sample: sample, samples)
    # So many that a rate as stated would have more only once in a thousand benches.
    allowed = int(stats.binom.ppf(0.999, samples, FALSE_ALARMS))
    shifts = [{"shift": "none", "size": "", "alarms": f"{false} of {samples}, {allowed} at most"}]
    smallest, all_found = {}, True
    for name, sizes, change in _shifts(random):
        for size in sizes:
            found = alarms(lambda sample, size=size, change=change: change(sample, size), _AT_EACH)  # type: ignore[misc]  # bound
            shifts.append({"shift": name, "size": f"{size:g}", "alarms": f"{found} of {_AT_EACH}"})
            all_found = all_found and (size != sizes[0] or found == _AT_EACH)
            if 2 * found < _AT_EACH:
                break
            smallest[name] = f"{size:g}"
    for share in (1.0, 0.5, 0.3, 0.2, 0.15, 0.1, 0.05):
        mixed = _of_one_class(labels, share, images, random)
        found = alarms(lambda sample: sample, _AT_EACH, mixed)
        shifts.append({"shift": "one class", "size": f"{share:.0%}", "alarms": f"{found} of {_AT_EACH}"})
        all_found = all_found and (share < 1 or found == _AT_EACH)
        if 2 * found < _AT_EACH:
            break
        smallest["one class"] = f"{share:.0%}"
    seconds, megabytes = _timed(folder, artifact, pixels, network, requests)
    print(
        json.dumps(
            {
                "shifts": shifts,
                "smallest": smallest,
                "as_stated": false <= allowed and all_found,
                "requests": requests,
                "seconds": seconds,
                "megabytes": megabytes,
            }
        )
    )


def _shifts(random: np.random.Generator) -> list[tuple[str, tuple[float, ...], Callable[[Array, float], Array]]]:
    """Return what is done to images, with sizes from large to small."""

    def noisier(sample: Array, size: float) -> Array:
        noisy: Array = np.clip(sample + random.normal(0, size, sample.shape), 0, 1).astype(np.float32)
        return noisy

    def paler(sample: Array, size: float) -> Array:
        middle = sample.mean(axis=(1, 2), keepdims=True)
        pale: Array = (middle + (sample - middle) * (1 - size)).astype(np.float32)
        return pale

    return [
        ("darker by", (0.5, 0.3, 0.2, 0.1, 0.05, 0.02), lambda sample, size: sample * np.float32(1 - size)),
        ("contrast less by", (0.5, 0.3, 0.2, 0.1, 0.05, 0.02), paler),
        ("noise", (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002), noisier),
    ]


def _of_one_class(
    labels: npt.NDArray[np.uint8], share: float, images: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return numbers of images, of which so many in each sample are of class 0, the others of any class."""
    ones, count = np.flatnonzero(labels == 0), round(share * images)
    samples = [
        np.concatenate([random.choice(ones, count), random.choice(len(labels), images - count)])
        for _ in range(_AT_EACH)
    ]
    return np.concatenate(samples)


def _train(data: Path, folder: Path) -> Path:
    places = {"SM_MODEL_DIR": folder / "model", "SM_OUTPUT_DATA_DIR": folder / "pictures"}
    for place in places.values():
        place.mkdir()
    subprocess.run(
        [sys.executable, str(_MODEL_CODE / "train.py"), "--epochs", "10"],
        env={**os.environ, "SM_CHANNEL_TRAINING": str(data), **{name: str(path) for name, path in places.items()}},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return places["SM_MODEL_DIR"]


def _timed(folder: Path, artifact: Path, pixels: Array, network: Network, requests: int) -> tuple[float, float]:
    """Return the seconds of a whole run of monitor.py over so many captured arrays, and the megabytes of these."""
    captured = folder / "captured" / "endpoint" / "AllTraffic" / "2026" / "11" / "30" / "13"
    captured.mkdir(parents=True)
    probabilities = network(pixels)
    with (captured / "00-00-000.jsonl").open("w") as file:
        for number in range(requests):
            index = number % len(pixels)
            file.write(_line(pixels[index], probabilities[index]))
    packed = folder / "model.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(artifact, ".")
    flags = {"--captured": folder / "captured", "--model": packed, "--output": folder / "report"}
    started = time.monotonic()
    subprocess.run(
        [sys.executable, str(_MODEL_CODE / "monitor.py"), *(str(word) for pair in flags.items() for word in pair)],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - started, (captured / "00-00-000.jsonl").stat().st_size / 1e6


def _line(image: Array, probabilities: Array) -> str:
    from data import LABELS  # noqa: PLC0415 - of model_code

    body = io.BytesIO()
    np.save(body, np.round(image * 255).astype(np.uint8))
    answer = {"predictions": [{"probabilities": dict(zip(LABELS, probabilities.tolist(), strict=True))}]}
    sides = {
        "endpointInput": {
            "observedContentType": "application/x-npy",
            "mode": "INPUT",
            "data": base64.b64encode(body.getvalue()).decode(),
            "encoding": "BASE64",
        },
        "endpointOutput": {
            "observedContentType": "application/json",
            "mode": "OUTPUT",
            "data": json.dumps(answer),
            "encoding": "JSON",
        },
    }
    metadata = {"eventId": str(uuid.uuid4()), "inferenceTime": "2026-11-30T13:00:00Z"}
    return json.dumps({"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"}) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
