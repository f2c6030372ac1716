"""A dictionary that notes which of its keys somebody has asked for, or has set: of the others nothing can have changed.

What is large and grows for weeks, a group's log streams and the account's metrics, would else be looked at whole, to
find what is to be kept, after each of a million requests.
"""

from __future__ import annotations

from typing import Any, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class Noted(dict[_K, _V]):
    """The keys that were asked for, each by itself; who goes through all of it leaves no note."""

    def __init__(self, content: dict[_K, _V]) -> None:
        super().__init__(content)
        self._asked: set[_K] = {*content}
        self._recent: set[_K] = set()  # taken since the last round
        self._before: set[_K] = set()  # taken in the round before

    def asked(self, *, a_round: bool) -> set[_K]:
        """Return the keys asked for since the last time; `a_round`: in this round, which ends so, and the one before.

        What was asked for may be changed a little later.
        """
        asked, self._asked = self._asked, set()
        self._recent |= asked
        if not a_round:
            return asked
        asked = self._recent | self._before
        self._before, self._recent = self._recent, set()
        return asked

    def look_up(self, key: _K) -> _V | None:
        """Return a value, None if there is none, and leave no note."""
        return super().get(key)

    def __getitem__(self, key: _K) -> _V:
        self._asked.add(key)
        return super().__getitem__(key)

    def __setitem__(self, key: _K, value: _V) -> None:
        super().__setitem__(key, value)
        self._asked.add(key)

    def __delitem__(self, key: _K) -> None:
        super().__delitem__(key)
        self._asked.add(key)

    def get(self, key: _K, default: Any = None) -> Any:
        """Return a value, and note its key."""
        self._asked.add(key)
        return super().get(key, default)

    def setdefault(self, key: _K, default: Any = None) -> Any:
        """Return a value, set if there was none, and note its key."""
        self._asked.add(key)
        return super().setdefault(key, default)

    def pop(self, key: _K, *default: Any) -> Any:
        """Remove a value, and note its key."""
        self._asked.add(key)
        return super().pop(key, *default)

    def update(self, *others: Any, **more: Any) -> None:
        """Set many, and note their keys."""
        come = dict(*others, **more)
        super().update(come)
        self._asked |= come.keys()

    def clear(self) -> None:
        """Remove all, and note what there was."""
        self._asked |= self.keys()
        super().clear()
