"""The run table, with a preview of the run under the cursor."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from operator import is_
from typing import TYPE_CHECKING

from trackerlite_tui.order import Group, value_text
from trackerlite_tui.rows import Row, fit, justify, pad
from trackerlite_tui.screens.base import Page
from trackerlite_tui.screens.run_columns import SPARK, RunColumns, main_metrics
from trackerlite_tui.screens.run_edits import RunEdits
from trackerlite_tui.snapshot import CurveKey, Wants
from trackerlite_tui.text import safe, show
from trackerlite_tui.widgets.menu import Choice, Menu
from trackerlite_tui.widgets.table import Cell, Table

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.desk import Desk

_MANY = 64
_MOVING = frozenset(("time", "left", "pace"))  # what a running run's clock changes


class Screen(RunColumns, RunEdits, Page):
    """See the module."""

    name = "runs"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.table = Table()
        self._keys: list[str] = []
        self._trash = False
        self._last_mark: Hashable | None = None
        self._split_row = 0
        self._drawn: set[int] = set()
        self._best: dict[str, tuple[object, float | None]] = {}
        self._preview: list[CurveKey] = []
        self._kept: dict[tuple[int, str], Cell] = {}
        self._kept_as: tuple[object, ...] = ()
        self._kept_of: tuple[object, ...] = (None,) * 4
        from trackerlite_tui.widgets.chartgrid import Charts

        self._charts = Charts()

    # -- what is needed ------------------------------------------------------------------

    def wants(self) -> Wants:
        """Statistics for the columns, the preview's curves, the visible sparklines."""
        desk = self.desk
        self._keys = self.column_keys()
        metrics = [
            key.partition(":")[2] for key in self._keys if key.startswith(("m:", "best:", "spark:"))
        ]
        grouped = desk.state.group.startswith("m:")
        if grouped:
            metrics.append(desk.state.group[2:])
        self.table.set_items(desk.runs.items)
        run = desk.run()
        shown = main_metrics(desk.snapshot.names, desk.state.pinned_metrics, 8)
        curves: list[CurveKey] = []
        listed: list[int] = []
        if run is not None:
            listed.append(run.key)
            mine = {
                name
                for key, stream, name in desk.snapshot.series
                if key == run.key and stream == "history"
            }
            ordered = [name for name in shown if name in mine] or sorted(mine)
            self._preview = [(run.key, "history", name) for name in ordered]
            curves += self._preview[: max(1, desk.columns // 44)]  # as many as are drawn
        spark = next((key.partition(":")[2] for key in self._keys if key.startswith("spark:")), "")
        if spark:
            body = self.table.items[self.table.top : self.table.top + self.table.height]
            curves += [(item, "history", spark) for item in body if isinstance(item, int)]
        return Wants(
            filter=desk.state.filter,
            columns=tuple(dict.fromkeys(metrics)),
            config=True,
            trashed=self._trash,
            listed=tuple(dict.fromkeys(listed)),
            curves=tuple(dict.fromkeys(curves)),
            dots=160,
            afar=True,
        )

    # -- painting ------------------------------------------------------------------------

    def paint(self, columns: int, rows: int) -> list[Row]:
        """The table, and below it the preview where there is room."""
        desk = self.desk
        preview = 0
        if rows >= 16 and desk.runs.runs:
            preview = max(8, min(rows - 6, round(rows * (1 - desk.state.split))))
            preview = max(preview, min(rows - 4 - len(desk.runs.items), rows * 3 // 4))
        high = rows - preview
        self._split_row = high if preview else -1
        self._columns()
        self._drawn = {run.key for run in desk.drawn()}
        self._keep()
        self.table.set_items(desk.runs.items)
        out = [*self._status(columns)] if rows >= 10 else []
        out += self.table.paint(
            columns,
            high - len(out),
            desk.look,
            self._cell,
            sorted_by=(desk.state.sort, desk.state.reverse),
            empty=self._nothing(columns),
        )
        self._table_top = high - self.table.height - 1
        self._follow_cursor()
        if preview:
            out += self._paint_preview(columns, preview)
        return out

    def _status(self, columns: int) -> list[Row]:
        """What the list is: filter, marks, order."""
        desk, look = self.desk, self.desk.look
        total, listed = len(desk.snapshot.runs), len(desk.runs.runs)
        noun = "run" if total == 1 else "runs"
        left: Row = [
            (f" {listed} of {total} {noun}" if listed != total else f" {total} {noun}", look.text)
        ]
        if self._trash:
            left.append(("  in the trash (Z goes back)", look.warn))
        if desk.state.filter:
            left += [("  filter ", look.dim), (safe(desk.state.filter, 60), look.accent)]
        if desk.state.group:
            left += [
                ("  by ", look.dim),
                (show(desk.state.group.partition(":")[2] or desk.state.group), look.accent),
            ]
        marks = len(desk.marked())
        right: Row = [
            (f"{marks} marked " if marks else "space marks runs to draw and compare ", look.dim)
        ]
        return [justify(left, right, columns)]

    def _nothing(self, columns: int) -> list[str]:
        desk = self.desk
        if desk.snapshot.loading:
            return ["reading the store …".center(columns)]
        if desk.state.filter and desk.snapshot.runs:
            return [
                "no run passes the filter".center(columns),
                "backspace clears it".center(columns),
            ]
        if self._trash:
            return ["the trash is empty".center(columns)]
        return [
            "no runs yet".center(columns),
            "run a script that calls trackerlite.init(), or `trackerlite demo`".center(columns),
        ]

    def _cell(self, item: Hashable, column: str) -> Cell:
        """What a cell says; what does not depend on the time is kept."""
        if isinstance(item, Group):
            return self._group_cell(item, column)
        run = self.desk.runs.by_key.get(item) if isinstance(item, int) else None
        if run is None:
            return ("", "")
        if column == "age" or (column in _MOVING and run.state == "running"):
            return self._run_cell(run, column)
        kept = self._kept.get((run.key, column))
        if kept is None:
            kept = self._kept[run.key, column] = self._run_cell(run, column)
        return kept

    def _keep(self) -> None:
        """Forget the cells that were kept if anything they say may have changed."""
        desk, state = self.desk, self.desk.state
        parts = (desk.runs, desk.snapshot.curves, desk.snapshot.statistics, desk.look)
        form = (list(state.marks), list(state.pinned_runs), state.color_by, self._drawn)
        if form != self._kept_as or not all(map(is_, parts, self._kept_of)):
            self._kept.clear()
            self._kept_as, self._kept_of = form, parts

    def _run_cell(self, run: RunInfo, column: str) -> Cell:
        desk, look = self.desk, self.desk.look
        if column == "mark":
            return self._mark(run)
        if column == "st":
            return look.state(run.state)
        if column == "name":
            pinned = look.pick("⌃", "^") if run.id in desk.state.pinned_runs else ""
            return (pinned + safe(run.name or run.id), look.text)
        if column.startswith("spark:"):
            return (
                self._spark(run, column.partition(":")[2]),
                desk.color(run) if self._is_drawn(run) else look.dim,
            )
        style = look.text if column.startswith(("m:", "best:")) else look.dim
        if column.startswith(("best:", "m:")):
            style = look.good if self._is_best(run, column) else style
        if column in ("reason", "state"):
            style = look.state(run.state)[1]
        return (desk.runs.text(run, column), style)

    def _mark(self, run: RunInfo) -> Cell:
        desk, look = self.desk, self.desk.look
        if run.id in desk.state.marks:
            sign = (
                look.pick("●", "*") if look.ink.colored else look.marker(desk.state.color(run.id))
            )
            return (sign, desk.color(run))
        if self._is_drawn(run):
            sign = (
                look.pick("○", "o") if look.ink.colored else look.marker(desk.state.color(run.id))
            )
            return (sign, desk.color(run))
        return (" ", look.dim)

    def _is_drawn(self, run: RunInfo) -> bool:
        return run.key in self._drawn

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

    def _spark(self, run: RunInfo, name: str) -> str:
        curve = self.desk.snapshot.curves.get((run.key, "history", name))
        if curve is None or not len(curve.y):
            return ""
        stride = len(curve.y) / SPARK
        last = len(curve.y) - 1
        values = [
            float(curve.y[min(last, int((i + 0.5) * stride))])
            for i in range(min(SPARK, len(curve.y)))
        ]
        return self.desk.look.spark(values)

    def _group_cell(self, group: Group, column: str) -> Cell:
        look, runs = self.desk.look, self.desk.runs
        if column == "name":
            return (f"{group.value} · {len(group.runs)}", look.strong)
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

    def _follow_cursor(self) -> None:
        item = self.table.current
        key = item.runs[0] if isinstance(item, Group) and item.runs else item
        if isinstance(key, int) and key != self.desk.cursor_run:
            self.desk.cursor_run = key

    def _paint_preview(self, columns: int, rows: int) -> list[Row]:
        desk, look = self.desk, self.desk.look
        run = desk.run()
        if run is None:
            return []
        line = look.pick("─", "-")
        title: Row = [(line * 2 + " ", look.faint), look.state(run.state), (" ", "")]
        title += [(safe(run.name or run.id), look.strong), (f" {safe(run.ref)}", look.dim)]
        facts = [run.state]
        if run.reason:
            facts.append(show(run.reason, 60))
        if run.notes:
            facts.append(safe(run.notes.split("\n")[0], 60))
        title.append((" · " + " · ".join(facts) + " ", look.dim))
        head = fit(title, columns)
        if sum(len(t) for t, _ in title) < columns:
            head = fit([*title, (line * columns, look.faint)], columns)
        body = self._charts.preview(desk, self._preview, columns, rows - 1)
        return [head, *body]

    def tiny(self, columns: int) -> str:
        """The first metric of the first run as a sparkline."""
        run = self.desk.run()
        if run is None or not self._preview:
            return ""
        name = self._preview[0][2]
        info = self.desk.snapshot.series.get(self._preview[0])
        last = value_text(info.last) if info else ""
        room = columns - len(last) - 1
        return f"{pad(safe(name.rpartition('/')[2]), max(0, room - SPARK - 1))} {self._spark(run, name)} {last}"

    # -- keys: moving --------------------------------------------------------------------

    @property
    def contexts(self) -> tuple[str, ...]:
        """Its own keys, then a list's."""
        return ("runs", "list")

    def do_move(self, by: str) -> None:
        """Up or down."""
        self.table.move(int(by))
        self._follow_cursor()

    def do_half(self, by: str) -> None:
        """Half a page."""
        self.do_move(str(int(by) * max(1, self.table.height // 2)))

    def do_top(self, _: str) -> None:
        """The first run."""
        self.do_move(str(-len(self.table.items)))

    def do_bottom(self, _: str) -> None:
        """The last run."""
        self.do_move(str(len(self.table.items)))

    def do_scroll(self, by: str) -> None:
        """Columns to the left or right."""
        self.table.scroll(int(by))

    def do_next(self, by: str) -> None:
        """The next marked run."""
        marks = set(self.desk.state.marks)
        if not marks:
            self.desk.notify("no run is marked: space marks")
        items = self.table.items
        for offset in range(1, len(items)):
            index = (self.table.index + offset * int(by)) % len(items)
            item = items[index]
            run = self.desk.runs.by_key.get(item) if isinstance(item, int) else None
            if run and run.id in marks:
                self.table.index = index
                break
        self._follow_cursor()

    def do_open(self, _: str) -> None:
        """Charts of the marked runs, or of this one."""
        run = self.desk.run()
        if run is not None and not self.desk.marked():
            self.desk.state.marks = [run.id]
        self.desk.do_screen("charts")

    # -- keys: marks ---------------------------------------------------------------------

    def _here(self) -> list[RunInfo]:
        item = self.table.current
        by_key = self.desk.runs.by_key
        if isinstance(item, Group):
            return [by_key[key] for key in item.runs if key in by_key]
        return [by_key[item]] if isinstance(item, int) and item in by_key else []

    def do_mark(self, _: str) -> None:
        """Mark or unmark; a group's heading stands for all its runs."""
        marks = self.desk.state.marks
        here = self._here()
        marked = all(run.id in marks for run in here)
        for run in here:
            if marked:
                marks.remove(run.id)
            elif run.id not in marks:
                marks.append(run.id)
        self._last_mark = self.table.current
        self.do_move("1")

    def do_range(self, _: str) -> None:
        """Mark from the last mark to here."""
        items = self.table.items
        start = items.index(self._last_mark) if self._last_mark in items else self.table.index
        low, high = sorted((start, self.table.index))
        self._mark_all([item for item in items[low : high + 1] if isinstance(item, int)])
        self._last_mark = self.table.current

    def do_all(self, _: str) -> None:
        """Mark all that are listed; many only after a question."""
        every = [run.key for run in self.desk.runs.runs]
        if len(every) <= _MANY:
            self._mark_all(every)
            return
        choices = [
            Choice("yes", f"mark {len(every)} runs"),
            Choice("no", "leave the marks as they are"),
        ]
        self.desk.open(
            Menu(
                self.desk,
                "Many runs",
                choices,
                lambda v: self._mark_all(every) if v == ["yes"] else None,
            )
        )

    def _mark_all(self, run_keys: Sequence[int]) -> None:
        marks = self.desk.state.marks
        seen = set(marks)
        marks += [
            self.desk.runs.by_key[k].id for k in run_keys if self.desk.runs.by_key[k].id not in seen
        ]
        self.desk.notify(f"{len(marks)} marked")

    def do_unmark(self, _: str) -> None:
        """No marks."""
        self.desk.state.marks.clear()

    def do_compare(self, _: str) -> None:
        """Compare the marked runs."""
        if len(self.desk.marked()) < 2:
            self.desk.notify("mark two or more runs with space, then d compares them", "warn")
            return
        self.desk.do_screen("compare")

    def do_pin(self, _: str) -> None:
        """Keep a run at the top."""
        pinned = self.desk.state.pinned_runs
        for run in self._here():
            if run.id in pinned:
                pinned.remove(run.id)
            else:
                pinned.append(run.id)
        self.desk.relist()

    # -- the mouse -----------------------------------------------------------------------

    def click(self, x: int, y: int, double: bool) -> None:
        """A heading sorts, the first column marks, a double click opens."""
        top = self._table_top
        if not top <= y < top + self.table.height + 1:
            return
        hit = self.table.click(x, y - top)
        if isinstance(hit, tuple):
            key = str(hit[1])
            if key == self.desk.state.sort:
                self.do_reverse("")
            elif key not in ("mark", "st") and not key.startswith("spark:"):
                self._sort_by(key)
        elif hit is not None:
            self._follow_cursor()
            if x <= 1:
                self.do_mark("")
                self.table.move(-1)
            elif double:
                self.do_open("")

    def wheel(self, x: int, y: int, by: int) -> None:
        """Scroll."""
        self.do_move(str(3 * by))

    def drag(self, x: int, y: int, dx: int, dy: int) -> None:
        """The border between table and preview follows the mouse."""
        if self._split_row >= 0 and abs(y - dy - self._split_row) <= 1:
            rows = max(1, self.desk.rows - 2)
            self.desk.state.split = max(0.2, min(0.85, y / rows))
