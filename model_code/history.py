"""How the training went, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

NAMES = ("loss", "accuracy", "val_loss", "val_accuracy")

Epoch = dict[str, float]


class History:
    """One dictionary an epoch in `epochs`; each of `notes` is shown all of them after every epoch."""

    def __init__(
        self, *, epochs: Iterable[Epoch] = (), notes: Sequence[Callable[[Sequence[Epoch]], object]] = ()
    ) -> None:
        self.epochs = [*epochs]
        self._notes = notes

    def add(self, numbers: Mapping[str, float]) -> None:
        """Take down the numbers of the next epoch."""
        self.epochs.append({name: float(numbers[name]) for name in NAMES})
        for note in self._notes:
            note(self.epochs)


def print_line(epochs: Sequence[Epoch], *, of: int) -> None:
    """Print the last epoch's line, which MetricDefinitions read."""
    shown = " ".join(f"{name}={value:.4f}" for name, value in epochs[-1].items())
    print(f"epoch={len(epochs)}/{of} {shown}", flush=True)
