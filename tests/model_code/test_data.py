"""The channel: what is accepted, and the one sentence that refuses everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from data import FILES, read_channel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES


def rewrite(path: Path, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> None:
    """Save the file's array again, changed."""
    np.save(path, change(np.load(path)))


def refusal(channel: Path) -> str:
    """Return the sentence with which the channel is refused."""
    with pytest.raises(ValueError, match=r"^[^\n]*\.$") as caught:
        read_channel(channel)
    return str(caught.value)


def test_uint8_images_become_float32_shares_of_255(channel: Path) -> None:
    """The images arrive as float32 0..1 and the labels as int64."""
    stored = np.load(channel / TRAIN_IMAGES)
    train = read_channel(channel).train
    assert train.images.dtype == np.float32
    assert train.labels.dtype == np.int64
    np.testing.assert_array_equal(train.images, stored.astype(np.float32) / 255)


@pytest.mark.parametrize("dtype", ["f2", ">f2", "f4", ">f4", "f8", ">f8"])
def test_float_images_mean_the_same_as_uint8(channel: Path, dtype: str) -> None:
    """A channel of floats 0..1, of any precision and byte order, reads as the uint8 channel it was made from."""
    expected = read_channel(channel)
    for name in (TRAIN_IMAGES, TEST_IMAGES):
        rewrite(channel / name, lambda images: (images / 255).astype(dtype))
    found = read_channel(channel).test.images
    assert found.dtype == np.dtype("=f4")
    np.testing.assert_allclose(found, expected.test.images, rtol=0, atol=2.0**-11 if dtype.endswith("f2") else 0)


@pytest.mark.parametrize("dtype", ["i1", "u8", ">i2", ">i4", ">u8"])
def test_labels_of_every_integer_type_are_labels(channel: Path, dtype: str) -> None:
    """Width and byte order make no other number of a label."""
    expected = read_channel(channel)
    for name in (TRAIN_LABELS, TEST_LABELS):
        rewrite(channel / name, lambda labels: labels.astype(dtype))
    found = read_channel(channel).train.labels
    assert found.dtype == np.dtype("=i8")
    np.testing.assert_array_equal(found, expected.train.labels)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(channel: Path, name: str) -> None:
    """The refusal names the file, the folder and all four files."""
    (channel / name).unlink()
    message = refusal(channel)
    assert message.startswith(f"{name} is missing from {channel}; ")
    assert all(needed in message for needed in FILES)


@pytest.mark.parametrize(
    ("name", "change", "found"),
    [
        (TRAIN_IMAGES, lambda a: a[:, :47], "shape (400, 47, 48)"),
        (TRAIN_IMAGES, lambda a: a[0], "shape (48, 48)"),
        (TEST_IMAGES, lambda a: a[..., np.newaxis], "shape (100, 48, 48, 1)"),
        (TEST_IMAGES, lambda a: a.astype(np.int64), "int64 values"),
        (TEST_IMAGES, lambda a: a.astype(np.complex128), "complex128 values"),
        (TRAIN_IMAGES, lambda a: np.where(a == a.max(), np.nan, a / 255), "NaN"),
        (TRAIN_IMAGES, lambda a: np.where(a == a.max(), np.inf, a / 255), "infinite"),
        (TRAIN_IMAGES, lambda a: a.astype(np.float32), "values from 0 to 249"),
        (TRAIN_IMAGES, lambda a: a / 255 - 0.5, "values from -0.5 to"),
        (TRAIN_LABELS, lambda a: a[:, np.newaxis], "shape (400, 1)"),
        (TRAIN_LABELS, lambda a: a.astype(np.float64), "float64 values"),
        (TEST_LABELS, lambda a: a + 1, "labels from 1 to 10"),
        (TEST_LABELS, lambda a: a.astype(np.int16) - 1, "labels from -1 to 8"),
    ],
)
def test_a_bad_array_is_refused_in_one_sentence(
    channel: Path, name: str, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]], found: str
) -> None:
    """The refusal names the file, what was found and what is needed."""
    rewrite(channel / name, change)
    message = refusal(channel)
    assert message.startswith(f"{name} ")
    assert found in message
    assert "needs (n," in message


def test_counts_that_differ_are_refused(channel: Path) -> None:
    """The refusal names both files and both counts."""
    rewrite(channel / TEST_LABELS, lambda labels: labels[:-1])
    message = refusal(channel)
    assert f"{TEST_IMAGES} has 100 images and {TEST_LABELS} has 99 labels" in message


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS])
def test_an_empty_array_is_refused(channel: Path, name: str) -> None:
    """An array of no images or no labels is refused by its file's name."""
    rewrite(channel / name, lambda array: array[:0])
    assert refusal(channel).startswith(f"{name} ")


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS])
def test_a_pickle_is_refused_and_not_run(channel: Path, name: str) -> None:
    """An array of Python objects, which only pickle can read, is refused."""
    np.save(channel / name, np.array([{}], dtype=object), allow_pickle=True)
    message = refusal(channel)
    assert message.startswith(f"{name} is not a readable NumPy file (")
    assert "numpy.save" in message


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TRAIN_LABELS])
def test_a_file_that_is_no_whole_npy_is_refused(channel: Path, name: str) -> None:
    """A file cut short, an empty one, text, an archive and a folder are refused by the file's name."""
    path = channel / name
    whole = path.read_bytes()
    for content in (whole[:-1], whole[:50], b"", b"label\n1\n"):
        path.write_bytes(content)
        assert refusal(channel).startswith(f"{name} is not a readable NumPy file (")
    with path.open("wb") as file:
        np.savez(file, images=np.zeros(3))
    assert refusal(channel).startswith(f"{name} is not a readable NumPy file (")
    path.unlink()
    path.mkdir()
    assert refusal(channel).startswith(f"{name} is not a readable NumPy file (")
