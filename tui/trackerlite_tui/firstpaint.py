"""The run table and its curves on the terminal before Textual is even loaded.

Loading Textual takes longer than reading a thousand runs and loading NumPy. So the first frames
are written by hand: the same desk paints them, and Textual repaints them when it comes.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trackerlite_tui.curves.palette import Ink, parse_style, rgb
from trackerlite_tui.desk import Desk
from trackerlite_tui.effects import Nothing
from trackerlite_tui.look import Look
from trackerlite_tui.reading import Reading
from trackerlite_tui.rows import Row
from trackerlite_tui.snapshot import Snapshot, Wants

if TYPE_CHECKING:
    from trackerlite.readers import Reader
    from trackerlite_tui.state import State

_HURRY = 1.5  # seconds of reading before Textual is loaded, whatever is read by then
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[H"
_LEAVE = "\x1b[?1049l\x1b[?25h"
_FLAGS = {"bold": "1", "dim": "2", "italic": "3", "underline": "4", "reverse": "7"}


def paint(store: str, state: State) -> Snapshot | None:
    """Put the runs, then their curves, on the terminal; None where there is nothing to read yet."""
    from trackerlite.readers import Reader

    def open_reader() -> Reader:
        return Reader.open(store, refresh=False)

    try:
        with open_reader() as reader:
            first = Snapshot(
                at=time.time(),
                runs=tuple(reader.runs()),
                alerts=tuple(reader.alerts()),
                store=str(reader.path),
            )
            desk = Desk(state, Nothing())
            desk.resize(*size())
            desk.take(first)
            write(desk.paint(), desk.look)
            rows = _read_on(reader, desk, first)
    except Exception:
        return None  # the feed meets it as well, and says it in a sentence
    if desk.snapshot.curves or desk.snapshot.bands:
        write(rows, desk.look)
    return desk.snapshot


def _read_on(reader: Reader, desk: Desk, first: Snapshot) -> list[Row]:
    """Read what the first screen shows, as far as that is quick, and paint it: the app reads the rest."""
    rows: list[Row] = []
    until = time.monotonic() + _HURRY
    reading = Reading(
        desk.take, first=first, moved=lambda _: time.monotonic() > until, changed=lambda _: True
    )
    asked: Wants | None = None
    while asked != (wants := desk.screen.wants()) and time.monotonic() < until:
        asked = wants
        reading.read_wanted(reader, wants)
        rows = desk.paint()  # what fits, and so what is wanted, is known once it is painted
    return rows


@contextmanager
def quiet_terminal() -> Iterator[None]:
    """Keys typed before Textual listens are not echoed; in the end all is as it was."""
    import termios
    import tty

    try:
        before = termios.tcgetattr(0)
    except termios.error:
        yield
        return
    tty.setcbreak(0)
    now = termios.tcgetattr(0)
    now[0] &= ~termios.ICRNL  # or the enter that was typed is no enter once Textual reads it
    termios.tcsetattr(0, termios.TCSANOW, now)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def write(rows: list[Row], look: Look) -> None:
    """Put a frame on the terminal's other screen."""
    deep = os.environ.get("COLORTERM", "") in ("truecolor", "24bit")
    text = "\r\n".join(
        "".join(_piece(text, style, look.ink, deep) for text, style in row) for row in rows
    )
    _send(_ENTER + text + "\x1b[0m")


def leave() -> None:
    """Give the terminal back when Textual never came."""
    _send(_LEAVE)


def _send(text: str) -> None:
    """To where Textual writes, which is not standard output: that may be a pipe."""
    if sys.__stderr__ is not None:
        sys.__stderr__.write(text)
        sys.__stderr__.flush()


def _piece(text: str, style: str, ink: Ink, deep: bool) -> str:
    color, background, flags = parse_style(style, ink.text, ink.background)
    codes = ["0", *(code for flag, code in _FLAGS.items() if flag in flags)]
    for prefix, value in (("38", color), ("48", background)):
        if value:
            codes.append(
                f"{prefix};2;{';'.join(map(str, rgb(value)))}"
                if deep
                else f"{prefix};5;{_cube(value)}"
            )
    return f"\x1b[{';'.join(codes)}m{text}"


def _cube(color: str) -> int:
    """The nearest of the 216 colours that every terminal of 256 has."""
    r, g, b = (0 if c < 48 else 1 if c < 115 else (c - 35) // 40 for c in rgb(color))
    return 16 + 36 * r + 6 * g + b


def size() -> tuple[int, int]:
    """The terminal's columns and rows, as Textual will find them."""
    found = shutil.get_terminal_size()
    return found.columns, found.lines
