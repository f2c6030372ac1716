"""What a training has done so far: its history, and the checkpoints that an interrupted one goes on from.

A checkpoint has weights, the optimizer's state and the history, after every epoch. On SageMaker the folder is
/opt/ml/checkpoints, which CheckpointConfig copies to S3 while the job runs, and back before it starts anew. A file is
whole or absent: it gets its name after it has been written; a damaged one is passed over.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import keras
    import numpy.typing as npt

NAMES = ("loss", "accuracy", "val_loss", "val_accuracy")

Epoch = dict[str, float]
"""The numbers of one epoch, by those names."""

_KEPT = 2  # the last, and the one before it, for the last may be damaged


class History:
    """How a training went: one dictionary an epoch in `epochs`.

    Each of `on_epoch_end` is called with all of them after every epoch, in order, as a callback of Keras would be.
    """

    def __init__(
        self, *, epochs: Iterable[Epoch] = (), on_epoch_end: Sequence[Callable[[Sequence[Epoch]], object]] = ()
    ) -> None:
        self.epochs = [*epochs]
        self._on_epoch_end = on_epoch_end

    def add(self, numbers: Mapping[str, float]) -> None:
        """Take down the numbers of the next epoch."""
        self.epochs.append({name: float(numbers[name]) for name in NAMES})
        for callback in self._on_epoch_end:
            callback(self.epochs)


def print_line(epochs: Sequence[Epoch], *, of: int) -> None:
    """Print the last epoch's line, which MetricDefinitions read."""
    shown = " ".join(f"{name}={value:.4f}" for name, value in epochs[-1].items())
    print(f"epoch={len(epochs)}/{of} {shown}", flush=True)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """`arrays` are the state after the last of `epochs`."""

    epochs: list[Epoch]
    arrays: list[npt.NDArray[Any]]


def state_of(model: keras.Model) -> list[npt.NDArray[Any]]:
    """Return all that training changes: weights, then the optimizer's variables."""
    return [variable.numpy() for variable in _variables(model)]


def restore(model: keras.Model, arrays: Sequence[npt.NDArray[Any]]) -> None:
    """Put `state_of` back."""
    for variable, array in zip(_variables(model), arrays, strict=True):
        variable.assign(array)


def _variables(model: keras.Model) -> list[Any]:
    return [*model.weights, *model.optimizer.variables]


class Checkpoints:
    """The checkpoints in a folder of one and the same training, which `identity` stands for."""

    def __init__(self, folder: Path, *, identity: str) -> None:
        self._folder, self._identity = folder, identity
        folder.mkdir(parents=True, exist_ok=True)

    def latest(self, *, epochs: int) -> Checkpoint | None:
        """Return the newest whole one of at most so many epochs.

        Prints a line for each that is passed over because it is damaged or another training's.
        """
        for path in reversed(self._files()):
            checkpoint = self._read(path)
            if checkpoint and len(checkpoint.epochs) <= epochs:
                print(f"Going on after epoch {len(checkpoint.epochs)} of {epochs}, from {path.name}.", flush=True)
                return checkpoint
        return None

    def save(self, model: keras.Model, epochs: Sequence[Epoch]) -> None:
        """Keep the state after the last of these epochs; when this returns, it is on the disk."""
        about = json.dumps({"identity": self._identity, "epochs": [*epochs]})
        path = self._folder / f"epoch-{len(epochs):05}.npz"
        written = path.with_suffix(".tmp")
        with written.open("wb") as file:
            np.savez(file, *state_of(model), about=np.array(about))
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
        _sync(self._folder)
        for old in self._files()[:-_KEPT]:
            old.unlink()

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("epoch-*.npz"))

    def _read(self, path: Path) -> Checkpoint | None:
        try:
            with path.open("rb") as file, np.load(file) as content:
                about = json.loads(str(content["about"]))
                arrays = [content[f"arr_{number}"] for number in range(len(content.files) - 1)]
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            print(f"Passed over {path.name}, which is damaged ({error}).", flush=True)
            return None
        if about["identity"] != self._identity:
            print(f"Passed over {path.name}: it is of other data, code or hyperparameters.", flush=True)
            return None
        return Checkpoint(epochs=about["epochs"], arrays=arrays)


def _sync(folder: Path) -> None:
    """Make the names in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
