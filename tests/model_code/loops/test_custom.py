"""The training loop written out, against `fit`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from checkpoints import History
from data import read_channel
from hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

# As the fixture `trained`, but for the loop.
FLAGS = ("--epochs", "4", "--batch_size", "16", "--hidden_units", "32,16", "--seed", "5", "--learning_rate", "0.005")

# Both loops do the same arithmetic on the same batches: on a CPU they agree bit for bit. Additions in another order
# differ by 1e-7 a step, which a hundred steps of Adam magnify; another order of the images differs by 1e-1.
HISTORY_TOLERANCE, WEIGHT_TOLERANCE = 1e-4, 1e-3


SETTINGS: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 48,
    "learning_rate": 0.01,
    "hidden_units": (8,),
    "seed": 3,
    "loop": "custom",
    "backend": "tensorflow",
}


def new_model(settings: Hyperparameters) -> Any:
    """The network that the settings ask for, compiled."""
    from model import build, compile_model

    model = build(settings.hidden_units)
    compile_model(model, learning_rate=settings.learning_rate)
    return model


def learnt(fit: Callable[..., None], channel: Path, batch_size: int) -> tuple[Any, Any]:
    """History and weights of three epochs by this loop, in this process; last, how it judges the training images."""
    from model import make_deterministic

    settings = Hyperparameters(**(SETTINGS | {"batch_size": batch_size}))
    make_deterministic(settings.seed)
    model = new_model(settings)
    images = read_channel(channel)
    fit(model, images, settings, history := History())
    judged = model.evaluate(images.train.images, images.train.labels, verbose=0, return_dict=True)
    return [*history.epochs, judged], model.get_weights()


def assert_equal(one: tuple[Any, Any], other: tuple[Any, Any], *, history: float, weights: float) -> None:
    """Two trainings went the same way, within these tolerances."""
    for ours, theirs in zip(one[0], other[0], strict=True):
        assert ours == pytest.approx(theirs, abs=history)
    for ours, theirs in zip(one[1], other[1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=weights)


def load(run: Any, name: str) -> Any:
    """Read one of the artifact's JSON files."""
    return json.loads((run.artifact / name).read_text(encoding="utf-8"))


def saved_weights(run: Any) -> list[npt.NDArray[np.float32]]:
    """The layers' weights in the SavedModel, first to last."""
    import tensorflow as tf

    checkpoint = tf.train.load_checkpoint(str(run.artifact / "1/variables/variables"))
    names = [name for name in checkpoint.get_variable_to_shape_map() if name.startswith("variables/")]
    return [checkpoint.get_tensor(name) for name in sorted(names)]


def files_below(folder: Path) -> set[str]:
    """Return the files' paths, relative to the folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def custom(trained: Any, run_folder: Path, run_train: Callable[..., Any]) -> Any:
    """One training run by the custom loop, on the data and with the seed of `trained`."""
    assert trained.artifact.is_dir()  # by then there is the channel, too
    return run_train(run_folder / "training", run_folder / "custom", *FLAGS, "--loop", "custom")


def test_it_learns_what_fit_learns(trained: Any, custom: Any) -> None:
    """The same losses and accuracies in each epoch and at the end, and the same weights, within the tolerances."""
    ours, theirs = load(custom, "metrics.json"), load(trained, "metrics.json")
    assert len(ours["history"]) == 4
    for epoch, other in zip(ours["history"], theirs["history"], strict=True):
        assert epoch == pytest.approx(other, abs=HISTORY_TOLERANCE)
    assert ours["test_loss"] == pytest.approx(theirs["test_loss"], abs=HISTORY_TOLERANCE)
    assert ours["confusion_matrix"] == theirs["confusion_matrix"]
    weights, others = saved_weights(custom), saved_weights(trained)
    assert len(weights) == 6
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=WEIGHT_TOLERANCE)


def test_it_leaves_what_fit_leaves(trained: Any, custom: Any) -> None:
    """The same files, and the same lines in the log but for their numbers: nobody downstream sees which loop it was."""
    assert files_below(custom.artifact) == files_below(trained.artifact)
    assert files_below(custom.pictures) == files_below(trained.pictures)
    log, other = (re.sub(r"\d+\.\d+", "#", run.output) for run in (custom, trained))
    assert log == other


def test_the_receipt_says_which_loop_it_was(trained: Any, custom: Any) -> None:
    """The two receipts differ in the hyperparameter: code, data, versions and the other hyperparameters are equal."""
    ours, theirs = load(custom, "receipt.json"), load(trained, "receipt.json")
    assert ours["hyperparameters"] == {**theirs["hyperparameters"], "loop": "custom"}
    assert all(ours[name] == theirs[name] for name in ("code_sha256", "data_sha256", "versions", "seed"))


def test_equal_runs_give_equal_artifacts(custom: Any, run_folder: Path, run_fork: Callable[..., Any]) -> None:
    """A second process, with another hash seed, gives the same weights bit for bit and the same JSON files."""
    again = run_fork(run_folder / "training", run_folder / "custom-again", *FLAGS, "--loop", "custom")
    assert again.output == custom.output
    for name in ("metrics.json", "receipt.json"):  # the receipt has the weights' hash
        assert (again.artifact / name).read_bytes() == (custom.artifact / name).read_bytes()


@pytest.mark.parametrize("batch_size", [48, 1000])
def test_a_batch_that_is_not_full_counts_as_in_fit(channel: Path, batch_size: int) -> None:
    """400 images in batches of 48 leave one of 16; in one that is too large for all of them, they are one step."""
    from loops import custom, fit

    outcomes = [learnt(loop.fit, channel, batch_size) for loop in (fit, custom)]
    assert_equal(*outcomes, history=HISTORY_TOLERANCE, weights=WEIGHT_TOLERANCE)
