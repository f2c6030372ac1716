"""The picture of a run: what has moved, how far, and the photos in which it is seen best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from data import LABELS
from monitoring.measurements import BEHAVIOUR, INPUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from matplotlib.axes import Axes

    from monitoring.baseline import Baseline
    from monitoring.drift import Comparison
    from monitoring.measurements import Measurements

    Array = npt.NDArray[np.float32]

_INK, _PALE, _BEFORE, _NOW, _DRIFT = "#1f2933", "#d9e2ec", "#9fb3c8", "#0b69a3", "#c81e1e"
_SHOWN = 8
_BINS = 24


def write(
    file: Path, *, title: str, baseline: Baseline, window: Measurements, images: Array, tests: Sequence[Comparison]
) -> None:
    """Draw the picture into a PNG file: photos then and now, and how everything that is measured is spread."""
    figure = Figure(figsize=(12, 8.2), layout="constrained")
    figure.suptitle(title, color=_INK, fontsize=15, weight="bold", wrap=True)
    photos, spreads = figure.subfigures(2, 1, squeeze=False, height_ratios=(2, 3)).ravel()
    then, now = photos.subplots(2, 1)
    _show(then, baseline.images[:_SHOWN], "what the model was tested with")
    _show(now, images[_strangest(baseline.measurements, window)], "now: those that are least like it")
    found = {test.name: test for test in tests}
    rows = spreads.subplots(2, 3).ravel()
    for axes, name in zip(rows, (*INPUT, *BEHAVIOUR), strict=False):
        _spread(axes, baseline.measurements.numbers[name], window.numbers[name], found[name])
    _classes(rows[-1], baseline.measurements.classes, window.classes, found["classes"])
    figure.savefig(file, dpi=110, facecolor="white")


def _strangest(reference: Measurements, window: Measurements) -> list[int]:
    """Return those whose numbers lie farthest from the baseline's, in its deviations."""
    apart = sum(
        np.abs(window.numbers[name] - np.median(reference.numbers[name]))
        / max(float(reference.numbers[name].std()), 1e-6)
        for name in INPUT
    )
    return [int(index) for index in np.argsort(-np.asarray(apart))[:_SHOWN]]


def _show(axes: Axes, images: Array, words: str) -> None:
    """Show images side by side."""
    room = np.ones((images.shape[1], 2, *images.shape[3:]), np.float32)
    strip = np.concatenate([part for image in images for part in (image, room)], axis=1)
    axes.imshow(strip, cmap="gray", vmin=0, vmax=1)
    axes.set_title(words, loc="left", color=_INK, fontsize=11)
    axes.set_axis_off()


def _spread(axes: Axes, before: Array, now: Array, test: Comparison) -> None:
    edges = np.linspace(min(before.min(), now.min()), max(before.max(), now.max()) + 1e-9, _BINS + 1)
    for values, colour, words in ((before, _BEFORE, "then"), (now, _colour(test), "now")):
        weights = np.full(len(values), 1 / len(values))
        axes.hist(values, bins=list(edges), weights=list(weights), color=colour, alpha=0.7, label=words)
    _plain(axes, test)
    axes.legend(frameon=False, fontsize=8)


def _classes(axes: Axes, before: npt.NDArray[np.int64], now: npt.NDArray[np.int64], test: Comparison) -> None:
    for classes, colour, shift in ((before, _BEFORE, -0.2), (now, _colour(test), 0.2)):
        shares = np.bincount(classes, minlength=len(LABELS)) / len(classes)
        axes.bar(np.arange(len(LABELS)) + shift, shares, width=0.4, color=colour)
    axes.set_xticks(range(len(LABELS)), LABELS, rotation=40, ha="right", fontsize=7)
    _plain(axes, test)


def _plain(axes: Axes, test: Comparison) -> None:
    words = "drifted" if test.drifted else "as then"
    axes.set_title(f"{test.name}: {words}", color=_DRIFT if test.drifted else _INK, fontsize=11)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=_INK)
    axes.grid(axis="y", color=_PALE)
    axes.set_yticks([])


def _colour(test: Comparison) -> str:
    return _DRIFT if test.drifted else _NOW
