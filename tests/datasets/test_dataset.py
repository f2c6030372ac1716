"""The default data set: what it holds, that it is the same each time, and that its cache can be trusted."""

from __future__ import annotations

import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import datasets
from cli import paths
from datasets.dataset import COUNTS, images, labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
FILES = [f"lego-simple-{split}-{part}.npy" for split in ("test", "train") for part in ("images", "labels")]


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "datasets", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder() -> Path:
    """The whole default set, as labs take it from the cache, whose key is the code that renders it."""
    return datasets.ensure(cache=paths.cache() / "datasets")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set small enough to make many times."""
    monkeypatch.setitem(COUNTS, "train", 20)
    monkeypatch.setitem(COUNTS, "test", 10)


def _load(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return np.load(folder / f"lego-simple-{split}-images.npy"), np.load(folder / f"lego-simple-{split}-labels.npy")


@pytest.mark.parametrize(("split", "count"), [("train", 6000), ("test", 1000)])
def test_files_have_the_lab_s_names_and_shapes(folder: Path, split: str, count: int) -> None:
    """Images are (n, 48, 48) and labels (n,), both uint8, with as many of each brick, in mixed order."""
    pictures, names = _load(folder, split)
    assert pictures.shape == (count, 48, 48)
    assert names.shape == (count,)
    assert pictures.dtype == names.dtype == np.dtype(np.uint8)
    assert np.bincount(names).tolist() == [count // 10] * 10
    assert (np.diff(names.astype(int)) != 0).mean() > 0.5


def test_no_image_is_in_both_parts(folder: Path) -> None:
    """The 7,000 images of the training and the test part are all different."""
    both = np.concatenate([_load(folder, split)[0] for split in ("train", "test")])
    assert len({picture.tobytes() for picture in both}) == len(both)


def test_background_is_dark_and_brick_is_bright(folder: Path) -> None:
    """Pictures are inverted: the table near 0 fills most of each, and a brick stands out from it."""
    pictures, _ = _load(folder, "train")
    assert np.median(pictures, axis=(1, 2)).max() < 60
    assert pictures.max(axis=(1, 2)).min() > 100


def test_bricks_can_be_told_apart(folder: Path) -> None:
    """Linear least squares on the pixels alone sorts more than 70 % of the test part (chance is 10 %)."""
    (train, names), (test, truth) = _load(folder, "train"), _load(folder, "test")
    pixels, unseen = (part.reshape(-1, 48, 48)[:, ::2, ::2].reshape(len(part), -1) / 255 for part in (train, test))
    weights, *_ = np.linalg.lstsq(np.c_[pixels, np.ones(len(pixels))], np.eye(10)[names], rcond=None)
    answers = (np.c_[unseen, np.ones(len(unseen))] @ weights).argmax(axis=1)
    assert (answers == truth).mean() > 0.7


@pytest.mark.usefixtures("few")
def test_the_command_writes_a_set_and_its_contact_sheet(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The set is the one that labs have; the sheet shows a row of pictures for each brick."""
    out, picture = tmp_path / "set", tmp_path / "sheet.png"
    monkeypatch.setattr(sys, "argv", ["datasets", "--out", str(out), "--sheet", str(picture)])
    runpy.run_module("datasets", run_name="__main__", alter_sys=True)
    assert "20 train images and 10 test images of 10 bricks (seed 0)" in capsys.readouterr().out
    np.testing.assert_array_equal(_load(out, "train")[0], _load(folder, "train")[0][:20])
    with Image.open(picture) as sheet:
        assert sheet.height == 10 * 96
        assert np.asarray(sheet).std() > 10


def test_same_seed_same_bytes(folder: Path) -> None:
    """An image depends on the seed, its split and its place, not on the process or on how many are made."""
    pictures, names = _load(folder, "train")
    np.testing.assert_array_equal(images("train", count=30), pictures[:30])
    np.testing.assert_array_equal(labels("train", count=33), names[:33])


def test_other_seed_other_images() -> None:
    """Another seed shuffles the bricks differently and takes other pictures."""
    assert (labels("train", count=40, seed=1) != labels("train", count=40, seed=2)).any()
    ours, theirs = images("train", count=10, seed=1), images("train", count=10, seed=2)
    assert (ours != theirs).any(axis=(1, 2)).all()


def test_labels_are_the_ten_bricks() -> None:
    """The public names are in the order of the labels."""
    assert datasets.LABELS[0] == "2x3 Brick"
    assert datasets.LABELS[7] == "Cog 16 Tooth"
    assert len(set(datasets.LABELS)) == 10


@pytest.mark.usefixtures("few")
def test_cache_is_filled_once(tmp_path: Path) -> None:
    """A second call answers with the same folder and leaves its files as they are."""
    folder = datasets.ensure(cache=tmp_path / "new" / "cache")
    assert sorted(path.name for path in folder.iterdir()) == FILES
    before = [path.stat().st_mtime_ns for path in sorted(folder.iterdir())]
    assert datasets.ensure(cache=tmp_path / "new" / "cache") == folder
    assert [path.stat().st_mtime_ns for path in sorted(folder.iterdir())] == before


@pytest.mark.usefixtures("few")
def test_each_seed_has_its_folder(tmp_path: Path) -> None:
    """Sets of two seeds lie side by side in one cache."""
    assert datasets.ensure(cache=tmp_path, seed=1) != datasets.ensure(cache=tmp_path, seed=2)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("few")
def test_two_at_once_both_succeed(tmp_path: Path) -> None:
    """Callers that make the same set at the same time get the same whole folder, and leave nothing else."""
    with ThreadPoolExecutor(4) as pool:
        folders = {call.result() for call in [pool.submit(datasets.ensure, cache=tmp_path) for _ in range(4)]}
    assert list(tmp_path.iterdir()) == list(folders)
    assert sorted(path.name for path in folders.pop().iterdir()) == FILES


@pytest.mark.usefixtures("few")
def test_interrupted_set_is_not_taken_for_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure halfway leaves no folder behind, and the next call makes the set."""
    save = np.save

    def full_disk(path: Path, array: NDArray[np.uint8]) -> None:
        if "test" in path.name:
            raise OSError(28, "No space left on device")
        save(path, array)

    with monkeypatch.context() as broken:
        broken.setattr(np, "save", full_disk)
        with pytest.raises(OSError, match="No space left"):
            datasets.ensure(cache=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert sorted(path.name for path in datasets.ensure(cache=tmp_path).iterdir()) == FILES


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["--out", "unused", "--seed", "-1"], "--seed: '-1' is not a whole number from 0 up"),
        (["--out", str(Path(__file__))], "cannot write there (File exists); name a folder you may write to"),
        ([], "--out"),
    ],
)
def test_command_says_what_is_wrong(arguments: list[str], rule: str) -> None:
    """A wrong argument is answered in a sentence, with exit status 2 and without a traceback."""
    done = _command(*arguments)
    assert done.returncode == 2
    assert rule in done.stderr
    assert "Traceback" not in done.stderr
