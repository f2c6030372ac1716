"""How the training went, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ("loss", "accuracy", "val_loss", "val_accuracy")


class History:
    """One dictionary an epoch in `epochs`, and one line an epoch in the log, which MetricDefinitions read."""

    def __init__(self, *, of: int) -> None:
        self.epochs: list[dict[str, float]] = []
        self._of = of

    def add(self, numbers: Mapping[str, float]) -> None:
        """Note and print the numbers of the next epoch."""
        self.epochs.append({name: float(numbers[name]) for name in _NAMES})
        shown = " ".join(f"{name}={value:.4f}" for name, value in self.epochs[-1].items())
        print(f"epoch={len(self.epochs)}/{self._of} {shown}", flush=True)
