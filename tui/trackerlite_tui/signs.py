"""Which line is whose: the groups, colours and signs of the runs that charts draw."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING

from trackerlite_tui.order import by_value

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.desk import Desk

BAND_ABOVE = 64  # more lines than this are drawn as a band with the pinned and focused ones


class Signs:
    """The same on every screen: a table's mark, a legend's swatch and the line itself agree."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._groups: list[tuple[str, list[RunInfo]]] = []
        self._group_of: dict[int, int] = {}
        self._of: tuple[object, ...] = (None, None)
        self._as: tuple[object, ...] = ()

    @property
    def banded(self) -> bool:
        """Whether bands stand for the runs: when asked for, and when there are too many lines."""
        return self._desk.state.band or len(self._desk.drawn()) > BAND_ABOVE

    @property
    def which(self) -> str:
        """What the first runs of the list are."""
        state = self._desk.state
        plain = state.sort in ("", "age") and not state.reverse and not state.pinned_runs
        return "newest" if plain else "first"

    def lines(self) -> list[RunInfo]:
        """The runs that have a line of their own: all, or those that matter above the bands."""
        desk = self._desk
        runs = desk.drawn()
        if not self.banded:
            return runs
        pinned = set(desk.state.pinned_runs)
        focused = -1 if desk.state.band else desk.cursor_run
        return [run for run in runs if run.id in pinned or run.key == focused][:BAND_ABOVE]

    def groups(self) -> list[tuple[str, list[RunInfo]]]:
        """What each band stands for: all runs, or those that share a value of the config."""
        desk = self._desk
        by, runs = desk.state.color_by, desk.drawn()
        parts, form = (desk.runs, desk.snapshot.config), (by, [run.key for run in runs])
        if form != self._as or not all(map(is_, parts, self._of)):
            self._as, self._of = form, parts
            self._groups = (
                by_value(runs, lambda run: desk.runs.raw(run, f"c:{by}")) if by else [("", runs)]
            )
            self._group_of = {
                run.key: place for place, (_, some) in enumerate(self._groups) for run in some
            }
        return self._groups

    def color(self, run: RunInfo) -> str:
        """The colour of a run."""
        desk = self._desk
        if not desk.state.color_by:
            return desk.look.ink.line(desk.state.color(run.id))
        self.groups()
        return desk.look.ink.line(self._group_of.get(run.key, 0))

    def sign(self, run: RunInfo) -> str:
        """What stands for a drawn run where there is no colour: its line's sign, or its band's."""
        groups = self.groups()
        keys = [one.key for one in self.lines()]
        above = len(groups) if self.banded else 0  # bands have the first signs
        if run.key in keys:
            return self._desk.look.marker(above + keys.index(run.key))
        return self._desk.look.marker(self._group_of[run.key]) if run.key in self._group_of else " "
