"""Which line is whose: the groups, colours and signs of the runs that charts draw."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING

from trackerlite_tui.order import by_value
from trackerlite_tui.strands import Strand

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

    def ranks(self, run: RunInfo) -> tuple[int, ...]:
        """The processes that recorded a run, as far as that is known."""
        own = self._desk.snapshot.own
        return own.ranks.get(run.key, (0,)) if own else (0,)

    def strands(self) -> list[Strand]:
        """The lines of a chart: a line for each of `lines`, then those of their other ranks."""
        runs = self.lines()
        first = [Strand(run) for run in runs]
        if not self._desk.state.ranks or self.banded:
            return first
        others = [Strand(run, rank) for run in runs for rank in self.ranks(run) if rank]
        return first + others[: max(0, BAND_ABOVE - len(first))]

    def by_run(self, runs: list[RunInfo]) -> list[Strand]:
        """As a legend lists them: each run, and below it its other ranks that are drawn."""
        others: dict[int, list[Strand]] = {}
        for one in self.strands():
            if one.rank:
                others.setdefault(one.run.key, []).append(one)
        return [one for run in runs for one in (Strand(run), *others.get(run.key, ()))]

    def _place(self, run: RunInfo) -> int:
        """The place of a run's colour in the palette."""
        desk = self._desk
        if not desk.state.color_by:
            return desk.state.color(run.id)
        self.groups()
        return self._group_of.get(run.key, 0)

    def color(self, run: RunInfo) -> str:
        """The colour of a run."""
        return self._desk.look.ink.line(self._place(run))

    def strand_color(self, one: Strand) -> str:
        """The colour of a line: its run's; of other ranks a shade of it, or, of one run, the next."""
        color, ink = self.color(one.run), self._desk.look.ink
        if not one.rank:
            return color
        if len(self.lines()) > 1:
            return ink.beside(color)
        return ink.line(self._place(one.run) + self.ranks(one.run).index(one.rank))

    def sign(self, run: RunInfo) -> str:
        """What stands for a drawn run where there is no colour: its line's sign, or its band's."""
        return self.strand_sign(Strand(run))

    def strand_sign(self, one: Strand) -> str:
        """The sign of a line, as the chart puts it there."""
        groups, run = self.groups(), one.run
        places = [(other.run.key, other.rank) for other in self.strands()]
        above = len(groups) if self.banded else 0  # bands have the first signs
        if (run.key, one.rank) in places:
            return self._desk.look.marker(above + places.index((run.key, one.rank)))
        return self._desk.look.marker(self._group_of[run.key]) if run.key in self._group_of else " "
