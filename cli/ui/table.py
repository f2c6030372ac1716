"""Tables that cut nothing: in a pipe a row is one line, and on a narrow screen cells are folded, or rows unfolded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import table as rich_table
from rich.padding import Padding
from rich.text import Text

from cli.ui import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

_GAPS = (4, 2)  # between columns: the first one that fits
_INDENT = 6
_ALIGNED = 500  # the most columns, in a pipe, that are filled up with spaces


@dataclass(frozen=True)
class Column:
    """One column; `numbers` stand at its right side, and `footer` is its total."""

    header: str = ""
    numbers: bool = False
    footer: str = ""


class Table:
    """Rows of cells in Rich's markup.

    Between words a cell is folded, within a word never. Where even that does not fit, each row is unfolded: the first
    `heads` cells, which say what it is about, on a line, and below it the others with their headers.
    """

    def __init__(self, *columns: Column | str, heads: int = 1) -> None:
        self._columns = [Column(each) if isinstance(each, str) else each for each in columns]
        self._heads = heads
        self._rows: list[list[Text]] = []

    def add_row(self, *cells: str) -> None:
        """Add a row; a cell of several lines becomes one of several words."""
        self._rows.append([Text.from_markup(" ".join(cell.splitlines())) for cell in cells])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield what Rich is to draw, for the width that there is."""
        widest = [self._width(number, _cells) for number in range(len(self._columns))]
        if sum(widest) > _ALIGNED < options.max_width:
            yield from (Text("  ", no_wrap=True).join(filter(None, row)) for row in self._rows)
            return
        for gap in _GAPS:
            if sum(widest) + gap * len(widest) <= options.max_width:
                yield self._drawn(widest, gap)
                return
        gap = _GAPS[-1]
        narrowest = [self._width(number, _longest_word) for number in range(len(self._columns))]
        room = options.max_width - gap * len(widest)
        if sum(narrowest) <= room:
            yield self._drawn(_shrunk(widest, narrowest, room), gap)
        else:
            yield from self._unfolded()

    def _width(self, number: int, measure: Callable[[Text], int]) -> int:
        """Return the most that a column's cells measure."""
        column = self._columns[number]
        return max(map(measure, [Text(column.header), Text(column.footer), *(row[number] for row in self._rows)]))

    def show(self) -> None:
        """Print it."""
        screen.console.print(self, soft_wrap=True)

    def _drawn(self, widths: Sequence[int], gap: int) -> rich_table.Table:
        footers = any(column.footer for column in self._columns)
        headers = any(column.header for column in self._columns)
        drawn = rich_table.Table(
            box=None, padding=(0, gap // 2), header_style="dim", show_header=headers, show_footer=footers
        )
        for column, width in zip(self._columns, widths, strict=True):
            justify = "right" if column.numbers else "left"
            drawn.add_column(column.header, column.footer, width=width, justify=justify, overflow="fold")  # type: ignore[arg-type]
        for row in self._rows:
            drawn.add_row(*row)
        return drawn

    def _unfolded(self) -> Iterable[Text | Padding]:
        totals = [[Text(column.footer) for column in self._columns]] if any(c.footer for c in self._columns) else []
        for row in [*self._rows, *totals]:
            # Longer than the screen, it is the terminal that breaks it where it is shown for good: copied, it is whole.
            yield Text("  ") + Text("  ").join(filter(None, row[: self._heads]))
            pairs = zip(self._columns[self._heads :], row[self._heads :], strict=True)
            others = [Text(f"{column.header} ".lstrip(), "dim") + cell for column, cell in pairs if cell]
            if others:
                below = Text("; ").join(others)
                below.no_wrap, below.overflow = False, "fold"
                yield Padding(below, (0, 0, 0, _INDENT), expand=False)


def _cells(text: Text) -> int:
    return text.cell_len


def _longest_word(text: Text) -> int:
    return max((Text(word).cell_len for word in text.plain.split()), default=0)


def _shrunk(widest: Sequence[int], narrowest: Sequence[int], room: int) -> list[int]:
    """Return widths that fit: the widest column that can is made narrower, and again."""
    widths = list(widest)
    while sum(widths) > room:
        number = max((n for n, width in enumerate(widths) if width > narrowest[n]), key=lambda n: widths[n])
        widths[number] -= 1
    return widths
