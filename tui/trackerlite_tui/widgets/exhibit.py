"""Media as rows: pictures in half blocks, matrices, histograms over steps, tables, text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trackerlite.text import counted
from trackerlite_tui.curves.numbers import number, tick_label
from trackerlite_tui.curves.palette import blend, contrast
from trackerlite_tui.look import Look
from trackerlite_tui.order import value_text
from trackerlite_tui.rows import Row, fit, pad, width, words
from trackerlite_tui.text import block, safe

if TYPE_CHECKING:
    from trackerlite.readers import ValueRow

Pixels = Sequence[Sequence[tuple[int, int, int]]]
_SHADES = " .:-=+*#%@"


def picture(pixels: Pixels, look: Look) -> list[Row]:
    """Pixels, two to a cell; without colour as shades of characters."""
    if not look.ink.colored or look.ascii_only:
        return [
            [
                (
                    "".join(
                        _SHADES[min(9, sum(map(sum, (a, b))) * 10 // 1531)]
                        for a, b in zip(top, low, strict=True)
                    ),
                    look.text,
                )
            ]
            for top, low in _pairs(pixels)
        ]
    out: list[Row] = []
    for top, low in _pairs(pixels):
        row: Row = []
        for a, b in zip(top, low, strict=True):
            style = "#{:02x}{:02x}{:02x} on #{:02x}{:02x}{:02x}".format(*a, *b)
            if row and row[-1][1] == style:
                row[-1] = (row[-1][0] + "▀", style)
            else:
                row.append(("▀", style))
        out.append(row)
    return out


def _pairs(
    pixels: Pixels,
) -> list[tuple[Sequence[tuple[int, int, int]], Sequence[tuple[int, int, int]]]]:
    return [
        (pixels[y], pixels[y + 1] if y + 1 < len(pixels) else [(0, 0, 0)] * len(pixels[y]))
        for y in range(0, len(pixels), 2)
    ]


def heat(share: float, look: Look) -> str:
    """A background for a share of the whole, 0 to 1; the text on it stays readable."""
    if not look.ink.colored:
        return ""
    back = blend(look.ink.background, look.ink.accent, max(0.0, min(1.0, share)) ** 0.7)
    inks = (look.ink.text, look.ink.background, "#000000", "#ffffff")
    front = next((ink for ink in inks if contrast(ink, back) >= 4.5), inks[0])
    return f"{front} on {back}"


def matrix(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], wide: int, high: int, look: Look
) -> list[Row]:
    """A confusion matrix from rows of (actual, predicted, count): counts on their share of the row.

    What has no room is counted in the last of `high` rows.
    """
    labels: list[str] = list(
        dict.fromkeys([*(str(r[0]) for r in rows), *(str(r[1]) for r in rows)])
    )
    counts = {(str(r[0]), str(r[1])): r[2] if isinstance(r[2], (int, float)) else 0 for r in rows}
    side = min(16, max((width(safe(label)) for label in labels), default=1))
    cell = max(5, min(12, (wide - side - 2) // max(1, len(labels)) - 1))
    shown = labels[: max(1, (wide - side - 2) // (cell + 1))]
    out: list[Row] = [
        [(f" {safe(str(columns[0]))} (down) × {safe(str(columns[1]))} (across)", look.dim)]
    ]
    head: Row = [(" " * (side + 2), "")]
    head += [
        (pad(safe(label), cell, look.ascii_only).rstrip().rjust(cell) + " ", look.strong)
        for label in shown
    ]
    out.append(head)
    right = total = 0.0
    for actual in labels:
        whole = sum(counts.get((actual, other), 0) for other in labels)
        row: Row = [(f" {pad(safe(actual), side, look.ascii_only)} ", look.strong)]
        for predicted in shown:
            count = counts.get((actual, predicted), 0)
            share = count / whole if whole else 0.0
            row.append((number(count).rjust(cell), heat(share, look)))
            row.append((" ", ""))
        out.append(row)
        right += counts.get((actual, actual), 0)
        total += whole
    foot = f" {right / total:.1%} on the diagonal, {number(total)} in all" if total else ""
    kept = out[: max(3, high - 1)] if len(out) > high or len(shown) < len(labels) else out
    left = (len(out) - len(kept), "row"), (len(labels) - len(shown), "column")
    more = " and ".join(counted(count, f"more {noun}") for count, noun in left if count)
    if more:
        return [*kept, [(f" {more}: enter reads all", look.dim)]]
    return [*out, [], [(foot, look.text)]] if len(out) + 2 <= high else [*out, [(foot, look.text)]]


def heat_map(
    history: Sequence[ValueRow], at: int, columns: int, rows: int, look: Look
) -> list[Row]:
    """Histograms over steps: a column a step, darker or brighter by how many values lie there."""
    seen = [row.value for row in history if len(row.value.get("bins", ())) > 1]
    if not seen:
        return [[("no histogram", look.dim)]]
    low = min(min(v["bins"]) for v in seen)
    high = max(max(v["bins"]) for v in seen)
    step = (high - low) / max(1, rows - 1) or 1.0
    gutter = 10
    across = max(1, min(columns - gutter, len(seen)))
    repeat = max(1, (columns - gutter) // across)
    picked = [seen[int(i * len(seen) / across)] for i in range(across)]
    grid = [_resampled(value, low, high, rows - 1) for value in picked]
    here = min(across - 1, int(at * across / len(seen)))
    out: list[Row] = []
    for y in range(rows - 1):
        value = high - (y + 0.5) * step
        label = tick_label(value, step, max(abs(low), abs(high))) if y % 4 == 0 else ""
        row: Row = [(label[: gutter - 1].rjust(gutter - 1) + " ", look.dim)]
        for x, shares in enumerate(grid):
            share = shares[rows - 2 - y]
            if look.ink.colored:
                style = heat(share, look)
                row.append(
                    ((look.pick("▏", "|") if x == here else " ") + " " * (repeat - 1), style)
                )
            else:
                row.append((_SHADES[min(9, int(share * 9.99))] * repeat, look.text))
        out.append(row)
    first, last = history[0].step, history[-1].step
    span = max(1, across * repeat - len(str(first)))
    out.append([(" " * gutter + str(first) + str(last).rjust(span), look.dim)])
    return out


def _resampled(value: dict[str, Any], low: float, high: float, rows: int) -> list[float]:
    """A histogram's counts in `rows` equal bins from low to high, as shares of the fullest."""
    out = [0.0] * rows
    edges, counts = value["bins"], value["values"]
    scale = rows / (high - low) if high > low else 0.0
    for count, a, b in zip(counts, edges[:-1], edges[1:], strict=False):
        start, stop = (a - low) * scale, (b - low) * scale
        first, last = max(0, int(start)), min(rows - 1, int(stop))
        for i in range(first, last + 1):
            part = min(stop, i + 1) - max(start, i)
            out[i] += count * (part / (stop - start) if stop > start else 1.0)
    top = max(out) or 1.0
    return [v / top for v in out]


def quantiles(value: dict[str, Any], shares: Sequence[float]) -> list[float]:
    """Where those shares of a histogram's values lie below, straight within a bin."""
    edges, counts = value["bins"], value["values"]
    total = sum(counts)
    if not total:
        return [math.nan] * len(shares)
    out = []
    for share in shares:
        wanted, before = share * total, 0.0
        place = float(edges[-1])
        for count, a, b in zip(counts, edges[:-1], edges[1:], strict=False):
            if count and before + count >= wanted:
                place = a + (b - a) * (wanted - before) / count
                break
            before += count
        out.append(place)
    return out


def bands(history: Sequence[ValueRow], name: str, columns: int, rows: int, look: Look) -> list[Row]:
    """Histograms over steps as the median with two bands around it."""
    import numpy as np

    from trackerlite_tui.curves.chart import Options, draw
    from trackerlite_tui.curves.line import Band, line

    seen = [row for row in history if len(row.value.get("bins", ())) > 1]
    table = np.array([quantiles(row.value, (0.05, 0.25, 0.5, 0.75, 0.95)) for row in seen]).reshape(
        -1, 5
    )
    x = np.array([row.step for row in seen], dtype=np.float64)
    color = look.ink.line(0)
    options = Options(
        title=safe(name),
        value="5 25 50 75 95 %",
        ink=look.ink,
        ascii_only=look.ascii_only,
        x_name="step",
    )
    outer = Band(x, table[:, 0], table[:, 4], color=look.ink.faint)
    inner = Band(x, table[:, 1], table[:, 3], color=look.ink.behind(color))
    return draw(
        [line(x, table[:, 2], "median", color)], columns, rows, options, [outer, inner]
    ).rows


def bars(value: dict[str, Any], columns: int, rows: int, look: Look) -> list[Row]:
    """One histogram: a line of blocks for each bin, as many bins as there is room."""
    edges, counts = value.get("bins", []), value.get("values", [])
    if len(edges) < 2:
        return [[("no values", look.dim)]]
    low, high = float(edges[0]), float(edges[-1])
    count = max(1, min(rows, len(counts)))
    shares = _resampled(value, low, high, count)
    step = (high - low) / count or 1.0
    out: list[Row] = []
    room = max(1, columns - 24)
    for i, share in enumerate(shares):
        label = number(low + i * step).rjust(10)
        bar = look.pick("█", "#") * round(share * room)
        out.append([(f"{label} ", look.dim), (bar, look.ink.line(0) or look.text)])
    return out


def table(
    columns: Sequence[str], data: Sequence[Sequence[Any]], wide: int, look: Look
) -> list[Row]:
    """A table's rows under its headings."""
    texts = [
        [
            value_text(v) if not isinstance(v, dict) else safe(str(v.get("_type", v)), 40)
            for v in row
        ]
        for row in data
    ]
    sizes = []
    for i, name in enumerate(columns):
        widest = max(
            [width(safe(str(name))), *(width(row[i]) for row in texts[:200] if i < len(row))]
        )
        sizes.append(min(widest, max(8, wide // max(1, min(len(columns), 4)))))
    head: Row = [(" ", "")]
    head += [
        (pad(safe(str(name)), size, look.ascii_only) + "  ", f"bold {look.dim}")
        for name, size in zip(columns, sizes, strict=True)
    ]
    out: list[Row] = [head]
    for row in texts:
        cells: Row = [(" ", "")]
        cells += [
            (pad(text, size, look.ascii_only) + "  ", look.text)
            for text, size in zip(row, sizes, strict=False)
        ]
        out.append(cells)
    return out


def prose(text: str, wide: int, look: Look) -> list[Row]:
    """Text in lines that fit."""
    return [
        [(" " + line, look.text)]
        for piece in block(text)
        for line in words(piece, max(10, wide - 2))
    ]


def framed(rows: list[Row], columns: int) -> list[Row]:
    """Rows of one width."""
    return [fit(row, columns) for row in rows]
