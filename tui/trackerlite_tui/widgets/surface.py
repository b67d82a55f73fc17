"""The one widget of the screen: rows of styled text, of which only what changed is painted again."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from trackerlite_tui.curves.palette import Ink
from trackerlite_tui.rows import Row, width

_NEAR = 8  # changes closer than this are painted as one


@lru_cache(maxsize=4096)
def style_of(text: str, ink: Ink) -> Style:
    """A style string of ours as a style of the terminal's; never None, which NO_COLOR cannot bear."""
    color, background = ink.text or None, ink.background or None
    flags: dict[str, bool] = {}
    words = iter(text.split())
    for word in words:
        if word == "on":
            background = next(words, background)
        elif word.startswith("#"):
            color = word
        else:
            flags[word] = True
    return Style(
        color=color,
        bgcolor=background,
        bold=flags.get("bold"),
        dim=flags.get("dim"),
        underline=flags.get("underline"),
        reverse=flags.get("reverse"),
        italic=flags.get("italic"),
    )


def strip_of(row: Row, ink: Ink) -> Strip:
    """A row as a strip."""
    segments = [Segment(text, style_of(style, ink)) for text, style in row if text]
    return Strip(segments, sum(width(segment.text) for segment in segments))


def changes(before: Row, after: Row) -> list[tuple[int, int]]:
    """The cells (start, stop) in which two rows of one width differ, near ones joined."""
    if before == after:
        return []
    known = set()
    at = 0
    for text, style in before:
        known.add((at, text, style))
        at += width(text)
    out: list[tuple[int, int]] = []
    at = 0
    for text, style in after:
        size = width(text)
        if size and (at, text, style) not in known:
            if out and at - out[-1][1] <= _NEAR:
                out[-1] = (out[-1][0], at + size)
            else:
                out.append((at, at + size))
        at += size
    return out


class Surface(Widget):
    """Shows rows. `show` compares with what is there and repaints the difference."""

    DEFAULT_CSS = "Surface { width: 100%; height: 100%; }"
    can_focus = False

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._strips: list[Strip] = []
        self._ink: Ink | None = None
        self.repainted = 0  # cells, for the tests
        self.painted: list[Region] = []  # what the last `show` sent

    def show(self, rows: list[Row], ink: Ink) -> None:
        """Put rows on the screen."""
        before, whole = self._rows, ink is not self._ink or len(rows) != len(self._rows)
        self._ink = ink
        if whole:
            self._strips = [strip_of(row, ink) for row in rows]
            self._rows = rows
            self.painted = [self.region]
            self.refresh()
            return
        regions = []
        for y, row in enumerate(rows):
            spans = changes(before[y], row)
            if spans:
                self._strips[y] = strip_of(row, ink)
                regions += [Region(start, y, stop - start, 1) for start, stop in spans]
        self._rows, self.painted = rows, regions
        if regions:
            self.repainted += sum(region.width for region in regions)
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """A row that was painted before."""
        if y < len(self._strips):
            strip = self._strips[y]
            if strip.cell_length == self.size.width:
                return strip
            base = style_of("", self._ink) if self._ink is not None else Style()
            return strip.adjust_cell_length(self.size.width, base)
        return Strip([Segment(" " * self.size.width, Style())], self.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """The app paints for the new size."""
        event.prevent_default()
