"""Tables that stand for a chart (`tl.plot`), drawn as what they are: curves, points, bars, a histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from trackerlite_tui.curves.numbers import number
from trackerlite_tui.look import Look
from trackerlite_tui.rows import Row, pad, width
from trackerlite_tui.text import safe
from trackerlite_tui.widgets import exhibit

Names = Sequence[str]
Data = Sequence[Sequence[Any]]


class _Plot(NamedTuple):
    """A table, the column for each role in its chart, the chart's words, and the room for it."""

    names: Names
    data: Data
    fields: dict[str, str]
    strings: dict[str, Any]
    columns: int
    rows: int
    look: Look

    def place(self, role: str) -> int:
        """Where the column for a role is."""
        return self.names.index(self.fields[role])

    def title(self, otherwise: str) -> Row:
        """The chart's first row."""
        return [(safe(str(self.strings.get("title") or otherwise)), self.look.strong)]


def drawn(
    plot: dict[str, Any], names: Names, data: Data, columns: int, rows: int, look: Look
) -> list[Row] | None:
    """The chart that a table stands for; None when it is not one of those that are known.

    Args:
        plot: what `tl.plot` recorded beside the table: `id`, `fields` (role to column), `strings`.
    """
    kind, fields = str(plot.get("id", "")), dict(plot.get("fields") or {})
    strings = dict(plot.get("strings") or {})
    asked = _Plot(names, data, fields, strings, columns, rows, look)
    if "confusion_matrix" in kind and len(names) >= 3:
        return exhibit.matrix(names, data, columns, rows, look)
    if "histogram" in kind and fields.get("value") in names:
        return _histogram(asked)
    if "bar/" in kind and {fields.get("label"), fields.get("value")} <= set(names):
        return _bars(asked)
    if any(word in kind for word in ("area-under-curve", "line", "scatter")) and len(names) >= 2:
        return _curves(asked, points="scatter" in kind)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _bars(plot: _Plot) -> list[Row]:
    """A bar a row of the table, left of the common zero where it is negative."""
    rows, columns, look = plot.rows, plot.columns, plot.look
    at, of = plot.place("label"), plot.place("value")
    bars = [
        (safe(str(row[at])), float(row[of]) if _is_number(row[of]) else math.nan)
        for row in plot.data
    ]
    room = max(1, rows - 2) if len(bars) > rows - 1 else len(bars)
    side = min(max((width(label) for label, _ in bars), default=1), max(4, columns // 3))
    told = max((len(number(value)) for _, value in bars), default=1)
    wide = max(1, columns - side - told - 4)
    good = [value for _, value in bars if value == value]
    low, high = min([0.0, *good]), max([0.0, *good])
    scale = wide / (high - low) if high > low else 0.0
    zero = round(-low * scale)
    out = [plot.title(f"{plot.fields['value']} by {plot.fields['label']}")]
    for label, value in bars[:room]:
        end = zero if value != value else round((value - low) * scale)
        start, stop = sorted((zero, end))
        out.append(
            [
                (f" {pad(label, side, look.ascii_only)} ", look.dim),
                (number(value).rjust(told) + " ", look.text),
                (" " * start, ""),
                (look.pick("█", "#") * (stop - start), look.ink.line(0) or look.text),
            ]
        )
    if room < len(bars):
        out.append([(f" and {len(bars) - room:,} more bars: enter reads the table", look.dim)])
    return out


def _histogram(plot: _Plot) -> list[Row]:
    """How often the values of a column lie where."""
    import numpy as np

    of = plot.place("value")
    values = [float(row[of]) for row in plot.data if _is_number(row[of])]
    head = plot.title(plot.fields["value"])
    if not values:
        return [head, [("no values", plot.look.dim)]]
    counts, edges = np.histogram(values, bins=max(1, min(plot.rows - 1, 20)))
    value = {"bins": edges.tolist(), "values": counts.tolist()}
    return [head, *exhibit.bars(value, plot.columns, plot.rows - 1, plot.look)]


def _curves(plot: _Plot, *, points: bool) -> list[Row]:
    """One line, or cloud of points, for each class."""
    from trackerlite_tui.curves.chart import Options, draw
    from trackerlite_tui.curves.line import line

    names, fields, look = plot.names, plot.fields, plot.look
    x_name = fields.get("x") or fields.get("step") or ""
    y_name = fields.get("y") or fields.get("lineVal") or ""
    if x_name not in names or y_name not in names:
        x_name, y_name = names[-2], names[-1]
    roles = ("class", "lineKey", "color", "stroke")
    group = next((fields[role] for role in roles if fields.get(role) in names), None)
    xi, yi = names.index(x_name), names.index(y_name)
    gi = names.index(group) if group else None
    groups: dict[str, list[tuple[float, float]]] = {}
    for row in plot.data:
        if isinstance(row[xi], (int, float)) and isinstance(row[yi], (int, float)):
            label = safe(str(row[gi])) if gi is not None else ""
            groups.setdefault(label, []).append((float(row[xi]), float(row[yi])))
    lines = [
        line([x for x, _ in some], [y for _, y in some], label, look.ink.line(i), points=points)
        for i, (label, some) in enumerate(groups.items())
    ]
    options = Options(
        title=safe(str(plot.strings.get("title") or f"{y_name} over {x_name}")),
        ink=look.ink,
        ascii_only=look.ascii_only,
        x_name=safe(str(plot.strings.get("xname") or x_name)),
        legend=len(lines) > 1,
        empty="no points",
    )
    return draw(lines, plot.columns, plot.rows, options).rows
