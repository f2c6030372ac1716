"""The program in C++ compiles without a warning, where there is a compiler; it answers and refuses as the others."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bench.support import native
from inference import read_images

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

pytestmark = pytest.mark.skipif(not native.tools(), reason="there are no cmake and C++ compiler on the PATH")


@pytest.fixture(scope="module")
def score(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, compiled."""
    return native.compile_score(tmp_path_factory.mktemp("native"), "-Werror")


def refusal(score: Path, model: Path, pictures: Path) -> str:
    """Return the one line with which it refuses pictures."""
    done = subprocess.run([score, model, pictures], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    [*_, sentence] = done.stderr.splitlines()
    return sentence


@pytest.mark.parametrize("form", ["float32", "float64", "uint8"])
def test_it_answers_as_keras_does(score: Path, trained: Any, run_folder: Path, tmp_path: Path, form: str) -> None:
    """Ten probabilities a picture, none of which differs by more than 1e-5, of all test images."""
    import tensorflow as tf

    images: npt.NDArray[np.uint8] = np.load(run_folder / "training" / "lego-simple-test-images.npy")
    given = images if form == "uint8" else (images / np.float32(255)).astype(form)
    np.save(tmp_path / "pictures.npy", given)
    done = subprocess.run(
        [score, trained.artifact / "1", tmp_path / "pictures.npy"], capture_output=True, text=True, check=True
    )
    rows = np.array([json.loads(line) for line in done.stdout.splitlines()])
    model = tf.saved_model.load(str(trained.artifact / "1"))
    expected = model.serve(tf.constant(images / np.float32(255), tf.float32)).numpy()
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3, 48, 47), np.uint8),
        np.zeros((0, 48, 48), np.uint8),
        np.zeros((1, 48, 48), np.int64),
        np.full((1, 48, 48), np.nan, np.float32),
        np.linspace(-1, 255, 48 * 48).reshape(1, 48, 48),
    ],
    ids=["shape", "none", "type", "nan", "range"],
)
def test_it_refuses_in_the_endpoints_words(score: Path, trained: Any, tmp_path: Path, array: npt.NDArray[Any]) -> None:
    """Another shape or type, no picture, NaN, numbers beyond 1: the sentence is the endpoint's."""
    file = tmp_path / "pictures.npy"
    np.save(file, array)
    with pytest.raises(ValueError, match="it needs") as theirs:
        read_images(file.read_bytes(), "application/x-npy")
    ours, expected = refusal(score, trained.artifact / "1", file), str(theirs.value)
    # C++ has no names for NumPy's types but those in the file.
    assert ours == expected.replace("int64", "<i8")


@pytest.mark.parametrize("cut", [0, 5, 9, 60, 1000])
def test_a_file_cut_short_is_refused(score: Path, trained: Any, tmp_path: Path, cut: int) -> None:
    """Wherever it ends."""
    file = tmp_path / "pictures.npy"
    np.save(file, np.zeros((1, 48, 48), np.uint8))
    file.write_bytes(file.read_bytes()[:cut])
    assert refusal(score, trained.artifact / "1", file) == (
        "The body is not a whole .npy file of numbers, as numpy.save writes it."
    )
