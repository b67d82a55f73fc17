"""A chart as rows of styled text: title, axes, lines, bands, marks, legend.

drawing = draw([line([1, 2, 3], [0.9, 0.5, 0.4], "run-1", "#56b4e9")], 60, 12)
for row in drawing.rows:
    print("".join(text for text, style in row))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from trackerlite_tui.curves import braille
from trackerlite_tui.curves.canvas import Canvas
from trackerlite_tui.curves.cells import Row, clip, pad, width
from trackerlite_tui.curves.line import BEHIND, FRONT, Band, Floats, Line
from trackerlite_tui.curves.palette import ASCII_MARKERS, DARK_INK, MARKERS, Ink
from trackerlite_tui.curves.raster import spans
from trackerlite_tui.curves.scale import Scale, Tick, fit

_LABEL_CELLS = 9


@dataclass(frozen=True)
class Options:
    """How a chart looks; every field may be left as it is."""

    title: str = ""
    value: str = ""  # shown at the right end of the title row
    ink: Ink = DARK_INK
    ascii_only: bool = False
    x_kind: str = "linear"
    y_kind: str = "linear"
    x_range: tuple[float | None, float | None] = (None, None)
    y_range: tuple[float | None, float | None] = (None, None)
    x_name: str = ""
    legend: bool = False
    cursor: float | None = None
    marks: tuple[tuple[float, str], ...] = ()
    focused: bool = False
    empty: str = "no points yet"
    none_above: str = "no value above zero for a log axis"


@dataclass(frozen=True)
class Drawing:
    """Rows of (text, style), each exactly as wide as asked, and where the plot lies in them."""

    rows: list[Row]
    left: int = 0
    top: int = 0
    columns: int = 0
    lines: int = 0
    x: Scale = field(default_factory=Scale)
    y: Scale = field(default_factory=Scale)

    def value_at(self, column: int) -> float:
        """The x under a cell of the drawing."""
        return self.x.inverse((column - self.left + 0.5) / max(1, self.columns))

    def height_at(self, row: int) -> float:
        """The y under a row of the drawing."""
        return self.y.inverse(1 - (row - self.top + 0.5) / max(1, self.lines))


def draw(
    lines: Sequence[Line],
    columns: int,
    rows: int,
    options: Options | None = None,
    bands: Sequence[Band] = (),
) -> Drawing:
    """Draw a chart of `columns` × `rows` cells. It never fails for want of room or points."""
    opt = options or Options()
    columns, rows = max(0, columns), max(0, rows)
    head = [_title(columns, opt)] if rows > 2 and (opt.title or opt.value) else []
    foot = _legend(lines, columns, rows, opt) if opt.legend and columns >= 12 else []
    room = rows - len(head) - len(foot)
    x_axis = room >= 5 and columns >= 12
    plot_rows = max(0, room - x_axis)
    x, y = _scales(lines, bands, opt)
    ticks = y.ticks(max(2, plot_rows // 2)) if columns >= 16 and plot_rows >= 2 else []
    labels = min(_LABEL_CELLS, max((width(t.label) for t in ticks), default=0))
    left = labels + 1 if ticks else 0
    plot_columns = columns - left
    none_above = opt.y_kind == "log" and y.kind != "log" and _none_above(lines, bands, x)
    empty = none_above or (not any(np.isfinite(one.y).any() for one in lines) and not bands)
    canvas = Canvas(plot_columns, plot_rows, opt.ink, opt.ascii_only)
    if plot_columns > 0 and plot_rows > 0:
        _plot(canvas, *(([], []) if none_above else (lines, bands)), x, y, opt)
        if empty:
            why = opt.none_above if none_above else opt.empty
            canvas.write(
                plot_rows // 2,
                0,
                clip(why, plot_columns, opt.ascii_only).center(plot_columns),
                opt.ink.dim,
            )
    gutter = (
        _gutter([] if empty else ticks, y, labels, plot_rows, opt)
        if ticks
        else [[] for _ in range(plot_rows)]
    )
    body = [side + row for side, row in zip(gutter, canvas.rows(), strict=True)]
    tail = [_x_axis(x, left, plot_columns, opt, empty)] if x_axis else []
    return Drawing(
        [*head, *body, *tail, *foot][:rows], left, len(head), plot_columns, plot_rows, x, y
    )


def _scales(lines: Sequence[Line], bands: Sequence[Band], opt: Options) -> tuple[Scale, Scale]:
    xs = [one.x for one in lines] + [one.x for one in bands]
    x = fit(opt.x_kind, xs, *opt.x_range)
    seen = [_visible(one.x, one.y, x) for one in lines]
    for area in bands:
        seen += [_visible(area.x, area.low, x), _visible(area.x, area.high, x)]
    return x, fit(opt.y_kind, seen, *opt.y_range)


def _none_above(lines: Sequence[Line], bands: Sequence[Band], x: Scale) -> bool:
    """Whether there are values in sight and a log axis has a place for none of them."""
    seen = [_visible(one.x, one.y, x) for one in lines]
    seen += [_visible(one.x, one.high, x) for one in bands]
    return any(np.isfinite(ys).any() for ys in seen) and not any((ys > 0).any() for ys in seen)


def _visible(xs: Floats, ys: Floats, x: Scale) -> Floats:
    if xs.size and xs[0] >= x.low and xs[-1] <= x.high:  # x rises
        return ys
    return ys[(xs >= x.low) & (xs <= x.high)]


def _to_pixels(
    lines: Sequence[Line], x: Scale, y: Scale, wide: int, high: int
) -> list[tuple[Floats, Floats]]:
    """All lines in pixels, through the scales in one go."""
    sizes = [one.x.size for one in lines]
    px = x.forward(np.concatenate([one.x for one in lines]), wide - 1, 0.5)
    py = y.forward(np.concatenate([one.y for one in lines]), 1 - high, high - 0.5)
    ends = np.cumsum([0, *sizes])
    pairs = [(px[a:b], py[a:b]) for a, b in pairwise(ends.tolist())]
    if np.isfinite(px).all():
        return pairs
    return [(one[np.isfinite(one)], two[np.isfinite(one)]) for one, two in pairs]


def _plot(
    canvas: Canvas, lines: Sequence[Line], bands: Sequence[Band], x: Scale, y: Scale, opt: Options
) -> None:
    wide, high = canvas.columns * 2, canvas.lines * 4
    for area in bands:
        canvas.shade(*_band_rows(area, x, y, wide, high), area.color)
    for layer in (BEHIND, BEHIND + 1, FRONT):
        here = [one for one in lines if min(max(one.layer, BEHIND), FRONT) == layer]
        for one in here:
            if one.points and one.x.size:
                [(px, py)] = _to_pixels([one], x, y, wide, high)
                canvas.layer(*braille.cloud(px, py, canvas.columns, canvas.lines), [one.color])
        chosen = [one for one in here if not one.points]
        if not chosen:
            continue
        drawn = spans(_to_pixels(chosen, x, y, wide, high), wide, high)
        canvas.layer(
            *braille.cells(drawn.low, drawn.high, canvas.lines), [one.color for one in chosen]
        )
        for index, one in enumerate(chosen):
            for column in {int(c) // 2 for c in drawn.gaps[index]}:
                canvas.write(
                    canvas.lines - 1,
                    column,
                    "x" if opt.ascii_only else "×",
                    one.color or opt.ink.bad,
                )
        if not opt.ink.colored and layer > BEHIND and len(lines) > 1:
            _mark_lines(canvas, chosen, drawn.low, drawn.high, opt)
    for place, name in opt.marks:
        _vertical(canvas, x, place, opt.ink.warn, name, opt)
    if opt.cursor is not None:
        _vertical(canvas, x, opt.cursor, opt.ink.accent, "", opt)


def _band_rows(one: Band, x: Scale, y: Scale, wide: int, high: int) -> tuple[Floats, Floats]:
    """The band's top and bottom row of dots in each of `wide` columns; NaN for none."""
    grid = (np.arange(wide) + 0.5) / wide
    xs = x.forward(one.x)
    good = np.isfinite(xs)
    edges = []
    for values in (one.high, one.low):
        fraction = np.clip(y.forward(values), 0, 1)
        edges.append(
            np.interp(
                grid, xs[good], ((1 - fraction) * (high - 1))[good], left=np.nan, right=np.nan
            )
        )
    return edges[0], edges[1]


def _mark_lines(
    canvas: Canvas,
    chosen: Sequence[Line],
    low: npt.NDArray[np.int64],
    high: npt.NDArray[np.int64],
    opt: Options,
) -> None:
    """Without colour, put each line's marker on it every so often."""
    signs = ASCII_MARKERS if opt.ascii_only else MARKERS
    count = low.shape[0]
    stride = max(8, canvas.columns // 4)
    for index, one in enumerate(chosen):
        sign = signs[_sign(one, index) % len(signs)]
        start = (index * stride // max(1, count) + stride // 2) % stride
        for column in range(start, canvas.columns, stride):
            top, bottom = low[index, 2 * column], high[index, 2 * column]
            if bottom >= top:
                canvas.write(int(top + bottom) // 8, column, sign, "")


def _sign(one: Line, index: int) -> int:
    return one.marker if one.marker >= 0 else index


def _vertical(canvas: Canvas, x: Scale, place: float, color: str, name: str, opt: Options) -> None:
    fraction = x.place(place)
    if 0 <= fraction <= 1:
        column = min(canvas.columns - 1, int(fraction * canvas.columns))
        canvas.rule(column, "|" if opt.ascii_only else "│", color)
        if name:
            canvas.write(0, column, name[:1], f"bold {color}".strip())


def _title(columns: int, opt: Options) -> Row:
    ink = opt.ink
    value = clip(opt.value, max(0, columns // 2), opt.ascii_only)
    room = columns - width(value) - bool(value)
    name = pad(opt.title, room, opt.ascii_only)
    style = f"bold {ink.accent if opt.focused else ink.text}".strip()
    return [(name, style), (" " + value if value else "", ink.dim)]


def _gutter(ticks: list[Tick], y: Scale, labels: int, rows: int, opt: Options) -> list[Row]:
    """The y labels and the axis left of each row of the plot."""
    bar = "|" if opt.ascii_only else "│"
    side: list[Row] = [[(" " * labels, opt.ink.dim), (bar, opt.ink.faint)] for _ in range(rows)]
    taken: set[int] = set()
    for tick in ticks:
        row = min(rows - 1, int((1 - y.place(tick.value)) * (rows * 4 - 1) / 4))
        if row not in taken and row >= 0:
            taken.add(row)
            label = clip(tick.label, labels, opt.ascii_only).rjust(labels)
            side[row] = [(label, opt.ink.dim), ("+" if opt.ascii_only else "┤", opt.ink.faint)]
    return side


def _x_axis(x: Scale, left: int, columns: int, opt: Options, empty: bool) -> Row:
    """The x labels, each centred under its place, none running into the next."""
    out = [" "] * columns
    free = 0
    name = clip(opt.x_name, columns // 3, opt.ascii_only)
    stop = columns - (width(name) + 1 if name else 0)
    for tick in [] if empty else x.ticks(max(1, columns // 11)):
        place = int(x.place(tick.value) * (columns * 2 - 1) / 2)
        start = max(free, min(place - len(tick.label) // 2, columns - len(tick.label)))
        if start < 0 or start + len(tick.label) > stop or start > place:
            continue
        out[start : start + len(tick.label)] = tick.label
        free = start + len(tick.label) + 2
    text = "".join(out)
    if name:
        text = text[:stop] + " " + name
    return [(" " * left, ""), (pad(text, columns), opt.ink.dim)]


def _legend(lines: Sequence[Line], columns: int, rows: int, opt: Options) -> list[Row]:
    """Names behind their swatches, on at most a quarter of the rows."""
    named = sorted(
        (one for one in lines if one.label and one.layer > BEHIND), key=lambda one: one.marker
    )
    signs = ASCII_MARKERS if opt.ascii_only else MARKERS
    result: list[Row] = []
    row: Row = []
    used = 0
    for index, one in enumerate(named):
        sign = (
            ("--" if opt.ascii_only else "━━")
            if opt.ink.colored
            else signs[_sign(one, index) % len(signs)]
        )
        name = clip(one.label, max(4, columns - 4), opt.ascii_only)
        size = width(sign) + 1 + width(name) + 2
        if used and used + size > columns:
            result.append([*row, (" " * (columns - used), "")])
            row, used = [], 0
        text = pad(
            f" {name}  ", min(size - width(sign), columns - used - width(sign)), opt.ascii_only
        )
        row += [(sign, one.color), (text, opt.ink.text)]
        used += width(sign) + width(text)
    if row:
        result.append([*row, (" " * (columns - used), "")])
    most = max(1, rows // 4) if rows >= 4 else 0
    if 0 < most < len(result):  # a sign that there are more
        *row, (name, style), (blank, _) = result[most - 1]
        tail = (name + blank)[:-1] + ("." if opt.ascii_only else "…")
        result[most - 1] = [*row, (tail, style)]
    return result[:most]
