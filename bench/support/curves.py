"""How a number grows, drawn: one PNG a chart, and one HTML page with table and charts that needs no other file."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    Series = Mapping[str, Mapping[int, float] | Mapping[float, float]]

_INCHES, _DOTS_PER_INCH = (8, 4.5), 120
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}th,td{padding:.2em 1em .2em 0;text-align:right}"
    "th:first-child,td:first-child{text-align:left}img{max-width:100%}"
)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Lines over one axis: `series` has for each line's name its y by its x.

    Both axes are logarithmic, unless it is `linear`: then y begins at 0.
    `name` is the PNG's file name without its suffix; `x` and `y` say what the axes are, with their units.
    """

    name: str
    title: str
    x: str
    y: str
    series: Series
    linear: bool = False


def write(folder: Path, name: str, *, title: str, table: Sequence[Sequence[str]], charts: Sequence[Chart]) -> Path:
    """Write each chart's PNG and `<name>.html` into `folder`; return the page. The table's first row is its head."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [_draw(chart, folder / f"{chart.name}.png") for chart in charts]
    images = "".join(_image(chart, picture) for chart, picture in zip(charts, pictures, strict=True))
    page = folder / f"{name}.html"
    page.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1><table>{_rows(table)}</table>{images}</html>\n",
        encoding="utf-8",
    )
    return page


def _draw(chart: Chart, file: Path) -> bytes:
    figure = Figure(_INCHES, layout="constrained")
    axes = figure.add_subplot(title=chart.title, xlabel=chart.x, ylabel=chart.y)
    for name, points in chart.series.items():
        axes.plot(list(points), list(points.values()), marker="" if chart.linear else "o", label=name)
    if chart.linear:
        axes.set_ylim(bottom=0)
    else:
        _logarithmic(axes, chart)
    axes.grid(which="major", alpha=0.3)
    axes.legend()
    figure.savefig(file, dpi=_DOTS_PER_INCH)
    return file.read_bytes()


def _logarithmic(axes: Axes, chart: Chart) -> None:
    axes.set(xscale="log", yscale="log")
    ticks = sorted({x for points in chart.series.values() for x in points})
    axes.set_xticks(ticks, [f"{x:,g}" for x in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter("{x:,g}")


def _image(chart: Chart, picture: bytes) -> str:
    return f'<p><img alt="{escape(chart.title)}" src="data:image/png;base64,{base64.b64encode(picture).decode()}">'


def _rows(table: Sequence[Sequence[str]]) -> str:
    lines = []
    for number, row in enumerate(table):
        tag = "td" if number else "th"
        lines.append("<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row))
    return "".join(lines)
