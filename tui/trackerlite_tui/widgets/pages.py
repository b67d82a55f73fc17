"""Text to read and scroll, the help above all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trackerlite_tui import keys
from trackerlite_tui.rows import Row, pad, words
from trackerlite_tui.widgets.overlay import Overlay, Placed, box, centred

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk


class Pages(Overlay):
    """Text to read and scroll: the help, or the details of something."""

    contexts = ("pages",)

    def __init__(self, desk: Desk, title: str, rows: Sequence[Row], wide: int = 76) -> None:
        super().__init__(desk)
        self._title, self._rows, self._wide = title, list(rows), wide
        self._top, self._height = 0, 1

    def do_move(self, by: str) -> None:
        """Scroll."""
        self._top = max(0, min(self._top + int(by), len(self._rows) - self._height))

    def do_half(self, by: str) -> None:
        """Scroll by half a page."""
        self.do_move(str(int(by) * max(1, self._height // 2)))

    def do_top(self, _: str) -> None:
        """The beginning."""
        self._top = 0

    def do_bottom(self, _: str) -> None:
        """The end."""
        self._top = max(0, len(self._rows) - self._height)

    def wheel(self, by: int) -> None:
        """Scroll by wheel."""
        self.do_move(str(3 * by))

    def paint(self, columns: int, rows: int) -> Placed:
        """The framed text in the middle."""
        wide = max(4, min(self._wide, columns - 2))
        self._height = high = max(1, min(len(self._rows), rows - 4))
        self._top = max(0, min(self._top, len(self._rows) - high))
        body = [[(" ", ""), *row] for row in self._rows[self._top : self._top + high]]
        more = (
            f"{self._top + high} of {len(self._rows)} lines"
            if high < len(self._rows)
            else "esc closes"
        )
        framed = box(self.desk, body, self._title, wide, more)
        return centred(framed, wide, columns, rows)


def help_rows(desk: Desk, contexts: Sequence[str], columns: int) -> list[Row]:
    """The help for where one is, from the key table."""
    look = desk.look
    out: list[Row] = []
    for title, entries in keys.sections(contexts):
        if out:
            out.append([])
        out.append([(title, look.strong)])
        for names, about in entries:
            lines = words(about, max(10, columns - 18))
            out.append([(pad(f"  {names}", 16), look.accent), (lines[0], look.text)])
            out += [[(" " * 16, ""), (line, look.text)] for line in lines[1:]]
    return out
