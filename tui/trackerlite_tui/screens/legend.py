"""What stands around the charts: the status row, and which run is which line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trackerlite_tui.curves.numbers import number
from trackerlite_tui.rows import Row, fill, fit, justify, pad, width
from trackerlite_tui.snapshot import RELATIVE, STEP, WALL
from trackerlite_tui.strands import Strand
from trackerlite_tui.text import safe
from trackerlite_tui.widgets.chartgrid import band_name

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.desk import Desk
    from trackerlite_tui.snapshot import BandCurve


class Legend:
    """The words and swatches of the charts screen."""

    desk: Desk
    stream: str
    focus: str
    full: bool
    inspecting: bool
    following: bool
    window: tuple[float, float] | None
    y_range: tuple[float | None, float | None]
    _grid: tuple[int, int]
    panel_top = 1  # the row of the panel where its runs begin

    if TYPE_CHECKING:  # the screen has them, from its other parts

        def runs(self) -> list[RunInfo]: ...

        @property
        def axis(self) -> str: ...

        @property
        def banded(self) -> bool: ...

        def panel_readout(self, runs: list[RunInfo], columns: int) -> list[Row]: ...

    def _status(self, columns: int, metrics: list[str]) -> Row:
        desk, look, state = self.desk, self.desk.look, self.desk.state
        size = self._grid[0] * self._grid[1]
        place = metrics.index(self.focus) if self.focus in metrics else 0
        noun = "metric" if len(metrics) == 1 else "metrics"
        left: Row = [(f" {len(metrics)} {noun}", look.text)]
        if len(metrics) > size and not self.full:
            left.append(
                (f"  page {place // size + 1} of {math.ceil(len(metrics) / size)}", look.dim)
            )
        if state.metric_filter:
            left += [("  filter ", look.dim), (safe(state.metric_filter, 40), look.accent)]
        if state.filter:
            left += [("  runs ", look.dim), (safe(state.filter, 40), look.accent)]
        right: Row = []
        usual = STEP if self.stream == "history" else RELATIVE
        facts = {
            "x": self.axis if self.axis != usual else "",
            "x scale": "log" if state.x_kind == "log" and self.axis not in (RELATIVE, WALL) else "",
            "y": state.y_kinds.get(self.focus, "")
            if state.y_kinds.get(self.focus) != "linear"
            else "",
            "smooth": f"{state.smoothing:g}" if state.smoothing else "",
            "colour": state.color_by,
            "zoom": "follows"
            if self.following
            else "zoomed"
            if self.window or self.y_range != (None, None)
            else "",
        }
        if self._of_ranks:
            facts["ranks"] = self._of_ranks
        if self.banded:
            facts["bands"] = "mean ± sd" if state.band else "median, quartiles"
        for word, value in facts.items():
            if value:
                right += [(f"{word} ", look.dim), (safe(value, 24), look.accent), ("  ", "")]
        if not desk.marked() and len(desk.runs.runs) > 1:
            right.append((f"{desk.signs.which} {len(self.runs())} runs, none marked ", look.dim))
        return justify(left, right, columns)

    @property
    def _of_ranks(self) -> str:
        """Which of the processes that recorded these runs have a line."""
        signs, own = self.desk.signs, self.desk.snapshot.own
        most = max(map(len, own.ranks.values()), default=1) if own else 1
        if most == 1:
            return ""
        if self.banded or not self.desk.state.ranks:
            return f"0 of {most}" if self.banded else f"0 of {most}: a draws all"
        lines, every = len(signs.strands()), sum(len(signs.ranks(run)) for run in self.runs())
        return f"all {most}" if lines == every else f"{lines} of {every} lines"

    def bands(self) -> tuple[BandCurve, ...]:
        """The bands of the focused metric."""
        return self.desk.snapshot.bands.get((self.stream, self.focus), ()) if self.banded else ()

    def _legend_row(self, columns: int) -> Row:
        row: Row = [(" ", "")]
        for band in self.bands():
            row += [self._band_swatch(band), (f" {band_name(band)}  ", self.desk.look.text)]
        signs = self.desk.signs
        for one in signs.by_run(signs.lines()):
            row += [self._swatch(one), (f" {safe(one.short, 20)}  ", self.desk.look.text)]
        return fit(row, columns)

    def _swatch(self, one: Strand) -> tuple[str, str]:
        look, signs = self.desk.look, self.desk.signs
        if not look.ink.colored:
            return (signs.strand_sign(one), "bold")
        return (look.pick("━━", "--"), signs.strand_color(one))

    def _band_swatch(self, band: BandCurve) -> tuple[str, str]:
        look = self.desk.look
        if not look.ink.colored:
            return (look.marker(band.place), "bold")
        return (
            look.pick("━━", "--"),
            look.ink.line(band.place) if band.label else look.ink.accent,
        )

    def _band_row(self, band: BandCurve, columns: int) -> Row:
        look = self.desk.look
        value = number(float(band.centre[-1]))
        name = pad(band_name(band), max(1, columns - width(value) - 5), look.ascii_only)
        return fit(
            [(" ", ""), self._band_swatch(band), (f" {name} ", look.strong), (value, look.dim)],
            columns,
        )

    def panel(self, runs: list[RunInfo], columns: int, rows: int) -> list[Row]:
        """The legend at the side: runs, states, and values of the focused metric."""
        desk, look = self.desk, self.desk.look
        out: list[Row] = [fit([(f" {safe(self.focus, columns - 2)}", look.accent)], columns)]
        if self.inspecting:
            return (out + self.panel_readout(runs, columns))[:rows] + [fill(columns)] * max(0, rows)
        out += [self._band_row(band, columns) for band in self.bands()][: max(0, rows - 2)]
        self.panel_top = len(out)
        lines = desk.signs.by_run(runs[:rows])  # of a thousand runs a page is enough
        room_for_runs = max(1, rows - 1 - len(out))
        for one in lines[:room_for_runs]:
            curve = desk.snapshot.curves.get(one.curve(self.stream, self.focus))
            value = number(curve.last) if curve is not None and curve.last is not None else ""
            state = (" ", "") if one.rank else desk.state_of(one.run)
            here = one.run.key == desk.cursor_run
            room = columns - width(value) - 7
            name = pad(one.short, max(1, room), look.ascii_only)
            row: Row = [
                (" ", ""),
                self._swatch(one),
                (" ", ""),
                (name, look.strong if here else look.text),
                (" ", ""),
            ]
            row += [state, (f" {value}", look.dim)]
            out.append(fit(row, columns))
        others = sum(one.rank > 0 for one in desk.signs.strands())
        hidden = len(runs) + others - room_for_runs
        if hidden > 0:
            out.append(fit([(f" and {hidden} more", look.dim)], columns))
        return out + [fill(columns)] * (rows - len(out))
