"""What every screen can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite_tui.rows import Row, fill
from trackerlite_tui.screens import TITLES
from trackerlite_tui.snapshot import Wants

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk
    from trackerlite_tui.graphics import Placed


class Page:
    """One screen: it says what it needs, paints itself, and takes keys through `do_…` methods."""

    name = ""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @property
    def title(self) -> str:
        """Its name in the header."""
        return TITLES[self.name]

    @property
    def contexts(self) -> tuple[str, ...]:
        """The contexts of the key table that hold here, the nearest first."""
        return (self.name,)

    def wants(self) -> Wants:
        """What it needs of the store."""
        return Wants(filter=self.desk.state.filter)

    def paint(self, columns: int, rows: int) -> list[Row]:
        """At most `rows` rows."""
        raise NotImplementedError

    def say(self, text: str, columns: int, rows: int) -> list[Row]:
        """One line in the middle, where there is nothing else to show."""
        return [fill(columns)] * max(0, rows // 2 - 1) + [
            [(text.center(columns), self.desk.look.dim)]
        ]

    def picture(self) -> Placed | None:
        """What the terminal's own graphics show of what was just painted; None: nothing."""
        return None

    def tiny(self, columns: int) -> str:
        """One line for a terminal too small for anything else."""
        return ""

    def click(self, x: int, y: int, double: bool) -> None:
        """The left button at a cell of what was painted."""

    def wheel(self, x: int, y: int, by: int) -> None:
        """The wheel over a cell: 1 is down, -1 up."""

    def drag(self, x: int, y: int, dx: int, dy: int) -> None:
        """The mouse moved to a cell by dx, dy with the button down."""

    def focus_on(self, name: str) -> None:
        """Focus a metric, come from another screen."""

    def jump_to(self, place: float) -> None:
        """Go to a place on the x axis, come from another screen."""
