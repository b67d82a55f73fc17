"""One frame without a terminal: as text, SVG or PNG."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from trackerlite_tui.curves.palette import DARK_INK
from trackerlite_tui.desk import Desk
from trackerlite_tui.look import Look
from trackerlite_tui.reading import Reading
from trackerlite_tui.rows import Row
from trackerlite_tui.snapshot import Job, Wants
from trackerlite_tui.state import State

if TYPE_CHECKING:
    from trackerlite.readers import Reader

_PATIENCE = 20.0


class _Effects:
    """A world in which reading and editing happen at once, in this thread."""

    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self.wants = Wants()
        self.open = open_reader
        self.copied = ""

    def want(self, wants: Wants) -> None:
        self.wants = wants

    def refresh(self) -> None: ...

    def do(self, job: Job, done: Callable[[Exception | None], None]) -> None:
        try:
            with self.open() as reader:
                job(reader)
        except Exception as problem:  # as the feed does it
            done(problem)
        else:
            done(None)

    def copy(self, text: str) -> None:
        self.copied = text

    def bell(self) -> None: ...
    def quit(self) -> None: ...


class Still:
    """A desk that reads a store by itself, one step at a time."""

    def __init__(
        self, open_reader: Callable[[], Reader], state: State, columns: int, rows: int, look: Look
    ) -> None:
        self._effects = _Effects(open_reader)
        self.desk = Desk(state, self._effects, appearance=look)
        self.desk.resize(columns, rows)
        self._reading = Reading(self.desk.take)

    def settle(self) -> None:
        """Read until the screen asks for nothing new.

        Raises:
            TrackerliteError: the store cannot be opened.
        """
        until = time.monotonic() + _PATIENCE
        with self._effects.open() as reader:
            self._reading.forget()
            asked: Wants | None = None
            while self._effects.wants != asked and time.monotonic() < until:
                asked = self._effects.wants
                self._reading.read(reader, asked)
                self.desk.paint()
                self.desk.ask()

    def key(self, *names: str) -> None:
        """Press keys, reading what they need."""
        for name in names:
            self.desk.key(name, " " if name == "space" else name if len(name) == 1 else None)
            self.desk.paint()
            self.desk.ask()
            self.settle()


def encode(rows: list[Row], form: str, look: Look, colors: bool = False) -> bytes:
    """Rows as `text` (with colours only for a terminal), `svg` or `png`."""
    ink = look.ink if look.ink.colored else DARK_INK
    if form in ("svg", "png"):
        from trackerlite_tui.curves import picture

        return picture.svg(rows, ink).encode() if form == "svg" else picture.png(rows, ink)
    if not colors:
        return ("\n".join("".join(text for text, _ in row).rstrip() for row in rows) + "\n").encode(
            "utf-8", "replace"
        )
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    from trackerlite_tui.widgets.surface import style_of

    out = StringIO()
    console = Console(file=out, force_terminal=True, width=10_000, color_system="truecolor")
    for row in rows:
        console.print(
            Text.assemble(*((text, style_of(style, ink)) for text, style in row)), soft_wrap=True
        )
    return out.getvalue().encode("utf-8", "replace")
