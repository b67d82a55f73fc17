"""The grid of charts, one for each metric, with the drawn runs over one another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trackerlite_tui.curves.numbers import number
from trackerlite_tui.order import value_text
from trackerlite_tui.rows import Row, fill, fit, justify, pad, width
from trackerlite_tui.screens.base import Page
from trackerlite_tui.screens.chart_settings import ChartSettings
from trackerlite_tui.screens.exporting import Exporting
from trackerlite_tui.screens.inspecting import Inspecting
from trackerlite_tui.screens.run_columns import main_metrics
from trackerlite_tui.screens.zooming import Zooming
from trackerlite_tui.snapshot import RELATIVE, STEP, WALL, Wants
from trackerlite_tui.text import safe
from trackerlite_tui.widgets.chartgrid import BAND_ABOVE, Charts, Setting, axis_name, beside, block

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.curves.chart import Drawing
    from trackerlite_tui.desk import Desk

_CELL = (46, 10)  # a chart is at least about this many cells
_SIDE = 30
_SIDE_FROM = 110
_AXES = (STEP, RELATIVE, WALL)


class Screen(Inspecting, Zooming, Exporting, ChartSettings, Page):
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
        """Whether bands stand for the runs: when asked for, and when there are too many lines."""
        return self.desk.state.band or len(self.runs()) > BAND_ABOVE

    def lines(self) -> list[RunInfo]:
        """The runs that have a line of their own: all, or those that matter above the bands."""
        runs = self.runs()
        if not self.banded:
            return runs
        pinned = set(self.desk.state.pinned_runs)
        focused = -1 if self.desk.state.band else self.desk.cursor_run
        return [run for run in runs if run.id in pinned or run.key == focused][:BAND_ABOVE]

    def _groups(self, runs: list[RunInfo]) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """What each band stands for: all runs, or those that share a value."""
        by = self.desk.state.color_by
        groups: dict[str, list[int]] = {}
        for run in runs:
            label = value_text(self.desk.runs.raw(run, f"c:{by}")) or "none" if by else ""
            groups.setdefault(label, []).append(run.key)
        return tuple((label, tuple(keys)) for label, keys in sorted(groups.items()))

    @property
    def axis(self) -> str:
        """What is on the x axis."""
        return self.desk.state.axis

    def focus_on(self, name: str) -> None:
        """Focus a metric, come from elsewhere."""
        self.focus = name

    def jump_to(self, place: float) -> None:
        """Inspect a place on the x axis, come from elsewhere."""
        self.inspecting, self.everywhere, self.cursor = True, True, place

    def metrics(self) -> list[str]:
        """The metrics in their order: pinned, then by the part before the slash."""
        state = self.desk.state
        names = [m for m in self.desk.snapshot.names if m.stream == self.stream]
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
        lines = self.lines()
        banded = self.banded
        per = max(1, (desk.columns - side) // (1 if self.full else self._grid[0]))
        return Wants(
            filter=desk.state.filter,
            columns=self._columns(),
            config=True,
            listed=tuple(run.key for run in runs),
            names=tuple(name.split(" [rank ")[0] for name in names) or None,
            streams=(self.stream,),
            curves=tuple((run.key, self.stream, name) for name in page for run in lines),
            bands=tuple((self.stream, name) for name in page) if banded else (),
            groups=self._groups(runs) if banded else (),
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
        head = [self._status(columns, metrics), self._legend_row(runs, columns)][:above]
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
            self.lines(),
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
                    self.desk, name, self.stream, self.lines(), size, high, self.setting(name)
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
        facts = {
            "x": state.axis if state.axis != STEP else "",
            "x scale": state.x_kind if state.x_kind != "linear" else "",
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
        if self.banded:
            facts["bands"] = "mean ± sd" if state.band else "median, quartiles"
        for word, value in facts.items():
            if value:
                right += [(f"{word} ", look.dim), (safe(value, 24), look.accent), ("  ", "")]
        if not desk.marked() and len(desk.runs.runs) > 1:
            right.append((f"newest {len(self.runs())} runs, none marked ", look.dim))
        return justify(left, right, columns)

    def _legend_row(self, runs: list[RunInfo], columns: int) -> Row:
        row: Row = [(" ", "")]
        for run in runs:
            row += [self._swatch(run), (f" {safe(run.name or run.id, 20)}  ", self.desk.look.text)]
        return fit(row, columns)

    def _swatch(self, run: RunInfo) -> tuple[str, str]:
        look = self.desk.look
        if not look.ink.colored:
            # The sign that the chart puts on the line: by its place among the drawn runs.
            return (look.marker([r.key for r in self.runs()].index(run.key)), "bold")
        return (look.pick("━━", "--"), self.desk.color(run))

    def panel(self, runs: list[RunInfo], columns: int, rows: int) -> list[Row]:
        """The legend at the side: runs, states, and values of the focused metric."""
        desk, look = self.desk, self.desk.look
        out: list[Row] = [fit([(f" {safe(self.focus, columns - 2)}", look.accent)], columns)]
        if self.inspecting:
            return (out + self.panel_readout(runs, columns))[:rows] + [fill(columns)] * max(0, rows)
        for run in runs[: max(1, rows - 2)]:
            curve = desk.snapshot.curves.get((run.key, self.stream, self.focus))
            value = number(curve.last) if curve is not None and curve.last is not None else ""
            glyph, style = look.state(run.state)
            here = run.key == desk.cursor_run
            room = columns - width(value) - 7
            name = pad(safe(run.name or run.id), max(1, room), look.ascii_only)
            row: Row = [
                (" ", ""),
                self._swatch(run),
                (" ", ""),
                (name, look.strong if here else look.text),
                (" ", ""),
            ]
            row += [(glyph, style), (f" {value}", look.dim)]
            out.append(fit(row, columns))
        hidden = len(runs) - max(1, rows - 2)
        if hidden > 0:
            out.append(fit([(f" and {hidden} more", look.dim)], columns))
        return out + [fill(columns)] * (rows - len(out))

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

    # -- keys ----------------------------------------------------------------------------

    @property
    def contexts(self) -> tuple[str, ...]:
        """Inspecting, then the full view, then the grid."""
        inner = ("inspect",) if self.inspecting else ()
        return (*inner, *(("full",) if self.full else ()), self.name)

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
            self.desk.do_back("")

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
        runs = self.runs()
        index = y - 2
        if x < self._side(self.desk.columns) and 0 <= index < len(runs):
            self.desk.cursor_run = runs[index].key

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
