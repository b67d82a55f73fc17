"""A table that paints only what is seen: rows of any number, columns by need."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from trackerlite_tui.look import Look
from trackerlite_tui.rows import Row, fill, fit, pad, width

Cell = tuple[str, str]


@dataclass(frozen=True)
class Column:
    """A column: how wide it may become, and which way it leans."""

    key: str
    title: str
    right: bool = False
    least: int = 3
    most: int = 24
    stays: bool = False  # does not scroll sideways


class Table:
    """Items under columns, with a cursor that stays on its item while others come and go."""

    def __init__(self, columns: Sequence[Column] = ()) -> None:
        self.columns = list(columns)
        self.items: Sequence[Hashable] = ()
        self.index = 0
        self.top = 0
        self.left = 0
        self.height = 1
        self._widths: dict[str, int] = {}
        self._spots: list[tuple[int, int, str]] = []
        self._kept: dict[Hashable, tuple[tuple[object, ...], Row]] = {}

    @property
    def current(self) -> Hashable | None:
        """The item under the cursor."""
        return self.items[self.index] if self.items else None

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Change the columns; widths of those that stay are kept."""
        if columns != self.columns:
            self.columns = list(columns)
            self.left = min(self.left, max(0, len(columns) - 1))
            keys = {column.key for column in columns}
            self._widths = {key: size for key, size in self._widths.items() if key in keys}

    def set_items(self, items: Sequence[Hashable]) -> None:
        """Change the items; the cursor stays on its item, or where it was."""
        if items is self.items:
            return
        current = self.current
        self.items = items
        if current is not None and not (self.index < len(items) and items[self.index] == current):
            try:
                self.index = items.index(current)
            except ValueError:
                self.index = max(0, min(self.index, len(items) - 1))
        self.index = max(0, min(self.index, len(items) - 1))

    def move(self, by: int) -> None:
        """Move the cursor; it stops at the ends, and what is seen follows it."""
        self.index = max(0, min(self.index + by, len(self.items) - 1))
        self._scroll_to_cursor(self.height)

    def go(self, item: Hashable) -> None:
        """Put the cursor on an item, if it is there."""
        if item in self.items:
            self.index = self.items.index(item)

    def scroll(self, by: int) -> None:
        """Move sideways by columns."""
        loose = sum(not column.stays for column in self.columns)
        self.left = max(0, min(self.left + by, loose - 1))

    def paint(
        self,
        columns: int,
        height: int,
        look: Look,
        cell: Callable[[Hashable, str], Cell],
        active: bool = True,
        sorted_by: tuple[str, bool] = ("", False),
        empty: Sequence[str] = ("nothing here",),
    ) -> list[Row]:
        """The table as `height` rows of `columns` cells.

        Args:
            cell: (item, column key) to (text, style); asked only for what is seen.
            sorted_by: a column key and whether the order is reversed, for the heading.
        """
        if height <= 0:
            return []
        self.height = body = max(0, height - 1)
        self._scroll_to_cursor(body)
        seen = self.items[self.top : self.top + body]
        shown = [c for c in self.columns if c.stays] + [c for c in self.columns if not c.stays][
            self.left :
        ]
        cells = [[cell(item, column.key) for column in shown] for item in seen]
        fitted = self._fit(shown, cells, columns, sorted_by[0])
        rows = [self._heading(fitted, columns, look, sorted_by)]
        kept, self._kept = self._kept, {}
        sizes = [size for _, size in fitted]
        for offset, (item, texts) in enumerate(zip(seen, cells, strict=True)):
            here = active and self.top + offset == self.index
            form = (here, columns, sizes, look, texts)
            row = kept.get(item)
            if row is None or row[0] != form:
                row = form, _row(fitted, texts, columns, look, here)
            self._kept[item] = row
            rows.append(row[1])
        if not self.items:
            start = max(0, (body - len(empty)) // 2)
            rows += [fill(columns) for _ in range(start)]
            rows += [[(pad(line, columns), look.dim)] for line in empty]
        rows += [fill(columns) for _ in range(height - len(rows))]
        return rows[:height]

    def _scroll_to_cursor(self, body: int) -> None:
        if self.index < self.top:
            self.top = self.index
        elif body and self.index >= self.top + body:
            self.top = self.index - body + 1
        self.top = max(0, min(self.top, len(self.items) - body)) if body else 0

    def _fit(
        self, shown: Sequence[Column], cells: Sequence[Sequence[Cell]], columns: int, marked: str
    ) -> list[tuple[Column, int]]:
        """Columns and widths that fit; widths only grow, so that nothing jumps while scrolling."""
        for i, column in enumerate(shown):
            wide = max(
                [
                    width(column.title) + 2 * (column.key == marked),
                    *(width(row[i][0]) for row in cells),
                ]
            )
            wide = max(self._widths.get(column.key, column.least), min(wide, column.most))
            self._widths[column.key] = wide
        out: list[tuple[Column, int]] = []
        room = columns
        for column in shown:
            size = self._widths[column.key]
            if size + 1 > room:
                if room > column.least and not column.right:
                    out.append((column, room - 1))
                break
            out.append((column, size))
            room -= size + 1
        return out

    def _heading(
        self,
        fitted: Sequence[tuple[Column, int]],
        columns: int,
        look: Look,
        sorted_by: tuple[str, bool],
    ) -> Row:
        row: Row = []
        self._spots = []
        at = 0
        for column, size in fitted:
            arrow = ""
            if column.key == sorted_by[0]:
                arrow = look.pick("↓" if sorted_by[1] else "↑", "v" if sorted_by[1] else "^")
            style = look.accent if arrow else look.dim
            title = (
                f"{column.title} {arrow}"
                if arrow and width(column.title) + 2 <= size
                else column.title
            )
            row.append((_place(title, size, column.right, look.ascii_only) + " ", f"bold {style}"))
            self._spots.append((at, at + size + 1, column.key))
            at += size + 1
        return fit(row, columns)

    def click(self, x: int, y: int) -> str | Hashable | None:
        """What lies at a cell of the painted table: a column's key in the heading, else an item."""
        if y == 0:
            return next(
                (("column", key) for start, stop, key in self._spots if start <= x < stop), None
            )
        index = self.top + y - 1
        if index < len(self.items):
            self.index = index
            return self.items[index]
        return None


def _row(
    fitted: Sequence[tuple[Column, int]],
    texts: Sequence[Cell],
    columns: int,
    look: Look,
    here: bool,
) -> Row:
    """One item's cells as a row, raised where the cursor is."""
    row: Row = []
    for (column, size), (text, style) in zip(fitted, texts, strict=False):
        placed = _place(text, size, column.right, look.ascii_only) + " "
        row.append((placed, look.on(style, "select") if here else style))
    return fit(row, columns, look.on("", "select") if here else "")


def _place(text: str, size: int, right: bool, ascii_only: bool) -> str:
    if right and width(text) <= size:
        return " " * (size - width(text)) + text
    return pad(text, size, ascii_only)
