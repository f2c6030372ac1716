"""The pictures of bricks beside their names."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import labelling
from datasets import LABELS
from datasets.dataset import images, labels

SIDE = 144  # pixels: three times the network's


@pytest.mark.parametrize("number", range(len(LABELS)))
def test_each_brick_has_its_render(number: int) -> None:
    """It is the data set's first image of the brick, enlarged."""
    place = int((labels("train", count=len(LABELS)) == number).argmax())  # every ten in a row are the ten bricks
    rendered = Image.fromarray(images("train", count=place + 1)[place])
    [folder] = labelling.__path__
    with Image.open(f"{folder}/static/bricks/{number}.png") as there:
        expected = rendered.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        assert np.abs(np.asarray(there, float) - np.asarray(expected, float)).max() <= 1
