"""How unlike the training images an image is: a network is as sure of a picture without a brick as of one with it.

The last hidden layer's values are looked at in two ways. Their direction is compared with a hundred training images,
which lie as far apart as they can: one minus the cosine to the nearest. Their length tells of what is brighter or
busier than any brick. Each is measured by what held-out images have, and the larger of the two is the novelty.
Sources: directions: Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", 2022; a few images that
stand for all, by farthest-first traversal: Roth et al., "Towards Total Recall in Industrial Anomaly Detection", 2022.
"""

from __future__ import annotations

from math import exp, lgamma, log
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO, Any, Self

    from network import Array

FALSE_ALARMS = 0.01
"""The share of images of bricks, which the network was not trained with, that may be called unknown."""

_CONFIDENCE = 0.95  # that the share is no larger, as far as the held-out images can tell
_POINTS = 100


class Novelty:
    """Directions that stand for the training images, and how far and how long an image's values may be (2,)."""

    def __init__(self, points: Array, limits: Array) -> None:
        self._points, self._limits = np.ascontiguousarray(points), limits

    @classmethod
    def fit(cls, training: Array, held_out: Array) -> Self:
        """Take points from the training images' values (n, d), and the limits from those of held-out ones (m, d)."""
        points = _far_apart(_directions(training))
        unlike = _measure(held_out, points)
        limits = np.maximum(_limit(unlike), np.finfo(np.float32).eps)
        # The larger of two is over its limit more often than either.
        return cls(points, limits * _limit((unlike / limits).max(axis=1)))

    @classmethod
    def read(cls, file: Path | IO[bytes]) -> Self:
        """Read what `write` has written."""
        with np.load(file) as content:
            return cls(content["points"], content["limits"])

    def write(self, file: Path) -> None:
        """Write points and limits, as an .npz file."""
        np.savez(file, points=self._points, limits=self._limits)

    def __call__(self, values: Array) -> Array:
        """Return the novelty (n,) of images by what the last hidden layer makes of them (n, d): above 1 is unknown."""
        novelty: Array = (_measure(values, self._points) / self._limits).max(axis=1)
        return novelty

    def to_json(self) -> dict[str, Any]:
        """Return what the receipt tells of it."""
        return {"points": len(self._points), "limits": self._limits.tolist(), "false_alarms": FALSE_ALARMS}


def _measure(values: Array, points: Array) -> Array:
    """Return how far from the points, and how long, each row of values is: (n, 2)."""
    nearest = (_directions(values) @ points.T).max(axis=1)
    return np.stack([np.maximum(1 - nearest, 0), np.linalg.norm(values, axis=1)], axis=1)


def _directions(values: Array) -> Array:
    """Return rows of length 1; a row of zeros, of which no unit of the layer knows anything, is like no other."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    directions: Array = values / np.maximum(lengths, np.finfo(np.float32).tiny)
    return directions


def _far_apart(directions: Array) -> Array:
    """Return rows of which each is the farthest from those before it."""
    chosen = [0]
    distances = 1 - directions @ directions[0]
    for _ in range(min(_POINTS, len(directions)) - 1):
        chosen.append(int(distances.argmax()))
        distances = np.minimum(distances, 1 - directions @ directions[chosen[-1]])
    return directions[chosen]


def _limit(unlike: Array) -> Array:
    """Return what so few of the held-out images surpass as may, column by column."""
    limit: Array = np.sort(unlike, axis=0)[-1 - _allowed(len(unlike))]
    return limit


def _allowed(images: int) -> int:
    """Return how many of the held-out images may lie beyond the limit.

    So few that, were the share of all such images FALSE_ALARMS, the chance to see no more would be 1 - _CONFIDENCE at
    most. Of fewer than 299 images none may, and they can't tell a share as small.
    """
    chance, allowed = 0.0, -1
    while (chance := chance + _probability(allowed + 1, images)) <= 1 - _CONFIDENCE:
        allowed += 1
    return max(allowed, 0)


def _probability(count: int, of: int) -> float:
    """Return the chance that `count` of so many images are unknown, were it one in a hundred of all: binomial."""
    ways = lgamma(of + 1) - lgamma(count + 1) - lgamma(of - count + 1)
    return exp(ways + count * log(FALSE_ALARMS) + (of - count) * log(1 - FALSE_ALARMS))
