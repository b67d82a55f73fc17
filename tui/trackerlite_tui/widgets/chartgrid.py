"""Charts of metrics: which lines they have, drawn once and kept until something changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trackerlite.text import counted
from trackerlite_tui.rows import Row, fill, fit
from trackerlite_tui.snapshot import STEP, BandCurve, CurveKey
from trackerlite_tui.strands import Strand
from trackerlite_tui.text import safe

if TYPE_CHECKING:
    from trackerlite_tui.curves.chart import Drawing
    from trackerlite_tui.curves.line import Band, Line
    from trackerlite_tui.desk import Desk

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


def _unread(desk: Desk) -> str:
    """What stands in the place of a curve that is not there yet, or cannot be read."""
    return "it cannot be read" if desk.snapshot.problem else "loading …"


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
        strands: Sequence[Strand],
        columns: int,
        rows: int,
        setting: Setting,
    ) -> Drawing:
        """One chart of one metric, with some lines; in a banded one they are those over the bands."""
        snapshot = desk.snapshot
        keys = [one.curve(stream, name) for one in strands]
        stamps = tuple(snapshot.curves[key].stamp if key in snapshot.curves else -1 for key in keys)
        banded = snapshot.bands.get((stream, name), ()) if setting.band else ()
        colors = tuple(desk.signs.strand_color(one) for one in strands)
        form = (
            name, stream, columns, rows, setting, stamps, tuple(one.stamp for one in banded), colors,
            desk.cursor_run if len(strands) > 1 else None, id(desk.look), snapshot.axis,
        )  # fmt: skip
        kept = self._kept.get(form)
        if kept is None:
            kept = self._kept[form] = self._draw(
                desk, name, keys, strands, colors, columns, rows, setting, banded
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
        strands: Sequence[Strand],
        colors: Sequence[str],
        columns: int,
        rows: int,
        setting: Setting,
        banded: Sequence[BandCurve],
    ) -> Drawing:
        from trackerlite_tui.curves.chart import Options, draw

        self.drawn += 1
        lines = lines_of(desk, keys, strands, colors, setting)
        centres, bands = bands_of(desk, banded)
        axis = desk.snapshot.axis
        growing = any(one.run.state == "running" for one in strands)
        nothing: tuple[float | None, float | None] = (None, None)
        x_ends, y_ends = _round_ends(lines, centres, setting) if growing else (nothing, nothing)
        known = bool(banded) or any(key in desk.snapshot.curves for key in keys)
        options = Options(
            title=safe(name),
            value=_span([float(one.centre[-1]) for one in banded])
            if setting.band
            else _value(desk, keys),
            ink=desk.look.ink,
            ascii_only=desk.look.ascii_only,
            x_kind=axis if axis in ("relative", "wall") else setting.x_kind,
            y_kind=setting.y_kind,
            x_range=setting.window or x_ends,
            y_range=setting.y_range
            if setting.window or setting.y_range != (None, None)
            else y_ends,
            x_name=setting.x_name,
            legend=setting.legend,
            cursor=setting.cursor,
            marks=setting.marks,
            focused=setting.focused,
            none_above="no value above zero: L takes symlog",
            empty="no points" if known and not desk.snapshot.loading else _unread(desk),
        )
        return draw(centres + lines, columns, rows, options, bands)

    def preview(self, desk: Desk, keys: Sequence[CurveKey], columns: int, rows: int) -> list[Row]:
        """As many charts side by side as there is room for."""
        here = [key for key in keys if key in desk.snapshot.series][: max(1, columns // 44)]
        run = desk.run()
        if not here or run is None:
            known = run is None or run.key in desk.snapshot.listed
            waiting = "no metric yet" if known and not desk.snapshot.loading else _unread(desk)
            return [fill(columns)] * (rows // 2) + [[(waiting.center(columns), desk.look.dim)]]
        if not any(key in desk.snapshot.curves for key in here):
            return [fill(columns)] * (rows // 2) + [
                [(_unread(desk).center(columns), desk.look.dim)]
            ]
        size = (columns - _GAP * (len(here) - 1)) // len(here)
        state = desk.state
        drawings = [
            self.draw(
                desk,
                name,
                stream,
                [Strand(run)],
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


def _round_ends(
    lines: Sequence[Line], centres: Sequence[Line], setting: Setting
) -> tuple[tuple[float | None, float | None], tuple[float | None, float | None]]:
    """Ends of the axes at round places around curves that go on.

    So a longer curve changes the end of the picture and not all of it.
    """
    import numpy as np

    from trackerlite_tui.curves.numbers import nice_step

    drawn = [one for one in (*lines, *centres) if one.x.size]
    x: tuple[float | None, float | None] = (None, None)
    y: tuple[float | None, float | None] = (None, None)
    if not drawn:
        return x, y
    if setting.x_kind == "linear":
        low, high = min(float(one.x[0]) for one in drawn), max(float(one.x[-1]) for one in drawn)
        step = nice_step((high - low) / 25)
        x = (None, (high // step + 1) * step) if high > low else x
    if setting.y_kind == "linear":
        every = np.concatenate([one.y for one in drawn])
        good = every[np.isfinite(every)]
        if good.size and good.max() > good.min():
            step = nice_step(float(good.max() - good.min()) / 50)
            y = (float(good.min() // step * step), float(-(-good.max() // step) * step))
    return x, y


def _value(desk: Desk, keys: Sequence[CurveKey]) -> str:
    """The last value of one run, or the span of several runs' last values."""
    lasts = [desk.snapshot.curves[key].last for key in keys if key in desk.snapshot.curves]
    return _span([v for v in lasts if v is not None])


def _span(values: Sequence[float]) -> str:
    from trackerlite_tui.curves.numbers import number

    good = [v for v in values if v == v]
    if not good:
        return "NaN" if values else ""
    low, high = number(min(good)), number(max(good))
    return low if low == high else f"{low} … {high}"


def lines_of(
    desk: Desk,
    keys: Sequence[CurveKey],
    strands: Sequence[Strand],
    colors: Sequence[str],
    setting: Setting,
) -> list[Line]:
    """The lines of one chart: raw dim behind, smooth bright over them, the first run on top."""
    from trackerlite_tui.curves.line import BEHIND, FRONT, NORMAL, Line

    raw: list[Line] = []
    top: list[Line] = []
    bands = len(desk.signs.groups()) if setting.band else 0  # they have the first signs
    for place in reversed(range(len(strands))):
        one, color = strands[place], colors[place]
        curve = desk.snapshot.curves.get(keys[place])
        if curve is None:
            continue
        if setting.smooth and setting.raw and not setting.band:
            raw.append(Line(curve.x, curve.y, "", desk.look.ink.behind(color), BEHIND))
        drawn = curve.smooth if setting.smooth else curve.y
        front = setting.band or (one.run.key == desk.cursor_run and len(strands) > 1)
        layer = FRONT if front else NORMAL
        top.append(Line(curve.x, drawn, one.label, color, layer, bands + place))
    return raw + top


def bands_of(desk: Desk, banded: Sequence[BandCurve]) -> tuple[list[Line], list[Band]]:
    """Bands and their centre lines, each group in a colour of its own."""
    from trackerlite_tui.curves.line import NORMAL, Band, Line

    ink = desk.look.ink
    centres: list[Line] = []
    bands: list[Band] = []
    for one in banded:
        alone = not one.label
        color = ink.accent if alone else ink.line(one.place)
        bands.append(
            Band(one.x, one.low, one.high, color=ink.faint if alone else ink.behind(color))
        )
        centres.append(Line(one.x, one.centre, band_name(one), color, NORMAL, one.place))
    return centres, bands


def band_name(one: BandCurve) -> str:
    """What a band stands for, and for how many runs."""
    return f"{safe(one.label)} ({one.runs})" if one.label else counted(one.runs, "run")


def axis_name(axis: str) -> str:
    """What the x axis says of itself."""
    return {STEP: "step", "relative": "", "wall": ""}.get(axis, safe(axis, 20))


def block(drawing: Drawing, columns: int, rows: int) -> list[Row]:
    """A drawing as exactly `rows` rows."""
    out = [fit(row, columns) for row in drawing.rows[:rows]]
    return out + [fill(columns)] * (rows - len(out))
