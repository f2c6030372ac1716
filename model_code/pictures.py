"""The pictures that people look at after a training job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from data import LABELS

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from matplotlib.axes import Axes

    from data import Part
    from evaluation import Metrics

_INK, _PALE, _TRAIN, _TEST, _WRONG = "#1f2933", "#d9e2ec", "#9fb3c8", "#0b69a3", "#c81e1e"
_DPI = 150
_SHEET_ROWS, _SHEET_COLUMNS = 5, 8
_CELL_WIDTH, _CELL_HEIGHT, _IMAGE = 1.5, 1.95, 1.4  # inches, of a sheet's cells and of the image in each


def write_pictures(folder: Path, *, metrics: Metrics, test: Part, probabilities: npt.NDArray[np.float32]) -> None:
    """Write curves.png, confusion.png and predictions.png into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in (
        ("curves", curves(metrics)),
        ("confusion", confusion(metrics)),
        ("predictions", predictions(test, probabilities)),
    ):
        figure.savefig(folder / f"{name}.png", dpi=_DPI, facecolor="white")


def curves(metrics: Metrics) -> Figure:
    """Draw loss and accuracy by epoch, for the training and the test images."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = range(1, len(metrics.history) + 1)
    for axes, name, best in zip(figure.subplots(1, 2), ("loss", "accuracy"), (min, max), strict=True):
        for key, words, colour in ((name, "training", _TRAIN), (f"val_{name}", "test", _TEST)):
            values = [epoch[key] for epoch in metrics.history]
            axes.plot(epochs, values, color=colour, linewidth=2, marker="o", markersize=3.5, label=words)
        axes.set_title(f"{name.capitalize()}: {best(values):.4f} at best on the test images")
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis="y", color=_PALE)
        _plain(axes)
        axes.legend(frameon=False)
    return figure


def confusion(metrics: Metrics) -> Figure:
    """Draw the confusion matrix: each row's colours are shares of that brick, its numbers are images."""
    counts = metrics.confusion_matrix
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(7.6, 6.8), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 1 / 2 else _INK
            weight = "bold" if row == column else "normal"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, weight=weight)
    axes.set_xticks(range(len(LABELS)), LABELS, rotation=40, ha="right")
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.set_xlabel("what the network says")
    axes.set_ylabel("what it is")
    axes.set_title(f"{counts.trace()} of {counts.sum()} test images sorted right ({metrics.test_accuracy:.1%})")
    _plain(axes)
    return figure


def predictions(test: Part, probabilities: npt.NDArray[np.float32]) -> Figure:
    """Draw a sheet of test images with what the network says; its mistakes come first, in red."""
    predicted = probabilities.argmax(axis=1)
    width, height = _CELL_WIDTH * _SHEET_COLUMNS, _CELL_HEIGHT * _SHEET_ROWS
    figure = Figure(figsize=(width, height))
    # One for all images, in inches from the upper left corner: forty would take two seconds.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for place, index in enumerate(_for_the_sheet(predicted == test.labels)):
        row, column = divmod(place, _SHEET_COLUMNS)
        left, bottom = column * _CELL_WIDTH + (_CELL_WIDTH - _IMAGE) / 2, (row + 1) * _CELL_HEIGHT
        extent = (left, left + _IMAGE, bottom, bottom - _IMAGE)
        axes.imshow(test.images[index], cmap="gray", vmin=0, vmax=1, extent=extent, aspect="auto")
        says, truth = LABELS[predicted[index]], LABELS[test.labels[index]]
        share = f"{probabilities[index].max():.0%}"
        right = says == truth
        title = f"{says}\n{share}" if right else f"{says} {share}\nis {truth}"
        middle, above = left + _IMAGE / 2, bottom - _IMAGE - 0.06
        axes.text(middle, above, title, ha="center", va="bottom", fontsize=8, color=_INK if right else _WRONG)
    axes.set(xlim=(0, width), ylim=(height + 0.05, 0))
    return figure


def _for_the_sheet(right: npt.NDArray[np.bool_]) -> list[int]:
    """Choose images: mistakes for at most half the sheet, then right ones from all over the test set."""
    room = _SHEET_ROWS * _SHEET_COLUMNS
    mistakes = np.flatnonzero(~right)[: room // 2]
    rights = np.flatnonzero(right)
    spread = np.linspace(0, len(rights) - 1, min(room - len(mistakes), len(rights))).astype(int)
    return [*mistakes.tolist(), *rights[spread].tolist()]


def _plain(axes: Axes) -> None:
    """Take away the frame and the tick marks: the data is what should be seen."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=_INK)
