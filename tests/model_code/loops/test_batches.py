"""The order in which training sees the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from data import SIDE, Part

if TYPE_CHECKING:
    import numpy.typing as npt

    from loops.batches import TrainingBatches

COUNT = 50


def numbered() -> Part:
    """Images that are known by their first pixel, and labels that go with them."""
    images = np.zeros((COUNT, SIDE, SIDE), dtype=np.float32)
    images[:, 0, 0] = np.arange(COUNT)
    return Part(images=images, labels=np.arange(COUNT) % 10)


def make_batches(part: Part, *, batch_size: int, seed: int) -> TrainingBatches:
    """`TrainingBatches`, which TensorFlow is imported for."""
    from loops.batches import TrainingBatches

    return TrainingBatches(part, batch_size=batch_size, seed=seed)


def orders(training: TrainingBatches, *, epochs: int) -> list[npt.NDArray[np.float32]]:
    """The images' numbers in the order of each epoch."""
    seen = []
    for epoch in range(epochs):
        training.begin(epoch)
        seen.append(np.concatenate([images.numpy()[:, 0, 0] for images, _ in training.batches]))
    return seen


@pytest.mark.parametrize("batch_size", [1, 16, 50, 64])
def test_each_epoch_sees_each_image_once_with_its_label(batch_size: int) -> None:
    """Nothing is left out, seen twice or mistaken, whether or not the batches come out even."""
    training = make_batches(numbered(), batch_size=batch_size, seed=0)
    training.begin(0)
    batches = [(images.numpy()[:, 0, 0], labels.numpy()) for images, labels in training.batches]
    assert [len(labels) for _, labels in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert sorted(np.concatenate([images for images, _ in batches])) == list(range(COUNT))
    assert all((images % 10 == labels).all() for images, labels in batches)


def test_each_epoch_and_each_seed_has_an_order_of_its_own() -> None:
    """The network sees the images shuffled anew in every epoch, and differently with another seed."""
    part = numbered()
    both = [orders(make_batches(part, batch_size=16, seed=seed), epochs=3) for seed in (0, 2**32 - 1)]
    assert len({order.tobytes() for seen in both for order in seen}) == 6


def test_the_order_is_the_epochs_however_often_somebody_has_looked() -> None:
    """Iterators that were made before, and read or not, change nothing: `fit` makes such ones."""
    part = numbered()
    plain, looked = (make_batches(part, batch_size=16, seed=1) for _ in range(2))
    iter(looked.batches)
    next(iter(looked.batches))
    assert np.array_equal(orders(plain, epochs=3), orders(looked, epochs=3))
