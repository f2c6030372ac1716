"""The setting `lab.rollout`: how an update's traffic moves to the endpoint's new instances.

Sources: SageMaker's guide, "Deployment guardrails" and its pages on all at once, canary and linear traffic shifting;
botocore's BlueGreenUpdatePolicy and TrafficRoutingConfig for the bounds. Not compared with AWS: a size that comes to
less than one instance, which a percentage of one instance always does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil

ALL_AT_ONCE, CANARY, LINEAR = "all-at-once", "canary", "linear"
# Type -> the least and the most per cent of a step. Source: botocore, TrafficRoutingConfig.
_BOUNDS = {CANARY: (1, 50), LINEAR: (10, 50)}
# As CodeDeploy names them: Canary10Percent5Minutes, Linear10PercentEvery1Minute.
_USUAL = {CANARY: (10, 300), LINEAR: (10, 60)}
_SHORTEST_WAIT, _LONGEST_WAIT = 60, 3600  # seconds: an alarm looks at whole minutes; botocore, WaitIntervalInSeconds
_START_SECONDS = 1800  # for the new instances, before any traffic moves
_SHORTEST_LIMIT, _LONGEST_LIMIT = 600, 28_800  # botocore, MaximumExecutionTimeoutInSeconds
_SIZE, _WAIT = re.compile(r"(\d{1,4})%?"), re.compile(r"(\d{1,6})s?")
_FORMS = (
    'must be "all-at-once", "canary" or "linear", the latter two with a size and the seconds of a wait if you like, as '
    'in "canary:10%:300"'
)


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """A type of traffic shifting; `percent` of the instances in a step, `wait` seconds after each and at the end."""

    type: str
    percent: int = 100
    wait: int = 0

    def __str__(self) -> str:
        """Return it as a user writes it."""
        step = [] if self.type == ALL_AT_ONCE else [f"{self.percent}%"]
        return ":".join([self.type, *step, *([str(self.wait)] if self.wait else [])])

    @property
    def bakes(self) -> bool:
        """Return whether alarms are looked at while the old instances are still there."""
        return self.wait > 0

    @property
    def seconds(self) -> int:
        """Return how long all waits take together: after each step, the last of which is followed by a final bake."""
        steps = {ALL_AT_ONCE: 0, CANARY: 1}.get(self.type, ceil(100 / self.percent) - 1)
        return (steps + 1) * self.wait

    @property
    def limit(self) -> int:
        """Return after how many seconds SageMaker is to give an update up and roll it back."""
        return max(_SHORTEST_LIMIT, self.seconds + _START_SECONDS)


def parse(value: object) -> Rollout:
    """Read what a user wrote, such as "canary:10%:300". Raises ValueError with the rule."""
    if isinstance(value, Rollout):
        return value
    kind, *rest = (part.strip() for part in str(value).split(":"))
    if kind == ALL_AT_ONCE:
        return _all_at_once(rest)
    if kind not in _BOUNDS or len(rest) > 2:  # noqa: PLR2004 - size and wait
        raise ValueError(_FORMS)
    percent, wait = _USUAL[kind]
    rollout = Rollout(
        type=kind,
        percent=_size(kind, rest[0]) if rest else percent,
        wait=_wait(rest[1]) if rest[1:] else wait,
    )
    if rollout.limit > _LONGEST_LIMIT:
        raise ValueError(
            f"must come to less: its waits take {rollout.seconds} s together, and with {_START_SECONDS} s for the new "
            f"instances' start that is more than the {_LONGEST_LIMIT} s that SageMaker gives an update"
        )
    return rollout


def _all_at_once(rest: list[str]) -> Rollout:
    if len(rest) > 1:
        raise ValueError('must be "all-at-once" without a size, with the seconds of a wait at most: "all-at-once:300"')
    return Rollout(type=ALL_AT_ONCE, wait=_wait(rest[0]) if rest else 0)


def _size(kind: str, text: str) -> int:
    least, most = _BOUNDS[kind]
    found = _SIZE.fullmatch(text)
    if found is None or not least <= int(found[1]) <= most:
        raise ValueError(f"must have a size between {least}% and {most}%, as SageMaker asks of a {kind} step")
    return int(found[1])


def _wait(text: str) -> int:
    found = _WAIT.fullmatch(text)
    if found is None or not _SHORTEST_WAIT <= int(found[1]) <= _LONGEST_WAIT:
        raise ValueError(
            f"must wait between {_SHORTEST_WAIT} and {_LONGEST_WAIT} seconds: alarms look at whole minutes, and "
            "SageMaker waits for an hour at most"
        )
    return int(found[1])
