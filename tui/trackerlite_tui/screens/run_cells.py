"""What the cells of the run table say, kept until something they say changes."""

from __future__ import annotations

from collections.abc import Hashable
from operator import is_
from typing import TYPE_CHECKING

from trackerlite.text import counted
from trackerlite_tui.order import Group, value_text
from trackerlite_tui.screens.run_columns import SPARK
from trackerlite_tui.text import safe
from trackerlite_tui.widgets.table import Cell

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.desk import Desk
    from trackerlite_tui.snapshot import Curve

_MOVING = frozenset(("st", "time", "left", "pace"))  # what a running run's clock changes


class RunCells:
    """Cells by run and column; `begin` before each painting."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._drawn: set[int] = set()
        self._alerted: frozenset[int] = frozenset()  # the runs that have alerts
        self._alerted_as: object = None
        self._best: dict[str, tuple[object, float | None]] = {}
        self._kept: dict[tuple[int, str], tuple[object, Cell]] = {}
        self._kept_as: tuple[object, ...] = ()
        self._kept_of: tuple[object, ...] = (None,) * 3

    def cell(self, item: Hashable, column: str) -> Cell:
        """What a cell says; what does not depend on the time is kept."""
        if isinstance(item, Group):
            return self._group_cell(item, column)
        run = self.desk.runs.by_key.get(item) if isinstance(item, int) else None
        if run is None:
            return ("", "")
        if column == "age" or (column in _MOVING and run.state == "running"):
            return self._run_cell(run, column)
        curve = self._curve(run, column[6:]) if column.startswith("spark:") else None
        kept = self._kept.get((run.key, column))
        if kept is None or kept[0] is not curve:
            kept = self._kept[run.key, column] = curve, self._run_cell(run, column)
        return kept[1]

    def begin(self) -> None:
        """A painting begins: forget what was kept if anything it says may have changed."""
        desk, state = self.desk, self.desk.state
        self._drawn = {run.key for run in desk.drawn()}
        if self._alerted_as is not desk.snapshot.alerts:
            self._alerted_as = desk.snapshot.alerts
            self._alerted = frozenset(alert.run_key for alert in desk.snapshot.alerts)
        parts = (desk.runs, desk.snapshot.statistics, desk.look)
        form = (
            list(state.marks), list(state.pinned_runs), state.color_by, state.band, self._drawn,
            self._alerted,
        )  # fmt: skip
        if form != self._kept_as or not all(map(is_, parts, self._kept_of)):
            self._kept.clear()
            self._kept_as, self._kept_of = form, parts

    def _run_cell(self, run: RunInfo, column: str) -> Cell:
        desk, look = self.desk, self.desk.look
        if column == "mark":
            return self._mark(run)
        if column == "st":
            return desk.state_of(run)
        if column == "name":
            pinned = look.pick("⌃", "^") if run.id in desk.state.pinned_runs else ""
            # The key that shows the alerts marks who has some.
            alerted = "! " if run.key in self._alerted else ""
            name = alerted + pinned + safe(run.name or run.id)
            return (name, look.warn if alerted else look.text)
        if column.startswith("spark:"):
            return (
                self.spark(run, column.partition(":")[2]),
                desk.color(run) if run.key in self._drawn else look.dim,
            )
        style = look.text if column.startswith(("m:", "best:")) else look.dim
        if column.startswith(("best:", "m:")):
            style = look.good if self._is_best(run, column) else style
        if column == "pace" and desk.runs.silence(run) is not None:
            style = look.warn
        if column in ("reason", "state"):
            style = desk.state_of(run)[1]
        return (desk.runs.text(run, column), style)

    def _mark(self, run: RunInfo) -> Cell:
        desk, look = self.desk, self.desk.look
        if run.id in desk.state.marks:
            glyph = look.pick("●", "*")
        elif run.key in self._drawn:
            glyph = look.pick("○", "o")
        else:
            return (" ", look.dim)
        return (glyph if look.ink.colored else desk.signs.sign(run), desk.color(run))

    def _is_best(self, run: RunInfo, column: str) -> bool:
        """Whether the run has the best value of a column among those listed."""
        name = column.partition(":")[2]
        goal = self.desk.runs.goal(name)
        if goal is None or len(self.desk.runs.runs) < 2:
            return False
        runs = self.desk.runs
        if self._best.get(column, (None,))[0] is not runs.runs:
            values = [runs.raw(r, column) for r in runs.runs]
            good = [v for v in values if isinstance(v, (int, float)) and v == v]
            found = (max if goal == "max" else min)(good) if good else None
            self._best[column] = (runs.runs, found)
        best = self._best[column][1]
        return best is not None and runs.raw(run, column) == best

    def spark(self, run: RunInfo, name: str) -> str:
        """The shape of a metric in SPARK characters, as far as its curve is there."""
        curve = self._curve(run, name)
        if curve is None or not len(curve.y):
            return ""
        stride = len(curve.y) / SPARK
        last = len(curve.y) - 1
        values = [
            float(curve.y[min(last, int((i + 0.5) * stride))])
            for i in range(min(SPARK, len(curve.y)))
        ]
        return self.desk.look.spark(values)

    def _curve(self, run: RunInfo, name: str) -> Curve | None:
        return self.desk.snapshot.curves.get((run.key, "history", name))

    def _group_cell(self, group: Group, column: str) -> Cell:
        look, runs = self.desk.look, self.desk.runs
        if column == "name":
            return (f"{group.value} · {counted(len(group.runs), 'run')}", look.strong)
        if column.startswith(("m:", "best:")):
            values = [runs.raw(runs.by_key[k], column) for k in group.runs if k in runs.by_key]
            good = [
                v
                for v in values
                if isinstance(v, (int, float)) and v == v and abs(v) != float("inf")
            ]
            if good:
                mean = sum(good) / len(good)
                spread = (sum((v - mean) ** 2 for v in good) / len(good)) ** 0.5
                return (f"{value_text(mean)} ±{value_text(float(f'{spread:.2g}'))}", look.accent)
        return ("", "")
