"""What a tuning job asks of a strategy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False)
class Proposal:
    """A combination to try, as a training job's hyperparameters; `token` is the strategy's own."""

    values: dict[str, str]
    token: Any = None


class Search(Protocol):
    """A strategy at work on one tuning job. To be used by one thread."""

    def ask(self) -> Proposal | None:
        """The next combination, none of those before; None if there are no more."""

    def overtaken(self, proposal: Proposal, values: Sequence[float]) -> bool:
        """Whether the strategy itself ends a trial, now that its objective has had these values, one an epoch."""

    def tell(self, proposal: Proposal, value: float | None) -> None:
        """The trial has ended with this objective, or with none."""

    def learn(self, values: dict[str, str], value: float) -> None:
        """Take in a trial of an earlier tuning job; one that lies outside of the space is left out."""
