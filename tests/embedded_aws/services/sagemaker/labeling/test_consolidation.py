"""Several people's labels become one: who is often wrong counts for less."""

from __future__ import annotations

import random

import pytest

from embedded_aws.services.sagemaker.labeling.consolidation import consolidate

CLASSES = 10


def test_the_majority_has_it_where_nobody_is_known() -> None:
    """Two against one."""
    [(label, confidence)] = consolidate([{"a": 3, "b": 3, "c": 5}], CLASSES)
    assert label == 3
    assert 0.5 < confidence < 1


def test_who_is_always_wrong_does_not_outvote_who_is_right() -> None:
    """Two who press one key all day lose, over enough objects, to two who look."""
    truths = [number % CLASSES for number in range(60)]
    votes = [{"good": true, "fair": true, "lazy": 0, "other": 0} for true in truths]
    assert [label for label, _ in consolidate(votes, CLASSES)] == truths


@pytest.mark.parametrize("seed", range(3))
def test_three_of_80_percent_are_better_together(seed: int) -> None:
    """Of three who are right in four of five, what they say together is right in nine of ten."""
    generator = random.Random(seed)  # noqa: S311 - nothing is secret
    truths = [generator.randrange(CLASSES) for _ in range(400)]

    def say(true: int) -> int:
        return true if generator.random() < 0.8 else generator.randrange(CLASSES)

    votes = [{name: say(true) for name in "abc"} for true in truths]
    found = [label for label, _ in consolidate(votes, CLASSES)]
    assert sum(map(int.__eq__, found, truths)) / len(truths) > 0.9
