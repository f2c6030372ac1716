"""Grid: every combination of categorical values, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedded_aws.services.sagemaker.tuning.search import space as spaces
from embedded_aws.services.sagemaker.tuning.search.search import Proposal

if TYPE_CHECKING:
    from collections.abc import Sequence


class Grid:
    """The combinations in the order in which the values were given."""

    def __init__(self, space: tuple[spaces.Parameter, ...]) -> None:
        self._rest = spaces.combinations(space)

    def ask(self) -> Proposal | None:
        """The next combination, none of those before; None if there are no more."""
        values = next(self._rest, None)
        return None if values is None else Proposal(values)

    def overtaken(self, proposal: Proposal, values: Sequence[float]) -> bool:
        """Never: each combination is tried to its end."""
        del proposal, values
        return False

    def tell(self, proposal: Proposal, value: float | None) -> None:
        """Nothing is learnt."""

    def learn(self, values: dict[str, str], value: float) -> None:
        """Nothing is learnt."""
