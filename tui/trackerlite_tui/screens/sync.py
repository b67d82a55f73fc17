"""What is where."""

from __future__ import annotations

from trackerlite_tui.rows import Row, fill
from trackerlite_tui.screens.base import Page


class Screen(Page):
    """See the module."""

    name = "sync"

    def paint(self, columns: int, rows: int) -> list[Row]:
        """A sentence."""
        lines = [
            "nothing was sent from this store",
            "trackerlite sync sends it, trackerlite status tells",
        ]
        top = max(0, rows // 2 - 1)
        return [fill(columns)] * top + [
            [(line.center(columns), self.desk.look.dim)] for line in lines
        ]
