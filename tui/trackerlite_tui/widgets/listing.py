"""A list of ready-made rows with a cursor: as many as one likes, painted as far as they are seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trackerlite_tui.look import Look
from trackerlite_tui.rows import Row, fill, fit


class Listing:
    """Where a list stands: its cursor, its first visible line, whether it follows the end."""

    def __init__(self) -> None:
        self.index = 0
        self.top = 0
        self.count = 0
        self.height = 1
        self.following = False

    def set_count(self, count: int) -> None:
        """The list has another length; a following one moves to the end."""
        self.count = count
        if self.following:
            self.index = max(0, count - 1)
        self.index = max(0, min(self.index, count - 1))

    def move(self, by: int) -> None:
        """Move the cursor; upwards ends following."""
        self.index = max(0, min(self.index + by, self.count - 1))
        if by < 0:
            self.following = False

    def paint(
        self, columns: int, rows: int, look: Look, line: Callable[[int], Row], cursor: bool = True
    ) -> list[Row]:
        """The visible part: `line(i)` is asked only for what is seen."""
        self.height = max(1, rows)
        if self.index < self.top:
            self.top = self.index
        elif self.index >= self.top + rows:
            self.top = self.index - rows + 1
        self.top = max(0, min(self.top, self.count - rows))
        out: list[Row] = []
        for index in range(self.top, min(self.top + rows, self.count)):
            row = fit(line(index), columns)
            if cursor and index == self.index:
                row = [(text, look.on(_without_background(style), "select")) for text, style in row]
            out.append(row)
        return out + [fill(columns) for _ in range(rows - len(out))]


def _without_background(style: str) -> str:
    return style.partition(" on ")[0] if " on " in style else style


class Scrolling:
    """The list keys for a screen that has one `listing`."""

    listing: Listing

    def do_move(self, by: str) -> None:
        """Up or down."""
        self.listing.move(int(by))

    def do_half(self, by: str) -> None:
        """Half a page."""
        self.listing.move(int(by) * max(1, self.listing.height // 2))

    def do_top(self, _: str) -> None:
        """The first line."""
        self.listing.move(-self.listing.count)

    def do_bottom(self, _: str) -> None:
        """The last line."""
        self.listing.move(self.listing.count)

    def wheel(self, x: int, y: int, by: int) -> None:
        """Scroll."""
        self.listing.move(3 * by)


def matches(lines: Sequence[str], wanted: str) -> list[int]:
    """The lines that hold a text, whatever its case."""
    folded = wanted.casefold()
    return [i for i, line in enumerate(lines) if folded in line.casefold()] if folded else []
