"""Which runs are marked, and which stay at the top of the run table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from trackerlite_tui.order import Group
from trackerlite_tui.widgets.menu import Choice, Menu

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.desk import Desk
    from trackerlite_tui.widgets.table import Table

_MANY = 64


class RunMarks:
    """The keys that mark and pin. What is marked is drawn, compared and edited together."""

    desk: Desk
    table: Table
    _last_mark: Hashable | None = None

    def do_move(self, by: str) -> None:
        """Move the cursor."""
        raise NotImplementedError

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
        self.desk.state.opened = []
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
        if self.desk.snapshot.filtered_by != self.desk.state.filter:
            self.desk.notify("the runs are still being filtered", "warn")
            return
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
        self.desk.state.opened = []
        seen = set(marks)
        marks += [
            self.desk.runs.by_key[k].id for k in run_keys if self.desk.runs.by_key[k].id not in seen
        ]
        self.desk.notify(f"{len(marks)} marked")

    def do_unmark(self, _: str) -> None:
        """No marks."""
        if not self.desk.state.marks:
            self.desk.notify("no run is marked")
        self.desk.state.marks.clear()

    def do_compare(self, _: str) -> None:
        """Compare the marked runs."""
        if len(self.desk.marked()) < 2:
            self.desk.notify("mark two or more runs with space, then d compares them", "warn")
            return
        self.desk.show("compare")

    def do_pin(self, _: str) -> None:
        """Keep a run at the top."""
        pinned = self.desk.state.pinned_runs
        for run in self._here():
            if run.id in pinned:
                pinned.remove(run.id)
            else:
                pinned.append(run.id)
        self.desk.relist()
