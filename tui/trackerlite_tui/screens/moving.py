"""From chart to chart, by keys and by mouse, and into the full view and out of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.curves.chart import Drawing
    from trackerlite_tui.desk import Desk


class Moving:
    """Which chart has the focus, and whether it fills the screen."""

    desk: Desk
    focus: str
    full: bool
    inspecting: bool
    _grid: tuple[int, int]
    panel_top: int
    _cells: list[tuple[int, int, int, int, str]]
    _drawings: dict[str, Drawing]

    if TYPE_CHECKING:  # the screen has them, from its other parts

        def runs(self) -> list[RunInfo]: ...

        def metrics(self) -> list[str]: ...

        def stop_inspecting(self) -> None: ...

        def inspect_at(self, place: float) -> None: ...

        def zoom_at(self, place: float, by: int) -> None: ...

        def pan_by(self, share: float) -> None: ...

        def do_reset(self, _: str) -> None: ...

        def _side(self, columns: int) -> int: ...

    def do_focus(self, where: str) -> None:
        """Another chart."""
        metrics = self.metrics()
        if not metrics:
            return
        index = metrics.index(self.focus) if self.focus in metrics else 0
        across = self._grid[0]
        by = {"left": -1, "right": 1, "up": -across, "down": across}[where]
        if 0 <= index + by < len(metrics):
            self.focus = metrics[index + by]
        elif by > 1 and index // across < (len(metrics) - 1) // across:
            self.focus = metrics[-1]

    def do_first(self, _: str) -> None:
        """The first chart."""
        self.focus = (self.metrics() or [""])[0]

    def do_last(self, _: str) -> None:
        """The last chart."""
        self.focus = (self.metrics() or [""])[-1]

    def do_page(self, by: str) -> None:
        """Another page, or another metric in the full view."""
        metrics = self.metrics()
        if not metrics:
            return
        size = 1 if self.full else self._grid[0] * self._grid[1]
        index = metrics.index(self.focus) if self.focus in metrics else 0
        if self.full:
            self.focus = metrics[(index + int(by)) % len(metrics)]
            return
        pages = math.ceil(len(metrics) / size)
        self.focus = metrics[min(((index // size + int(by)) % pages) * size, len(metrics) - 1)]

    def do_next(self, by: str) -> None:
        """The next metric."""
        self.do_focus("right" if by == "1" else "left")

    def do_full(self, _: str) -> None:
        """One chart on the whole screen."""
        self.full = bool(self.focus)

    def do_leave(self, _: str) -> None:
        """Out of inspecting, then out of the full view."""
        if self.inspecting:
            self.stop_inspecting()
        elif self.full:
            self.full = False
            self.do_reset("")

    def do_back(self, _: str) -> None:
        """What is innermost closes first."""
        if self.inspecting or self.full:
            self.do_leave("")
        else:
            self.desk.back()

    # -- the mouse -----------------------------------------------------------------------

    def _at(self, x: int, y: int) -> tuple[str, int, int] | None:
        """The metric at a cell, and the cell's place in its chart."""
        for left, top, columns, rows, name in self._cells:
            if left <= x < left + columns and top <= y < top + rows:
                return name, x - left, y - top
        return None

    def click(self, x: int, y: int, double: bool) -> None:
        """A click focuses, a second one opens; in the full view it inspects."""
        hit = self._at(x, y)
        if hit is None:
            self._click_panel(x, y)
            return
        name, column, _ = hit
        self.focus = name
        if double and not self.full:
            self.do_full("")
        elif self.full or self.inspecting:
            self.inspect_at(self._drawings[name].value_at(column))

    def _click_panel(self, x: int, y: int) -> None:
        lines = self.desk.signs.by_run(self.runs())
        index = y - 1 - self.panel_top
        if x < self._side(self.desk.columns) and 0 <= index < len(lines):
            self.desk.cursor_run = lines[index].run.key

    def wheel(self, x: int, y: int, by: int) -> None:
        """Zoom in the full view, turn pages in the grid."""
        hit = self._at(x, y)
        if self.full and hit:
            self.zoom_at(self._drawings[hit[0]].value_at(hit[1]), -by)
        else:
            self.do_page(str(by))

    def drag(self, x: int, y: int, dx: int, dy: int) -> None:
        """Pan in the full view."""
        if self.full and self.focus in self._drawings and dx:
            drawing = self._drawings[self.focus]
            self.pan_by(-dx / max(1, drawing.columns))
