"""The run table, with a preview of the run under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite_tui.order import Group, ago, value_text
from trackerlite_tui.rows import Row, fit, justify, pad
from trackerlite_tui.screens.base import Page
from trackerlite_tui.screens.run_cells import RunCells
from trackerlite_tui.screens.run_columns import SPARK, RunColumns, main_metrics
from trackerlite_tui.screens.run_edits import RunEdits
from trackerlite_tui.screens.run_marks import RunMarks
from trackerlite_tui.snapshot import CurveKey, Wants
from trackerlite_tui.text import safe, show
from trackerlite_tui.widgets.table import Table

if TYPE_CHECKING:
    from trackerlite_tui.desk import Desk


class Screen(RunColumns, RunMarks, RunEdits, Page):
    """See the module."""

    name = "runs"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.table = Table()
        self._keys: list[str] = []
        self._trash = False
        self._split_row = 0
        self._preview: list[CurveKey] = []
        self._painted: tuple[object, list[Row]] = None, []  # the preview: for what, and as what
        self._cells = RunCells(desk)
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
        curves: list[CurveKey] = []
        listed: list[int] = []
        if run is not None:
            main = main_metrics(desk.snapshot.names, desk.state.pinned_metrics, 8)
            self._preview = self._previewed(run.key, main)
            there = any(key in desk.snapshot.curves for key in self._preview)
            beside = self._beside() if there else []  # first its own
            listed = [run.key, *beside]
            for keys in (self._preview, *(self._previewed(key, main) for key in beside)):
                curves += keys[: max(1, desk.columns // 44)]  # as many as are drawn
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

    def _beside(self) -> list[int]:
        """The runs below and above the cursor: read ahead, the next key shows its preview at once."""
        items, at = self.table.items, self.table.index
        near = [*items[at + 1 : at + 2], *items[max(0, at - 1) : at]]
        return [item for item in near if isinstance(item, int)]

    def _previewed(self, run_key: int, main: list[str]) -> list[CurveKey]:
        """The `main` metrics of a run; all of them, until it is known which it has."""
        mine = {
            name
            for key, stream, name in self.desk.snapshot.series
            if key == run_key and stream == "history"
        }
        ordered = [name for name in main if name in mine or not mine] or sorted(mine)
        return [(run_key, "history", name) for name in ordered]

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
        self._cells.begin()
        self.table.set_items(desk.runs.items)
        out = [*self._status(columns)] if rows >= 10 else []
        out += self.table.paint(
            columns,
            high - len(out),
            desk.look,
            self._cells.cell,
            sorted_by=(desk.state.sort, desk.state.reverse),
            empty=self._nothing(columns),
        )
        self._table_top = high - self.table.height - 1
        self._follow_cursor()
        if preview:
            out += self._lower(columns, preview)
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
            hint = safe(desk.snapshot.filter_hint)
            lines = ["no run passes the filter", *([hint] if hint else []), "backspace clears it"]
            return [line.center(columns) for line in lines]
        if self._trash:
            return ["the trash is empty".center(columns)]
        return [
            "no runs yet".center(columns),
            "run a script that calls trackerlite.init(), or `trackerlite demo`".center(columns),
        ]

    def _follow_cursor(self) -> None:
        item = self.table.current
        key = item.runs[0] if isinstance(item, Group) and item.runs else item
        if isinstance(key, int) and key != self.desk.cursor_run:
            self.desk.cursor_run = key

    def _lower(self, columns: int, rows: int) -> list[Row]:
        """The preview; behind a key the table moves first, and this follows."""
        form = (columns, rows, self.desk.look)
        if self.desk.swift and self._painted[0] == form:
            self.desk.unpainted = True
        else:
            self._painted = form, self._paint_preview(columns, rows)
        return self._painted[1]

    def _paint_preview(self, columns: int, rows: int) -> list[Row]:
        desk, look = self.desk, self.desk.look
        run = desk.run()
        if run is None:
            return []
        line = look.pick("─", "-")
        title: Row = [(line * 2 + " ", look.faint), desk.state_of(run), (" ", "")]
        title += [(safe(run.name or run.id), look.strong), (f" {safe(run.ref)}", look.dim)]
        facts = [run.state]
        silent = desk.runs.silence(run)
        if silent is not None:
            facts.append(f"silent for {ago(silent)}: its process is there, stopped or stuck")
        if run.reason:
            facts.append(show(run.reason, 60))
        if run.tags:
            facts.append(safe(" ".join(f"#{tag}" for tag in run.tags), 60))
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
        return f"{pad(safe(name.rpartition('/')[2]), max(0, room - SPARK - 1))} {self._cells.spark(run, name)} {last}"

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
        """Charts of the marked runs, or of what is under the cursor.

        Marks that this key made give way the next time: one opens one run after another.
        """
        state = self.desk.state
        if state.marks == state.opened or not self.desk.marked():
            state.opened = [run.id for run in self._here()]
            state.marks = list(state.opened)
        self.desk.show("charts")

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
