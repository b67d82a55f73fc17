"""The one widget of the screen: rows of styled text, of which only what changed is written again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from operator import ne, or_

from rich.color import ColorSystem
from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from trackerlite_tui.curves.palette import NO_INK, Ink
from trackerlite_tui.rows import Row, one_each, width
from trackerlite_tui.widgets.pen import written
from trackerlite_tui.widgets.style import style_of

__all__ = ["Surface", "changes", "strip_of", "style_of"]

# Cells that differ, and those less than four apart from them: to move there costs as much as to write.
_SPANS = re.compile(rb"\x01(?:\x00{0,3}\x01)*").finditer
_SYSTEMS = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT}


def strip_of(row: Row, ink: Ink) -> Strip:
    """A row as a strip."""
    segments = [Segment(text, style_of(style, ink)) for text, style in row if text]
    return Strip(segments, sum(width(segment.text) for segment in segments))


def changes(before: Row, after: Row) -> list[tuple[int, int]]:
    """The cells (start, stop) in which two rows of one width differ, near ones joined."""
    start, old, new = _differing(before, after)
    flags = bytes(_unlike(old, new))
    return [(start + found.start(), start + found.end()) for found in _SPANS(flags)]


def _differing(before: Row, after: Row) -> tuple[int, Row, Row]:
    """Two rows without the pieces that they begin and end with alike, and the cell where that is."""
    shorter = min(len(before), len(after))
    head = 0
    while head < shorter and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shorter - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    start = sum(width(text) for text, _ in after[:head])
    return start, before[head : len(before) - tail], after[head : len(after) - tail]


def _unlike(old: Row, new: Row) -> Iterable[bool]:
    """Of each cell of two rows whether it differs."""
    was, now = ("".join(text for text, _ in row) for row in (old, new))
    if one_each(was) and one_each(now):
        return map(or_, map(ne, was, now), map(ne, _styles(old), _styles(new)))
    return map(ne, _cells(old), _cells(new))


def _styles(row: Row) -> Iterator[str]:
    return chain.from_iterable(repeat(style, len(text)) for text, style in row)


def _cells(row: Row) -> list[tuple[str, str]]:
    """The cells of a row, each a character and a style; a wide one has two."""
    out: list[tuple[str, str]] = []
    for text, style in row:
        if one_each(text):
            out += zip(text, repeat(style))
            continue
        for char in text:
            size = width(char)
            if size:
                out += [(char, style), ("\0" + char, style)][:size]
            elif out:  # it stands over the one before
                for at in (-2, -1) if out[-1][0][0] == "\0" else (-1,):
                    out[at] = (out[at][0] + char, out[at][1])
    return out


class Surface(Widget):
    """Shows rows. `show` compares with what is there and writes the difference.

    The difference goes straight to the terminal: Textual would write each row from its first
    cell on, every piece with its whole style, and a sixtieth of a second later. Textual paints
    when the size or everything else changes, from the same rows.
    """

    DEFAULT_CSS = "Surface { width: 100%; height: 100%; }"
    can_focus = False

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._ink: Ink | None = None
        self.repainted = 0  # cells, for the tests
        self.painted: list[Region] = []  # what the last `show` wrote

    def show(self, rows: list[Row], ink: Ink) -> None:
        """Put rows on the screen."""
        before, self.rows = self.rows, rows
        if ink is not self._ink or len(rows) != len(before):
            self._ink = ink
            self.painted = [self.region]
            self.refresh()
            return
        spans = [
            (y, start, stop)
            for y, (old, new) in enumerate(zip(before, rows, strict=True))
            if old is not new and old != new
            for start, stop in changes(old, new)
        ]
        self.painted = [Region(start, y, stop - start, 1) for y, start, stop in spans]
        if spans:
            self.repainted += sum(region.width for region in self.painted)
            self._write(spans, ink)

    def _write(self, spans: list[tuple[int, int, int]], ink: Ink) -> None:
        app, driver = self.app, self.app._driver
        if app._exit:
            return
        if driver is None or app.is_headless or not app.is_running:
            self.refresh(*self.painted)
            return
        system = _SYSTEMS.get(app.console.color_system or "", ColorSystem.STANDARD)
        app._begin_update()
        driver.write(written(self.rows, spans, ink, system))
        app._end_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows for Textual to paint; it keeps none, so that none is painted that is no more."""
        return [self.render_line(y).crop(crop.x, crop.right) for y in range(crop.y, crop.bottom)]

    def render_line(self, y: int) -> Strip:
        """A row as it is now."""
        ink, columns = self._ink, self.size.width
        if ink is None:
            return Strip.blank(columns, style_of("", NO_INK))
        row = self.rows[y] if y < len(self.rows) else []
        return strip_of(row, ink).adjust_cell_length(columns, style_of("", ink))

    def on_resize(self, event: events.Resize) -> None:
        """The app paints for the new size."""
        event.prevent_default()
