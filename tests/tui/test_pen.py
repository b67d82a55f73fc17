"""What is written to the terminal: a small terminal reads it back."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem

from trackerlite_tui.curves.palette import DARK_INK, NO_INK
from trackerlite_tui.rows import Row, fit, slice_row, width
from trackerlite_tui.widgets.pen import codes, written
from trackerlite_tui.widgets.surface import changes

COLUMNS, LINES = 24, 3
STYLES = st.sampled_from(
    ["", "bold", "#ff0000", "bold #ff0000 on #000000", "reverse", "#00ff00 on #111111"]
)
PIECES = st.lists(st.tuples(st.text("ab ⣿漢\u0301", max_size=6), STYLES), max_size=5)
FRAMES = st.lists(PIECES, min_size=LINES, max_size=LINES).map(
    lambda rows: [fit([p for p in row if width(p[0])], COLUMNS) for row in rows]
)
_PARTS = re.compile(r"\x1b\[([\d;]*)([Hm])|([^\x1b])", re.DOTALL)


class Terminal:
    """Cells of (character, SGR numbers in force), as far as our sequences go."""

    def __init__(self) -> None:
        self.cells = [[(" ", "")] * COLUMNS for _ in range(LINES)]

    def take(self, data: str) -> None:
        """Do what the data says."""
        x = y = 0
        style = ("", "39", "49")
        for match in _PARTS.finditer(data):
            numbers, kind, char = match.groups()
            if kind == "H":
                y, x = (int(number) - 1 for number in numbers.split(";"))
            elif kind == "m":
                style = _styled(style, numbers)
            elif width(char):
                for half in range(width(char)):
                    self.cells[y][x + half] = (char if not half else "", ";".join(style))
                x += width(char)


def _styled(style: tuple[str, str, str], numbers: str) -> tuple[str, str, str]:
    flags, front, back = style
    found = re.findall(r"38;2;\d+;\d+;\d+|48;2;\d+;\d+;\d+|\d+", numbers)
    for one in found:
        if one == "0":
            flags, front, back = "", "39", "49"
        elif one.startswith("38") or one == "39":
            front = one
        elif one.startswith("48") or one == "49":
            back = one
        else:
            flags = one
    return flags, front, back


def painted(frame: list[Row]) -> Terminal:
    """A terminal on which a whole frame was written."""
    terminal = Terminal()
    terminal.take(
        written(frame, [(y, 0, COLUMNS) for y in range(LINES)], DARK_INK, ColorSystem.TRUECOLOR)
    )
    return terminal


@given(FRAMES, FRAMES)
def test_writing_what_changed_leaves_the_new_frame(before: list[Row], after: list[Row]) -> None:
    """A terminal that shows one frame and gets the changes shows the other, cell and style."""
    terminal = painted(before)
    spans = [
        (y, start, stop)
        for y, (old, new) in enumerate(zip(before, after, strict=True))
        for start, stop in changes(old, new)
    ]
    terminal.take(written(after, spans, DARK_INK, ColorSystem.TRUECOLOR))
    assert terminal.cells == painted(after).cells


def test_one_cell_costs_a_move_and_a_style() -> None:
    """A changed cell in a long row sends that cell alone."""
    before: Row = [("⣿" * 200, "#ff0000")]
    after: Row = [("⣿" * 150 + "⣇" + "⣿" * 49, "#ff0000")]
    assert changes(before, after) == [(150, 151)]
    data = written([after], [(0, 150, 151)], DARK_INK, ColorSystem.TRUECOLOR)
    assert data.startswith("\x1b[1;151H")
    assert len(data.encode()) < 64
    assert slice_row(after, 150, 151) == [("⣇", "#ff0000")]


def test_a_style_that_goes_on_is_not_sent_again() -> None:
    """Two pieces of one style cost one sequence; a change of colour leaves the background."""
    row: Row = [("a", "#ff0000"), ("b", "#ff0000"), ("c", "#00ff00")]
    data = written([row], [(0, 0, 3)], DARK_INK, ColorSystem.TRUECOLOR)
    assert data.count("38;2;255;0;0") == 1
    assert data.count("48;2") == 1


def test_no_colour_and_few_colours() -> None:
    """Without ink no colour is sent; a terminal of 256 colours gets numbers that it knows."""
    assert codes("bold", NO_INK, ColorSystem.TRUECOLOR) == ("1", "39", "49")
    assert codes("#ff0000", DARK_INK, ColorSystem.EIGHT_BIT)[1].startswith("38;5;")
