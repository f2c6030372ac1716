"""Whether what came differs from the baseline: one test for each thing that is measured, and one rate for all together.

Numbers are compared by Kolmogorov and Smirnov's test, what the hidden layer makes of the images by their energy
distance with a permutation test (Székely and Rizzo, "Energy statistics", 2013), classes by chi-square with simulated
tables, for windows may be small. Holm's adjustment ("A Simple Sequentially Rejective Multiple Test Procedure", 1979)
keeps the chance that any of them is called drift, where there is none, at FALSE_ALARMS, however they hang together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.spatial.distance import cdist

from data import LABELS
from monitoring.measurements import BEHAVIOUR, INPUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from monitoring.baseline import Baseline
    from monitoring.measurements import Measurements

    Array = npt.NDArray[np.float32]

FALSE_ALARMS = 0.01
"""The chance that a run finds drift in what is none: all its tests together."""
FEWEST = 30
"""Images, fewer than which are too few to be compared."""

_UNKNOWN_SHARE = 0.01  # of bricks that novelty.py calls unknown, at most
_COMPARED = 300  # images of each side: all pairs' distances are looked at
_PERMUTATIONS = 1999
_TABLES = 9999
_SEED = 20261130  # a run that is repeated finds the same


# What less and what more of it is called.
_SHORT = {
    "brightness": ("darker", "brighter"),
    "contrast": ("paler", "of more contrast"),
    "noise": ("smoother", "noisier"),
    "confidence": ("answered with less confidence", "answered with more confidence"),
    "entropy": ("answered more clearly", "answered less clearly"),
}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far apart, how likely that is without drift, and that adjusted for all comparisons."""

    name: str
    distance: float
    p_value: float
    words: str
    short: str
    adjusted: float = 1.0

    @property
    def drifted(self) -> bool:
        """Return whether this is drift."""
        return self.adjusted <= FALSE_ALARMS


def compare(
    baseline: Baseline, window: Measurements, *, known: Sequence[bool] = (), right: Sequence[bool] = ()
) -> list[Comparison]:
    """Compare a window with the baseline; `right` is whether answers were right, of those whose labels are there."""
    random = np.random.default_rng(_SEED)
    reference = baseline.measurements
    tests = [_of_numbers(name, reference, window) for name in (*INPUT, *BEHAVIOUR)]
    tests += [
        _of_hidden(reference.hidden, window.hidden, random),
        _of_classes(reference.classes, window.classes, random),
    ]
    if known:
        tests.append(_of_known(known))
    if right:
        tests.append(_of_right(baseline, right))
    return holm(tests)


def holm(tests: Sequence[Comparison]) -> list[Comparison]:
    """Return the tests with their adjusted p-values."""
    adjusted, highest = {}, 0.0
    for rank, test in enumerate(sorted(tests, key=lambda each: each.p_value)):
        highest = max(highest, min(1.0, test.p_value * (len(tests) - rank)))
        adjusted[test.name] = highest
    return [replace(test, adjusted=adjusted[test.name]) for test in tests]


def _of_numbers(name: str, reference: Measurements, window: Measurements) -> Comparison:
    before, now = reference.numbers[name], window.numbers[name]
    found = stats.ks_2samp(before, now, method="asymp")
    words = f"{name} is {np.median(now):.3g}, was {np.median(before):.3g} (medians)"
    short = _SHORT[name][int(np.median(now) > np.median(before))]
    return Comparison(name=name, distance=float(found.statistic), p_value=float(found.pvalue), words=words, short=short)


def _of_hidden(before: Array, now: Array, random: np.random.Generator) -> Comparison:
    before, now = (each[random.permutation(len(each))[:_COMPARED]] for each in (before, now))
    together = np.concatenate([before, now])
    distances = cdist(together, together).astype(np.float32)
    now_first = np.zeros((_PERMUTATIONS + 1, len(together)), np.float32)
    now_first[0, len(before) :] = 1
    now_first[1:] = random.permuted(np.tile(now_first[0], (_PERMUTATIONS, 1)), axis=1)
    energies = _energies(distances, now_first, len(before), len(now))
    p_value = float((energies >= energies[0] * (1 - 1e-5)).mean())
    words = "the network's hidden layer sees other images than those it was tested with"
    return Comparison(
        name="hidden_layer", distance=float(energies[0]), p_value=p_value, words=words, short="new to the network"
    )


def _energies(distances: Array, of_second: Array, first: int, second: int) -> npt.NDArray[np.float64]:
    """Return the energy distance between two samples, for each way to share the rows out (b, n)."""
    to_second = (of_second @ distances).astype(np.float64)
    within_second = (to_second * of_second).sum(axis=1)
    between = to_second.sum(axis=1) - within_second
    within_first = float(distances.sum(dtype=np.float64)) - within_second - 2 * between
    energies: npt.NDArray[np.float64] = (
        2 * between / (first * second) - within_first / first**2 - within_second / second**2
    )
    return energies


def _of_classes(before: npt.NDArray[np.int64], now: npt.NDArray[np.int64], random: np.random.Generator) -> Comparison:
    counts = np.stack([np.bincount(each, minlength=len(LABELS)) for each in (before, now)])
    shares = counts / counts.sum(axis=1, keepdims=True)
    most = int((shares[1] - shares[0]).argmax())
    seen = counts[:, counts.sum(axis=0) > 0]
    p_value = 1.0
    if seen.shape[1] > 1:
        simulated = stats.MonteCarloMethod(n_resamples=_TABLES, rng=random)
        p_value = float(stats.chi2_contingency(seen, correction=False, method=simulated).pvalue)
    words = f"{shares[1, most]:.0%} of the answers are {LABELS[most]}, were {shares[0, most]:.0%}"
    return Comparison(
        name="classes",
        distance=float(np.abs(shares[1] - shares[0]).sum() / 2),
        p_value=p_value,
        words=words,
        short=f"more often {LABELS[most]}",
    )


def _of_known(known: Sequence[bool]) -> Comparison:
    unknown = len(known) - sum(known)
    found = stats.binomtest(unknown, len(known), _UNKNOWN_SHARE, alternative="greater")
    share = unknown / len(known)
    words = f"{share:.0%} of the images show no brick that the model knows, may be {_UNKNOWN_SHARE:.0%}"
    return Comparison(
        name="unknown",
        distance=max(share - _UNKNOWN_SHARE, 0.0),
        p_value=float(found.pvalue),
        words=words,
        short="no bricks that the model knows",
    )


def _of_right(baseline: Baseline, right: Sequence[bool]) -> Comparison:
    table = [[baseline.right, baseline.answered - baseline.right], [sum(right), len(right) - sum(right)]]
    before, now = baseline.right / baseline.answered, sum(right) / len(right)
    p_value = float(stats.fisher_exact(table, alternative="greater").pvalue)
    words = f"{now:.1%} of {len(right)} labelled answers are right, were {before:.1%}"
    return Comparison(
        name="accuracy", distance=max(before - now, 0.0), p_value=p_value, words=words, short="answered wrongly"
    )
