"""A training that is interrupted, and goes on."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from checkpoints import Checkpoints, restore, state_of
from tests.model_code.conftest import make_environment
from tests.model_code.forks import Training

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import keras

FLAGS = ("--batch_size", "16", "--hidden_units", "32,16", "--seed", "5", "--learning_rate", "0.005")
EPOCHS = [{"loss": 0.5, "accuracy": 0.25, "val_loss": 1.5, "val_accuracy": 0.125}] * 3


@pytest.fixture
def network() -> keras.Model:
    """A network that could be trained."""
    from model import build, compile_model

    model = build((4,))
    compile_model(model, learning_rate=0.01)
    return model


def epochs_in(output: str) -> list[int]:
    """The numbers of the epochs that a log tells of."""
    return [int(number) for number in re.findall(r"^epoch=(\d+)/", output, re.MULTILINE)]


def test_an_interrupted_training_ends_as_one_that_was_not(
    trained: Any, run_folder: Path, run_fork: Callable[..., Any]
) -> None:
    """After SIGTERM the next run goes on: no epoch is lost or done twice, and all numbers are the same, bit for bit."""
    assert trained.artifact.is_dir()  # by then there is the channel, too
    channel, folder = run_folder / "training", run_folder / "interrupted"
    kept = folder / "checkpoints"
    flags = (*FLAGS, "--checkpoint_dir", str(kept))
    environment = make_environment(channel, folder / "first")
    # So many epochs that, as in the next run, XLA does not compile them.
    first = Training(*flags, "--epochs", "149", environment=environment, errors=folder / "stderr")
    before = next(line for line in first.output if line.startswith("epoch=3/"))
    first.terminate()
    before += first.wait()
    assert first.code == -signal.SIGTERM
    done = max(int(path.stem.removeprefix("epoch-")) for path in kept.glob("*.npz"))
    assert done >= epochs_in(before)[-1]

    last = ("--epochs", str(done + 2))
    resumed = run_fork(channel, folder / "next", *flags, *last)
    whole = run_fork(channel, run_folder / "uninterrupted", *FLAGS, *last)
    assert resumed.output.startswith(f"Going on after epoch {done} of {done + 2}, from epoch-{done:05}.npz.\n")
    assert epochs_in(resumed.output) == [done + 1, done + 2]
    for name in ("metrics.json", "receipt.json"):  # the receipt has the weights' hash
        assert (resumed.artifact / name).read_bytes() == (whole.artifact / name).read_bytes()


def test_what_was_kept_comes_back(tmp_path: Path, network: keras.Model) -> None:
    """Weights, the optimizer's variables and the history are as they were."""
    network.optimizer.iterations.assign(7)
    checkpoints = Checkpoints(tmp_path, identity="one")
    checkpoints.save(network, EPOCHS)
    before = state_of(network)
    restore(network, [np.zeros_like(array) for array in before])
    found = Checkpoints(tmp_path, identity="one").latest(epochs=3)
    assert found is not None
    assert found.epochs == EPOCHS
    restore(network, found.arrays)
    assert all(np.array_equal(one, other) for one, other in zip(state_of(network), before, strict=True))
    assert int(network.optimizer.iterations) == 7


def test_a_damaged_file_is_passed_over(
    tmp_path: Path, network: keras.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one before it is kept for that, and none older; half a file under another name is nothing at all."""
    checkpoints = Checkpoints(tmp_path, identity="one")
    for count in (1, 2, 3):
        checkpoints.save(network, EPOCHS[:count])
    whole = tmp_path / "epoch-00003.npz"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-00002.npz", whole.name]
    whole.write_bytes(whole.read_bytes()[:1000])
    (tmp_path / "epoch-00004.tmp").write_bytes(b"half")
    found = checkpoints.latest(epochs=3)
    assert found is not None
    assert found.epochs == EPOCHS[:2]
    assert "Passed over epoch-00003.npz, which is damaged" in capsys.readouterr().out


def test_another_training_s_checkpoint_is_passed_over(
    tmp_path: Path, network: keras.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other hyperparameters, data or code make another training, which begins anew and says so; more epochs do not."""
    Checkpoints(tmp_path, identity="one").save(network, EPOCHS)
    assert Checkpoints(tmp_path, identity="other").latest(epochs=3) is None
    assert "it is of other data, code or hyperparameters" in capsys.readouterr().out
    assert Checkpoints(tmp_path, identity="one").latest(epochs=4) is not None
    assert Checkpoints(tmp_path, identity="one").latest(epochs=2) is None
