"""Charts of metrics: which lines they have, drawn once and kept until something changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trackerlite_tui.rows import Row, fill, fit
from trackerlite_tui.snapshot import STEP, CurveKey
from trackerlite_tui.text import safe

if TYPE_CHECKING:
    from trackerlite.readers import RunInfo
    from trackerlite_tui.curves.chart import Drawing
    from trackerlite_tui.curves.line import Band, Line
    from trackerlite_tui.desk import Desk

BAND_ABOVE = 64  # more lines than this are drawn as a band with the pinned and focused ones
_KEPT = 256
_GAP = 1


@dataclass(frozen=True)
class Setting:
    """How one chart is drawn, besides its data."""

    y_kind: str = "linear"
    x_kind: str = "linear"
    window: tuple[float, float] | None = None
    y_range: tuple[float | None, float | None] = (None, None)
    raw: bool = True
    smooth: bool = False
    band: bool = False
    focused: bool = False
    cursor: float | None = None
    marks: tuple[tuple[float, str], ...] = ()
    legend: bool = False
    x_name: str = ""


class Charts:
    """Draws charts and remembers them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Drawing] = OrderedDict()
        self.drawn = 0  # how many were really drawn, for the tests

    def draw(
        self,
        desk: Desk,
        name: str,
        stream: str,
        runs: Sequence[RunInfo],
        columns: int,
        rows: int,
        setting: Setting,
    ) -> Drawing:
        """One chart of one metric for some runs."""
        curves = desk.snapshot.curves
        keys = [(run.key, stream, name) for run in runs]
        stamps = tuple(curves[key].stamp if key in curves else -1 for key in keys)
        colors = tuple(desk.color(run) for run in runs)
        front = desk.cursor_run
        form = (
            name,
            stream,
            columns,
            rows,
            setting,
            stamps,
            colors,
            front,
            id(desk.look),
            desk.snapshot.axis,
        )
        kept = self._kept.get(form)
        if kept is None:
            kept = self._kept[form] = self._draw(
                desk, name, keys, runs, colors, columns, rows, setting
            )
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(form)
        return kept

    def _draw(
        self,
        desk: Desk,
        name: str,
        keys: Sequence[CurveKey],
        runs: Sequence[RunInfo],
        colors: Sequence[str],
        columns: int,
        rows: int,
        setting: Setting,
    ) -> Drawing:
        from trackerlite_tui.curves.chart import Options, draw

        self.drawn += 1
        lines, bands = lines_of(desk, keys, runs, colors, setting)
        axis = desk.snapshot.axis
        options = Options(
            title=safe(name),
            value=_value(desk, keys),
            ink=desk.look.ink,
            ascii_only=desk.look.ascii_only,
            x_kind=axis if axis in ("relative", "wall") else setting.x_kind,
            y_kind=setting.y_kind,
            x_range=setting.window or (None, None),
            y_range=setting.y_range,
            x_name=setting.x_name,
            legend=setting.legend,
            cursor=setting.cursor,
            marks=setting.marks,
            focused=setting.focused,
            empty="loading …"
            if desk.snapshot.loading or not any(k in desk.snapshot.curves for k in keys)
            else "no points",
        )
        return draw(lines, columns, rows, options, bands)

    def preview(self, desk: Desk, keys: Sequence[CurveKey], columns: int, rows: int) -> list[Row]:
        """As many charts side by side as there is room for."""
        here = [key for key in keys if key in desk.snapshot.series][: max(1, columns // 44)]
        run = desk.run()
        if not here or run is None:
            waiting = "no metric yet" if not desk.snapshot.loading else "loading …"
            return [fill(columns)] * (rows // 2) + [[(waiting.center(columns), desk.look.dim)]]
        if not any(key in desk.snapshot.curves for key in here):
            return [fill(columns)] * (rows // 2) + [[("loading …".center(columns), desk.look.dim)]]
        size = (columns - _GAP * (len(here) - 1)) // len(here)
        state = desk.state
        drawings = [
            self.draw(
                desk,
                name,
                stream,
                [run],
                size,
                rows,
                Setting(y_kind=state.y_kinds.get(name, "linear")),
            )
            for _, stream, name in here
        ]
        return beside([d.rows for d in drawings], [size] * len(drawings), rows)


def beside(blocks: Sequence[Sequence[Row]], sizes: Sequence[int], rows: int) -> list[Row]:
    """Blocks of rows next to each other, one cell apart."""
    out: list[Row] = []
    for y in range(rows):
        row: Row = []
        for index, (block, size) in enumerate(zip(blocks, sizes, strict=True)):
            if index:
                row.append((" " * _GAP, ""))
            row += block[y] if y < len(block) else fill(size)
        out.append(row)
    return out


def _value(desk: Desk, keys: Sequence[CurveKey]) -> str:
    """The last value of one run, or the span of several runs' last values."""
    from trackerlite_tui.curves.numbers import number

    lasts = [desk.snapshot.curves[key].last for key in keys if key in desk.snapshot.curves]
    good = [v for v in lasts if v is not None and v == v]
    if len(good) == 1:
        return number(good[0])
    if not good:
        return "NaN" if any(v is not None for v in lasts) else ""
    return (
        f"{number(min(good))} … {number(max(good))}" if min(good) != max(good) else number(good[0])
    )


def lines_of(
    desk: Desk,
    keys: Sequence[CurveKey],
    runs: Sequence[RunInfo],
    colors: Sequence[str],
    setting: Setting,
) -> tuple[list[Line], list[Band]]:
    """The lines and bands of one chart: raw dim behind, smooth bright in front, or a band."""
    from trackerlite_tui.curves.line import BEHIND, FRONT, NORMAL, Line

    ink = desk.look.ink
    curves = desk.snapshot.curves
    raw: list[Line] = []
    top: list[tuple[RunInfo, Line]] = []
    # The first run is drawn last, on top.
    for place in reversed(range(len(runs))):
        key, run, color = keys[place], runs[place], colors[place]
        curve = curves.get(key)
        if curve is None:
            continue
        front = run.key == desk.cursor_run and len(runs) > 1
        if setting.smooth and setting.raw:
            raw.append(Line(curve.x, curve.y, "", ink.behind(color), BEHIND))
        drawn = curve.smooth if setting.smooth else curve.y
        top.append(
            (
                run,
                Line(
                    curve.x,
                    drawn,
                    safe(run.name or run.id),
                    color,
                    FRONT if front else NORMAL,
                    place,
                ),
            )
        )
    if not setting.band and len(top) <= BAND_ABOVE:
        return raw + [one for _, one in top], []
    kept = [
        one for run, one in top if run.id in desk.state.pinned_runs or run.key == desk.cursor_run
    ]
    groups: dict[str, list[Line]] = {}
    for run, one in top:
        label = str(desk.runs.raw(run, f"c:{desk.state.color_by}")) if desk.state.color_by else ""
        groups.setdefault(label, []).append(one)
    kind = "mean" if setting.band else "median"
    centres, bands = _bands(groups, kind, ink.faint if not desk.state.color_by else "", desk)
    if setting.band and len(top) <= BAND_ABOVE:
        return centres, bands
    return centres + [replace(one, layer=FRONT) for one in kept], bands


def _bands(
    groups: dict[str, list[Line]], kind: str, shade: str, desk: Desk
) -> tuple[list[Line], list[Band]]:
    from trackerlite_tui.curves.band import band
    from trackerlite_tui.curves.line import NORMAL, Band, Line

    ink = desk.look.ink
    centres: list[Line] = []
    bands: list[Band] = []
    for label, some in groups.items():
        x, low, centre, high = band(some, 240, kind)
        color = some[0].color if label else ink.accent
        word = f"{kind} of {len(some)}"
        bands.append(Band(x, low, high, color=shade or ink.behind(color)))
        centres.append(Line(x, centre, f"{safe(label)} {word}" if label else word, color, NORMAL))
    return centres, bands


def axis_name(axis: str) -> str:
    """What the x axis says of itself."""
    return {STEP: "step", "relative": "", "wall": ""}.get(axis, safe(axis, 20))


def block(drawing: Drawing, columns: int, rows: int) -> list[Row]:
    """A drawing as exactly `rows` rows."""
    out = [fit(row, columns) for row in drawing.rows[:rows]]
    return out + [fill(columns)] * (rows - len(out))
