"""Tables for terminals: fitted to the width, quick for thousands of rows.

`rich.table` takes 0.7 s for a thousand rows of eight columns and 60 ms to import;
a listing must not. Cells are made plain here, so no verb can forget to.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackerlite.cli._cells import cells_wide, cut, width
from trackerlite.cli._output import coloured, styled
from trackerlite.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_GAP = "  "


@dataclass(frozen=True)
class Column:
    """A column's heading and manners.

    Attributes:
        title: the heading.
        right: align to the right, as numbers want.
        shrink: the fewest characters it may be cut to when the table is too wide; 0 = never cut.
        drop: the higher, the earlier the whole column goes when cutting is not enough; 0 = never.
        style: a style for all its cells, or a function from a cell's text to its style.
    """

    title: str
    right: bool = False
    shrink: int = 0
    drop: int = 0
    style: str | Callable[[str], str | None] | None = None


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> list[str]:
    """Print rows under headings. A pipe gets whole cells; a terminal what fits.

    Columns without a single filled cell are left out. Returns the headings of those that
    had to go for lack of room.
    """
    titles = [plain(column.title) for column in columns]
    cells = [[plain(cell) for cell in row] for row in rows]
    kept = [i for i in range(len(columns)) if any(row[i] for row in cells)]
    natural = {i: max(cells_wide(titles[i]), _widest([row[i] for row in cells])) for i in kept}
    widths = fit(columns, natural, width())
    shown = [_column(columns[i], widths[i], titles[i], [row[i] for row in cells]) for i in widths]
    lines = list(zip(*shown, strict=True)) or [()] * (len(cells) + 1)
    sys.stdout.write("".join(f"{_GAP.join(line).rstrip()}\n" for line in lines))
    return [titles[i] for i in kept if i not in widths]


def fit(
    columns: Sequence[Column], natural: dict[int, int], available: int | None
) -> dict[int, int]:
    """Widths of the columns that stay, by index, so that a line has at most `available` cells."""
    widths = dict(natural)
    if available is None:
        return widths

    def excess() -> int:
        return sum(widths.values()) + len(_GAP) * (len(widths) - 1) - available

    while excess() > 0:
        # The widest column that may shrink gives one cell, until none may.
        shrinkable = [
            i for i in widths if columns[i].shrink and widths[i] > max(columns[i].shrink, 1)
        ]
        if shrinkable:
            widths[max(shrinkable, key=widths.__getitem__)] -= 1
            continue
        droppable = [i for i in widths if columns[i].drop]
        if not droppable:
            break
        del widths[max(droppable, key=lambda i: columns[i].drop)]
        # What was cut for a column that is gone anyway may grow back.
        widths = {i: natural[i] for i in widths}
    return widths


def _column(column: Column, wide: int, title: str, texts: Sequence[str]) -> list[str]:
    """A column's cells under its heading, each `wide` terminal cells."""
    colour = coloured()
    if not colour and all(text.isascii() and len(text) <= wide for text in (title, *texts)):
        return [text.rjust(wide) if column.right else text.ljust(wide) for text in (title, *texts)]
    style = column.style if colour else None
    cells = []
    for row, text in enumerate([title, *texts]):
        fitted = text
        if not text.isascii() or len(text) > wide:
            fitted = cut(text, wide)
        padding = " " * (wide - cells_wide(fitted))
        if colour:
            own = style(text) if callable(style) else style
            fitted = styled(fitted, own if row else "dim")
        cells.append(padding + fitted if column.right else fitted + padding)
    return cells


def _widest(texts: Sequence[str]) -> int:
    """The most cells that one of them takes."""
    plainly = "".join(texts).isascii()  # then a character is a cell
    return max(map(len if plainly else cells_wide, texts))
