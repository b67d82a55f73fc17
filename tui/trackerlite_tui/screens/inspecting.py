"""Reading values along a curve: a cursor, two marks, and what every run has there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from trackerlite_tui.curves.numbers import duration_label, number
from trackerlite_tui.rows import Row, clip, fit, pad, width, words
from trackerlite_tui.snapshot import RELATIVE, WALL, Curve
from trackerlite_tui.strands import Strand
from trackerlite_tui.text import safe

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.desk import Desk


def place_text(axis: str, value: float) -> str:
    """A place on the x axis in words."""
    if axis == RELATIVE:
        return duration_label(value)
    if axis == WALL:
        return time.strftime("%d %b %H:%M:%S", time.localtime(value))
    return number(value, 7) if value != int(value) else str(int(value))


def _reaches(curve: Curve, place: float) -> bool:
    """Whether a curve has a point before and after a place, so that what is near says something."""
    return bool(curve.x[0] <= place <= curve.x[-1])


class Inspecting:
    """The cursor of the charts screen."""

    desk: Desk
    stream: str
    focus: str

    inspecting = False
    everywhere = False
    cursor: float | None = None
    marks: tuple[float, ...] = ()

    def runs(self) -> list[RunInfo]:
        """The runs that are drawn."""
        raise NotImplementedError

    def strands(self) -> list[Strand]:
        """The lines that are drawn."""
        raise NotImplementedError

    def _swatch(self, one: Strand) -> tuple[str, str]:
        raise NotImplementedError

    # -- moving --------------------------------------------------------------------------

    def _curve(self, one: Strand) -> Curve | None:
        return self.desk.snapshot.curves.get(one.curve(self.stream, self.focus))

    def _leader(self) -> Curve | None:
        """The curve whose points the cursor steps along: the focused run's, else the first."""
        lines = sorted(self.strands(), key=lambda one: one.run.key != self.desk.cursor_run)
        return next((c for c in map(self._curve, lines) if c is not None and len(c.x)), None)

    def do_inspect(self, _: str) -> None:
        """Begin at the last point, or stop."""
        if self.inspecting:
            self.stop_inspecting()
            return
        curve = self._leader()
        if curve is None:
            self.desk.notify("no line to read here: bands stand for runs (b draws lines)", "warn")
            return
        self.inspecting = True
        self.cursor = float(curve.x[-1])

    def stop_inspecting(self) -> None:
        """No cursor, no marks."""
        self.inspecting, self.cursor, self.marks = False, None, ()

    def inspect_at(self, place: float) -> None:
        """Put the cursor on the point nearest to a place."""
        import numpy as np

        curve = self._leader()
        if curve is not None:
            self.inspecting = True
            self.cursor = float(curve.x[int(np.argmin(np.abs(curve.x - place)))])

    def do_step(self, by: str) -> None:
        """Along the points of the leading curve."""
        import numpy as np

        curve = self._leader()
        if curve is None or self.cursor is None:
            return
        places = np.unique(curve.x)
        at = int(np.searchsorted(places, self.cursor))
        target = {"start": 0, "end": len(places) - 1}.get(by)
        index = target if target is not None else at + int(by)
        self.cursor = float(places[max(0, min(index, len(places) - 1))])

    def do_mark_here(self, _: str) -> None:
        """Set a mark; a third one begins anew."""
        if self.cursor is not None:
            self.marks = (*self.marks, self.cursor) if len(self.marks) < 2 else (self.cursor,)

    def do_sync(self, _: str) -> None:
        """The cursor in all charts, or in this one."""
        self.everywhere = not self.everywhere

    def mark_signs(self) -> tuple[tuple[float, str], ...]:
        """The marks as the chart wants them."""
        return tuple(zip(self.marks, "AB", strict=False))

    # -- reading -------------------------------------------------------------------------

    def _nearest(self, curve: Curve, place: float) -> int:
        """The point nearest to a place, preferring one that has a value there."""
        import numpy as np

        return int(np.argmin(np.abs(curve.x - place)))

    def _value(self, curve: Curve, place: float) -> float:
        return float(curve.y[self._nearest(curve, place)])

    def _rows(self, one: Strand, columns: int) -> list[Row]:
        """What one line has at the cursor."""
        look, state = self.desk.look, self.desk.state
        curve, name = self._curve(one), one.short
        if curve is None or not len(curve.x) or self.cursor is None:
            return [fit([(" ", ""), self._swatch(one), (f" {name}", look.text)], columns)]
        index = self._nearest(curve, self.cursor)
        value = number(float(curve.y[index]), 6) + (
            "" if curve.whole else " ≈" if not look.ascii_only else " ~"
        )
        room = max(1, columns - width(value) - 6)
        out: list[Row] = [
            fit(
                [
                    (" ", ""),
                    self._swatch(one),
                    (f" {pad(name, room, look.ascii_only)} ", look.text),
                    (value, look.strong),
                ],
                columns,
            )
        ]
        since = float(curve.time[index]) - (one.run.started or 0.0)
        clock = time.strftime("%H:%M:%S", time.localtime(float(curve.time[index])))
        facts = f"step {int(curve.step[index])} · {duration_label(since)} · {clock}"
        if not _reaches(curve, self.cursor):
            facts = ("ended at " if self.cursor > curve.x[-1] else "begins at ") + facts
        if state.smoothing:
            smooth = f"smoothed {number(float(curve.smooth[index]), 5)}"
            out.append(
                fit([("    ", ""), (clip(smooth, columns - 4, look.ascii_only), look.dim)], columns)
            )
        for line in words(facts, columns - 4):
            piece = clip(line, columns - 4, look.ascii_only)
            out.append(fit([("    ", ""), (piece, look.dim)], columns))
        if len(self.marks) == 2 and all(_reaches(curve, place) for place in self.marks):
            a, b = (self._value(curve, place) for place in self.marks)
            share = f" ({(b - a) / abs(a):+.1%})" if a else ""
            out.append(
                fit(
                    [("    ", ""), (f"{look.pick('Δ', 'd')} {number(b - a, 5)}{share}", look.warn)],
                    columns,
                )
            )
        return out

    def _heading(self, columns: int) -> list[Row]:
        look, axis = self.desk.look, self.desk.snapshot.axis
        out: list[Row] = []
        if self.cursor is not None:
            out.append(
                fit(
                    [
                        (f" {safe(axis, 16)} ", look.dim),
                        (place_text(axis, self.cursor), look.accent),
                    ],
                    columns,
                )
            )
        for place, sign in self.mark_signs():
            out.append(
                fit([(f" {sign} ", look.warn), (place_text(axis, place), look.text)], columns)
            )
        if len(self.marks) == 2:
            span = abs(self.marks[1] - self.marks[0])
            wide = duration_label(span) if axis in (RELATIVE, WALL) else place_text(axis, span)
            out.append(fit([(f" {look.pick('Δ', 'd')} ", look.warn), (wide, look.text)], columns))
        return out

    def panel_readout(self, runs: list[RunInfo], columns: int) -> list[Row]:
        """The side panel while inspecting."""
        out = self._heading(columns)
        for one in self.desk.signs.by_run(runs):
            out += self._rows(one, columns)
        return out

    def readout(self, columns: int, rows: int) -> list[Row]:
        """The rows below the charts where there is no side panel: the focused run first."""
        out = self._heading(columns)[:1]
        runs = sorted(self.runs(), key=lambda run: run.key != self.desk.cursor_run)
        for one in self.desk.signs.by_run(runs):
            out += self._rows(one, columns)
        return out[:rows]
