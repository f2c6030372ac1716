"""How unlike the training images a picture is: bricks are known, what is none of them is not."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from data import read_channel
from inference import NetworkHandler
from network import Network
from novelty import FALSE_ALARMS, Novelty
from tests.model_code.test_inference import JSON, NPY, Context, npy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(trained: Any) -> Ask:
    """Ask the handler of the trained artifact."""
    code = trained.artifact / "code"
    handler = NetworkHandler(Network.read(code / "network.npz"), Novelty.read(code / "novelty.npz"))

    def call(pictures: npt.NDArray[np.float32], content_type: str = NPY) -> Any:
        rows = json.dumps({"instances": pictures.tolist()}).encode() if content_type == JSON else npy(pictures)
        answer, _ = handler(io.BytesIO(rows), Context(content_type))
        return json.loads(answer)["predictions"]

    return call


def _pictures_without_a_brick() -> npt.NDArray[np.float32]:
    across = np.tile(np.linspace(0, 1, 48, dtype=np.float32), (48, 1))
    noise = np.random.default_rng(0).random((5, 48, 48), np.float32)
    return np.stack([*noise, across, across.T, np.ones_like(across), np.zeros_like(across)])


def test_what_shows_no_brick_is_unknown(ask: Ask) -> None:
    """Noise, gradients, white and black: however sure the network is, the answer says that this is nothing it knows."""
    for prediction in ask(_pictures_without_a_brick()):
        assert prediction["novelty"] > 1
        assert prediction["known"] is False
        assert prediction["label"] in prediction["probabilities"]


def test_bricks_are_known(ask: Ask, trained: Any, run_folder: Path) -> None:
    """Images that the network was not trained with; its receipt says how many of such may be called unknown."""
    answered = ask(read_channel(run_folder / "training").test.images)
    assert np.mean([prediction["known"] for prediction in answered]) >= 1 - FALSE_ALARMS
    assert all((prediction["novelty"] <= 1) is prediction["known"] for prediction in answered)
    receipt = json.loads((trained.artifact / "receipt.json").read_text())
    assert receipt["novelty"]["false_alarms"] == FALSE_ALARMS


def test_tensorflow_servings_form_is_left_as_it_is(ask: Ask) -> None:
    """JSON gets ten probabilities a picture, and nothing else."""
    assert [len(row) for row in ask(_pictures_without_a_brick(), JSON)] == [10] * 9


@pytest.mark.parametrize(("images", "beyond"), [(5, 0), (298, 0), (1000, 4), (100_000, 948)])
def test_the_limit_is_as_careful_as_few_images_ask_for(images: int, beyond: int) -> None:
    """Of a thousand held-out images four may be unknown: then one in a hundred of all others is, at most (95 %)."""
    rng = np.random.default_rng(1)
    training = np.abs(rng.normal(size=(200, 2)).astype(np.float32))
    held_out = np.abs(rng.normal(size=(images, 2)).astype(np.float32))
    novelty = Novelty.fit(training, held_out)
    assert np.count_nonzero(novelty(held_out) > 1) == beyond


def test_a_layer_that_tells_nothing_makes_all_unknown_or_known_alike() -> None:
    """A network none of whose units answers has no directions: what is as empty as the training images is known."""
    nothing = np.zeros((20, 3), np.float32)
    novelty = Novelty.fit(nothing, nothing)
    assert novelty(nothing).max() <= 1
    assert np.isfinite(novelty(np.ones((1, 3), np.float32))).all()
