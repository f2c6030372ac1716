"""One label out of several workers' for an image: what AWS's `ACS-ImageMultiClass` is for.

It "uses a variant of the Expectation Maximization approach", "estimates parameters for each worker and uses Bayesian
inference to estimate the true class" (SageMaker's guide, "Annotation consolidation"); a single worker's label has the
confidence 0.00 ("Confidence score"). Here that is Dawid and Skene's model: a matrix for each worker of what they say
when a class is true, with a prior that takes them for better than chance, and the classes' frequencies. Not compared
with AWS: the variant, and so the numbers.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROUNDS = 50
_ENOUGH = 1e-4
_RIGHT, _WRONG = 4.0, 1.0  # the prior: how often each worker has been right, and wrong, beforehand


def consolidate(votes: Sequence[Mapping[str, int]], classes: int) -> list[tuple[int, float]]:
    """Return the class and its confidence for each object, by what each worker said of it; each has a vote."""
    beliefs = [_shares(each, classes) for each in votes]
    for _ in range(_ROUNDS):
        prior = _prior(beliefs, classes)
        said = _matrices(votes, beliefs, classes)
        found = [_posterior(each, prior, said, classes) for each in votes]
        change = max(
            abs(a - b) for one, other in zip(found, beliefs, strict=True) for a, b in zip(one, other, strict=True)
        )
        beliefs = found
        if change < _ENOUGH:
            break
    best = [max(range(classes), key=belief.__getitem__) for belief in beliefs]
    return [(one, belief[one]) for one, belief in zip(best, beliefs, strict=True)]


def _shares(votes: Mapping[str, int], classes: int) -> list[float]:
    counted = Counter(votes.values())
    return [counted[number] / len(votes) for number in range(classes)]


def _prior(beliefs: Sequence[Sequence[float]], classes: int) -> list[float]:
    """Return how frequent each class is, none of them never."""
    return [(1 + sum(belief[number] for belief in beliefs)) / (classes + len(beliefs)) for number in range(classes)]


def _matrices(
    votes: Sequence[Mapping[str, int]], beliefs: Sequence[Sequence[float]], classes: int
) -> dict[str, list[list[float]]]:
    """Return, by worker, the logarithm of how likely each says what (second) of each class (first)."""
    off = _WRONG / max(classes - 1, 1)
    counts: dict[str, list[list[float]]] = defaultdict(
        lambda: [[_RIGHT if said == true else off for said in range(classes)] for true in range(classes)]
    )
    for given, belief in zip(votes, beliefs, strict=True):
        for worker, said in given.items():
            matrix = counts[worker]
            for true in range(classes):
                matrix[true][said] += belief[true]
    return {
        worker: [[math.log(count / sum(row)) for count in row] for row in matrix] for worker, matrix in counts.items()
    }


def _posterior(
    votes: Mapping[str, int], prior: Sequence[float], said: Mapping[str, Sequence[Sequence[float]]], classes: int
) -> list[float]:
    logs = [
        math.log(prior[true]) + sum(said[worker][true][vote] for worker, vote in votes.items())
        for true in range(classes)
    ]
    top = max(logs)
    weights = [math.exp(each - top) for each in logs]
    return [weight / sum(weights) for weight in weights]
