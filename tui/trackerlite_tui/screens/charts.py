"""The grid of charts, one for each metric, with the drawn runs over one another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trackerlite.readers.direction import better
from trackerlite_tui.curves.numbers import number
from trackerlite_tui.rows import Row, fill, pad, width
from trackerlite_tui.screens.base import Page
from trackerlite_tui.screens.chart_settings import ChartSettings
from trackerlite_tui.screens.exporting import Exporting
from trackerlite_tui.screens.inspecting import Inspecting
from trackerlite_tui.screens.legend import Legend
from trackerlite_tui.screens.moving import Moving
from trackerlite_tui.screens.run_columns import main_metrics
from trackerlite_tui.screens.zooming import Zooming
from trackerlite_tui.snapshot import RELATIVE, STEP, WALL, MetricName, Wants
from trackerlite_tui.strands import Strand, unranked
from trackerlite_tui.text import safe
from trackerlite_tui.widgets.chartgrid import Charts, Setting, axis_name, beside, block

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.curves.chart import Drawing
    from trackerlite_tui.desk import Desk

_CELL = (46, 10)  # a chart is at least about this many cells
_SIDE = 30
_SIDE_FROM = 110
_AXES = (STEP, RELATIVE, WALL)


class Screen(Moving, Legend, Inspecting, Zooming, Exporting, ChartSettings, Page):
    """See the module."""

    name = "charts"
    stream = "history"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.charts = Charts()
        self.focus = ""  # the focused metric
        self.full = False
        self._cells: list[tuple[int, int, int, int, str]] = []  # left, top, columns, rows, metric
        self._drawings: dict[str, Drawing] = {}
        self._grid = (1, 1)

    # -- what is shown -------------------------------------------------------------------

    def runs(self) -> list[RunInfo]:
        """The runs that are drawn."""
        return self.desk.drawn()

    @property
    def banded(self) -> bool:
        """Whether bands stand for the runs."""
        return self.desk.signs.banded

    def strands(self) -> list[Strand]:
        """The lines: runs that have one of their own, and their ranks."""
        return self.desk.signs.strands()

    def _groups(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """What each band stands for."""
        return tuple(
            (label, tuple(run.key for run in runs)) for label, runs in self.desk.signs.groups()
        )

    @property
    def axis(self) -> str:
        """What is on the x axis."""
        return self.desk.state.axis

    @property
    def contexts(self) -> tuple[str, ...]:
        """Inspecting, then the full view, then the grid."""
        inner = ("inspect",) if self.inspecting else ()
        return (*inner, *(("full",) if self.full else ()), self.name)

    def focus_on(self, name: str) -> None:
        """Focus a metric, come from elsewhere; one of another rank is drawn with all of them."""
        self.focus, other = unranked(name)
        self.desk.state.ranks |= other

    def jump_to(self, place: float) -> None:
        """Inspect a place on the x axis, come from elsewhere."""
        self.inspecting, self.everywhere, self.cursor = True, True, place

    def names(self) -> list[MetricName]:
        """The metrics of the drawn runs; until they are known, all that the store has."""
        snapshot, own = self.desk.snapshot, self.desk.snapshot.own
        names = [m for m in snapshot.names if m.stream == self.stream]
        form = tuple(run.key for run in self.runs()), self.desk.state.ranks
        # What was read for other runs does not take the focus from a metric of these.
        kept = {self.focus} if own is None or form != (own.runs, own.every_rank) else set()
        if own is None:
            theirs = {m.name for m in names}
        else:
            theirs = {name for stream, name in own.names if stream == self.stream}
        wanted = theirs | kept - {""}
        others = wanted - {m.name for m in names}  # rank 0 did not log them
        return [m for m in names if m.name in wanted] + [
            MetricName(name, self.stream, 1, better(name, None), None) for name in sorted(others)
        ]

    def metrics(self) -> list[str]:
        """The metrics in their order: pinned, then by the part before the slash."""
        state = self.desk.state
        names = self.names()
        wanted = self._passing([m.name for m in names])
        pinned = [name for name in state.pinned_metrics if name in wanted]
        rest = [name for name in wanted if name not in pinned]
        lead = (
            main_metrics([m for m in names if m.name in rest], (), 1)
            if self.stream == "history"
            else []
        )
        first = lead[0].split("/")[0] if lead and "/" in lead[0] else ""
        rest.sort(
            key=lambda name: (
                name.split("/")[0] != first,
                "/" not in name,
                name.split("/")[0],
                name,
            )
        )
        return pinned + rest

    def _passing(self, names: list[str]) -> list[str]:
        text = self.desk.state.metric_filter.strip()
        if not text:
            return names
        from trackerlite.readers.filters import Filter, FilterError

        try:
            return Filter(text).names(names)
        except FilterError:
            return names

    def _page(self, metrics: list[str]) -> list[str]:
        """The metrics on the page of the focused one."""
        if self.focus not in metrics:
            self.focus = metrics[0] if metrics else ""
        size = self._grid[0] * self._grid[1]
        start = metrics.index(self.focus) // size * size if metrics else 0
        return metrics[start : start + size]

    def _margins(self, columns: int, rows: int) -> tuple[int, int]:
        """Rows above the charts (status, legend) and below them (values at the cursor)."""
        beside_them = self._side(columns) > 0
        foot = min(5, rows // 4) if self.inspecting and not beside_them else 0
        legend = rows >= 12 and not beside_them and not foot
        return (rows >= 8) + legend, foot

    def _arrange(self, columns: int, rows: int, count: int) -> None:
        """How many charts fit beside and below each other."""
        rows -= sum(self._margins(columns, rows))
        columns -= self._side(columns)
        more = self.desk.state.density
        across = max(1, columns // _CELL[0] + more)
        down = max(1, rows // _CELL[1] + more)
        across = max(1, min(across, columns // 16))
        down = max(1, min(down, rows // 4))
        across = max(1, min(across, count))
        self._grid = (across, max(1, min(down, math.ceil(count / across))))

    def wants(self) -> Wants:
        """The curves of this page; moving the focus on it asks for nothing new."""
        desk = self.desk
        runs = self.runs()
        metrics = self.metrics()
        side = self._side(desk.columns)
        self._arrange(desk.columns, desk.inner, len(metrics))
        page = [self.focus] if self.full and self.focus in metrics else self._page(metrics)
        axis = self.axis
        names = tuple(page) if axis in _AXES else (*page, axis)
        strands = self.strands()
        banded = self.banded
        per = max(1, (desk.columns - side) // (1 if self.full else self._grid[0]))
        return Wants(
            filter=desk.state.filter,
            columns=self._columns(),
            config=True,
            listed=tuple(run.key for run in runs),
            names=names or None,
            own=True,
            ranks=desk.state.ranks,
            streams=(self.stream,),
            curves=tuple(one.curve(self.stream, name) for name in page for one in strands),
            bands=tuple((self.stream, name) for name in page) if banded else (),
            groups=self._groups() if banded else (),
            band="mean" if desk.state.band else "median",
            dots=2 * per,
            axis=axis,
            window=self.window,
            smoothing=desk.state.smoothing,
        )

    def _columns(self) -> tuple[str, ...]:
        """Statistics that the order of the runs needs."""
        kind, _, name = self.desk.state.sort.partition(":")
        return (name,) if kind in ("m", "best") else ()

    def setting(self, name: str) -> Setting:
        """How one chart is drawn."""
        state = self.desk.state
        here = name == self.focus
        cursor = self.cursor if self.inspecting and (here or self.everywhere) else None
        return Setting(
            y_kind=state.y_kinds.get(name, "linear"),
            x_kind=state.x_kind,
            window=self.visible_window(name),
            y_range=self.y_range if self.full else (None, None),
            raw=state.raw,
            smooth=state.smoothing > 0,
            band=self.banded,
            focused=here,
            cursor=cursor,
            marks=self.mark_signs() if here or self.everywhere else (),
            x_name=axis_name(self.axis),
        )

    # -- painting ------------------------------------------------------------------------

    def _side(self, columns: int) -> int:
        return _SIDE if columns >= _SIDE_FROM else 0

    def paint(self, columns: int, rows: int) -> list[Row]:
        """A status row, the legend at the side or on top, and the charts."""
        metrics, runs = self.metrics(), self.runs()
        self._cells, self._drawings = [], {}
        if not metrics or not runs:
            return self._nothing(columns, rows, bool(runs))
        side = self._side(columns)
        self._arrange(columns, rows, len(metrics))
        page = self._page(metrics)
        above, below = self._margins(columns, rows)
        head = [self._status(columns, metrics), self._legend_row(columns)][:above]
        foot = self.readout(columns, below) if below else []
        foot += [fill(columns) for _ in range(below - len(foot))]
        room = rows - above - below
        chart_rows = (
            self._paint_full(columns - side, room, len(head), side)
            if self.full
            else self._paint_grid(page, columns - side, room, len(head), side)
        )
        if side:
            panel = self.panel(runs, side - 1, room)
            chart_rows = beside([panel, chart_rows], [side - 1, columns - side], room)
        return [*head, *chart_rows, *foot]

    def _paint_full(self, columns: int, rows: int, top: int, left: int) -> list[Row]:
        drawing = self.charts.draw(
            self.desk,
            self.focus,
            self.stream,
            self.strands(),
            columns,
            rows,
            self.setting(self.focus),
        )
        self._cells = [(left, top, columns, rows, self.focus)]
        self._drawings[self.focus] = drawing
        return block(drawing, columns, rows)

    def _paint_grid(
        self, page: list[str], columns: int, rows: int, top: int, left: int
    ) -> list[Row]:
        across, down = self._grid
        down = min(down, math.ceil(len(page) / across))
        widths = [(columns - across + 1) // across] * across
        widths[-1] += columns - across + 1 - sum(widths)
        heights = [rows // down] * down
        for extra in range(rows - sum(heights)):
            heights[extra] += 1
        out: list[Row] = []
        strands = self.strands()
        for line in range(down):
            blocks: list[list[Row]] = []
            x = left
            for place in range(across):
                index = line * across + place
                size, high = widths[place], heights[line]
                if index >= len(page):
                    blocks.append([fill(size)] * high)
                    continue
                name = page[index]
                drawing = self.charts.draw(
                    self.desk, name, self.stream, strands, size, high, self.setting(name)
                )
                blocks.append(block(drawing, size, high))
                self._cells.append((x, top + len(out), size, high, name))
                self._drawings[name] = drawing
                x += size + 1
            out += beside(blocks, widths, heights[line])
        return out

    def _nothing(self, columns: int, rows: int, any_run: bool) -> list[Row]:
        desk = self.desk
        if desk.snapshot.loading:
            lines = ["reading the store …"]
        elif not any_run and desk.state.filter and desk.snapshot.runs:
            lines = ["no run passes the filter", "backspace on the Runs screen (1) clears it"]
        elif not any_run:
            lines = ["no run to draw", "mark runs on the Runs screen (1) with space"]
        elif desk.state.metric_filter:
            lines = ["no metric passes the filter", "backspace clears it"]
        else:
            lines = self._nothing_yet()
        top = max(0, (rows - len(lines)) // 2)
        return [fill(columns)] * top + [[(line.center(columns), desk.look.dim)] for line in lines]

    def _nothing_yet(self) -> list[str]:
        return ["no metric yet", "run.log({...}) makes one"]

    def tiny(self, columns: int) -> str:
        """The focused metric of the first run as a sparkline."""
        runs = self.runs()
        curve = (
            self.desk.snapshot.curves.get((runs[0].key, self.stream, self.focus)) if runs else None
        )
        if curve is None or not len(curve.y):
            return ""
        value = number(curve.last)
        room = max(1, min(12, columns - width(value) - 6))
        stride = len(curve.y) / room
        values = [float(curve.y[int(i * stride)]) for i in range(min(room, len(curve.y)))]
        name = safe(self.focus.rpartition("/")[2])
        return (
            f"{pad(name, columns - room - width(value) - 2)} {self.desk.look.spark(values)} {value}"
        )
