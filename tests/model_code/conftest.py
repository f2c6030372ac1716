"""A small channel that any network can learn, and one artifact that train.py made of it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

ROOT = Path(__file__).parents[2]
MODEL_CODE = ROOT / "model_code"
# As in SageMaker's containers, where the source directory is on the path and no package.
sys.path.insert(0, str(MODEL_CODE))


@dataclass(frozen=True, kw_only=True)
class Run:
    """One finished process of train.py."""

    artifact: Path
    pictures: Path
    output: str


def make_part(rng: np.random.Generator, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Draw `count` pictures (n, 48, 48): each class a bright block in a place of its own on dark noise."""
    labels = (np.arange(count) % 10).astype(np.uint8)
    images = rng.integers(0, 20, (count, 48, 48), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 5)
        top, left = 6 + 20 * row + rng.integers(6), 2 + 9 * column + rng.integers(3)
        image[top : top + 10, left : left + 7] = rng.integers(200, 250)
    return images, labels


def write_channel(folder: Path) -> Path:
    """Write the lab's four files into `folder`: 400 training and 100 test images, equal in every call."""
    rng = np.random.default_rng(7)
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", 400), ("test", 100)):
        images, labels = make_part(rng, count)
        np.save(folder / f"lego-simple-{part}-images.npy", images)
        np.save(folder / f"lego-simple-{part}-labels.npy", labels)
    return folder


def make_environment(channel: Path, folder: Path) -> dict[str, str]:
    """Return SageMaker's variables for a training that leaves all in `folder`, which is made."""
    places = {"SM_MODEL_DIR": folder / "model", "SM_OUTPUT_DATA_DIR": folder / "data"}
    for path in places.values():
        path.mkdir(parents=True)
    return {"SM_CHANNEL_TRAINING": str(channel), **{name: str(path) for name, path in places.items()}}


def train(channel: Path, folder: Path, *flags: str, python: str = sys.executable, code: Path = MODEL_CODE) -> Run:
    """Run train.py of the folder `code` as a script, with SageMaker's environment and flags."""
    process = subprocess.run(
        [python, "-W", "error::UserWarning", str(code / "train.py"), *flags],
        env={**os.environ, **make_environment(channel, folder), "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return Run(artifact=folder / "model", pictures=folder / "data", output=process.stdout)


def fork_train(channel: Path, folder: Path, *flags: str) -> Run:
    """Train as `train` does, in a fork of a process with another hash seed."""
    from tests.model_code.forks import Training

    environment = make_environment(channel, folder)
    training = Training(*flags, environment=environment, errors=folder / "stderr")
    output = training.wait()
    assert training.code == 0, training.error
    return Run(artifact=folder / "model", pictures=folder / "data", output=output)


@pytest.fixture(scope="session")
def run_train() -> Callable[..., Run]:
    """`train`, above: runs train.py."""
    return train


@pytest.fixture(scope="session")
def run_fork() -> Callable[..., Run]:
    """`fork_train`, above: runs train.py in a fork."""
    return fork_train


@pytest.fixture(scope="session", autouse=True)
def tensorflow_as_in_a_training() -> Iterator[None]:
    """TensorFlow, imported here, adds up in the order in which train.py lets it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
        yield


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    """A channel of one's own, to spoil."""
    return write_channel(tmp_path / "training")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's training runs are."""
    return tmp_path_factory.mktemp("model_code")


@pytest.fixture(scope="session")
def trained(run_folder: Path) -> Run:
    """One training run, with hyperparameters as SageMaker's toolkit passes them."""
    return train(
        write_channel(run_folder / "training"),
        run_folder / "first",
        *("--epochs", "4", "--batch_size", "16", "--hidden_units", "32,16", "--seed", "5"),
        *("--learning_rate", "0.005", "--model_dir", "s3://bucket/job/model"),
    )
