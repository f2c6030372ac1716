"""The setting `lab.endpoint_instances`: how many instances the endpoint has, or between which numbers it is scaled."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"(\d{1,4})(?:\s*-\s*(\d{1,4}))?")
_MOST = 100
_RULE = f'must be a number of instances, or a least and a most with a hyphen, as in "1-4"; at least 1, at most {_MOST}'


@dataclass(frozen=True)
class InstanceRange:
    """A least and a most number of instances; the endpoint begins with the least."""

    least: int
    most: int

    def __str__(self) -> str:
        """Return it as a user writes it."""
        return f"{self.least}-{self.most}" if self.is_scaled else str(self.least)

    @property
    def is_scaled(self) -> bool:
        """Return whether the number changes with the load."""
        return self.least < self.most


def parse(value: object) -> InstanceRange:
    """Read what a user wrote. Raises ValueError with the rule."""
    if isinstance(value, InstanceRange):
        return value
    found = None if isinstance(value, bool) else _FORM.fullmatch(str(value).strip())
    if not found:
        raise ValueError(_RULE)
    least = int(found[1])
    most = int(found[2] or least)
    if not 1 <= least <= most <= _MOST:
        raise ValueError(_RULE)
    return InstanceRange(least, most)
