"""Texts with wildcards, such as the ARNs of a policy, compared with the forms that AWS publishes."""

from __future__ import annotations

from functools import cache

# What stands for something that only a deployment knows; no ARN has these signs.
ANYTHING = "…"
NAME = "‥"  # at least one sign, and no slash or colon

_ONE = "\0"  # one sign of a name
_WILD = {"*", ANYTHING, NAME}


@cache
def overlap(one: str, other: str) -> bool:
    """Tell whether some text is matched by both. `*` and `…` are any text or none, `‥` is a name."""
    one, other = (text.replace(NAME, _ONE + NAME) for text in (one, other))
    first, second = _literal(one), _literal(other)
    shorter = min(len(first), len(second))
    if first[:shorter] != second[:shorter]:  # most are told apart by this, at once
        return False
    # Whether each beginning of `other` overlaps with the part of `one` that was looked at so far.
    reached = [True]
    for theirs in other:
        reached.append(reached[-1] and theirs in _WILD)
    for ours in one:
        ahead = [reached[0] and ours in _WILD]
        for at, theirs in enumerate(other):
            ahead.append(
                (reached[at] and _same(ours, theirs))
                # A wildcard is empty, or goes on over the other's sign.
                or (ours in _WILD and (reached[at + 1] or (ahead[at] and _takes(ours, theirs))))
                or (theirs in _WILD and (ahead[at] or (reached[at + 1] and _takes(theirs, ours))))
            )
        reached = ahead
    return reached[-1]


def _same(one: str, other: str) -> bool:
    return one == other or (one == _ONE and other not in "/:") or (other == _ONE and one not in "/:")


def _takes(wildcard: str, sign: str) -> bool:
    return wildcard != NAME or sign not in "/:"


def _literal(glob: str) -> str:
    """Return what it begins with, up to its first wildcard."""
    ends = [at for wild in (*_WILD, _ONE) if (at := glob.find(wild)) >= 0]
    return glob[: min(ends)] if ends else glob
