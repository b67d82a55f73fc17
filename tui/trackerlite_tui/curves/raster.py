"""Lines to dots: for each line and pixel column, the rows that it covers.

All lines are done in one pass. Points are grouped by pixel column with `reduceat`
(lowest, highest, first, last), neighbouring groups are joined by the straight line
between them, and each column keeps one vertical span. A sample always lights its own
row, so no spike is lost; a join lights the rows whose centre it passes, so that a
slope stays one dot thin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trackerlite_tui.curves.line import Floats

Ints = npt.NDArray[np.int64]
_NO_COLUMNS: Ints = np.empty(0, dtype=np.int64)
NOTHING = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Spans:
    """`low[line, column]`..`high[line, column]` are the rows covered; low > high is none."""

    low: Ints
    high: Ints
    gaps: list[Ints]  # for each line, the columns where a NaN or Inf was


def spans(lines: Sequence[tuple[Floats, Floats]], width: int, height: int) -> Spans:
    """Rasterise polylines.

    Args:
        lines: pairs (x, y) in pixels: x rising, the picture being 0 <= x < width and
            0 <= y < height with y growing downwards; a y that is not finite is a gap.
        width, height: the picture, in pixels.
    """
    n = len(lines)
    low = np.full(n * width, NOTHING, dtype=np.int64)
    high = np.full(n * width, -1, dtype=np.int64)
    gaps = [_gap_columns(x, y, width) for x, y in lines]
    if n and width > 0 and height > 0:
        owner, x, y, broken = _flatten(lines)
        if x.size:
            _samples(low, high, owner, x, y, width, height)
            _joins(low, high, owner, x, y, broken, width, height)
    return Spans(low.reshape(n, width), high.reshape(n, width), gaps)


def _gap_columns(x: Floats, y: Floats, width: int) -> Ints:
    bad = x[~np.isfinite(y)]
    if not bad.size:
        return _NO_COLUMNS
    column = np.unique(np.floor(bad).astype(np.int64))
    return column[(column >= 0) & (column < width)]


def _flatten(
    lines: Sequence[tuple[Floats, Floats]],
) -> tuple[Ints, Floats, Floats, npt.NDArray[np.bool_]]:
    """Every finite point of every line, and whether a gap lies before it."""
    owner = np.repeat(np.arange(len(lines)), [x.size for x, _ in lines])
    x = np.concatenate([x for x, _ in lines])
    y = np.concatenate([y for _, y in lines])
    finite = np.isfinite(y)
    if not finite.all():
        seen = np.cumsum(~finite)[finite]
        owner, x, y = owner[finite], x[finite], y[finite]
    else:
        seen = np.zeros(x.size, dtype=np.int64)
    broken = np.ones(x.size, dtype=bool)
    broken[1:] = (owner[1:] != owner[:-1]) | (seen[1:] != seen[:-1])
    return owner, x, y, broken


def _samples(
    low: Ints, high: Ints, owner: Ints, x: Floats, y: Floats, width: int, height: int
) -> None:
    """Light the rows of the points themselves, from the lowest to the highest per column."""
    column = np.floor(x)
    seen = (column >= 0) & (column < width) & (y >= 0) & (y < height)
    if not seen.any():
        return
    key = owner[seen] * width + column[seen].astype(np.int64)
    rows = y[seen].astype(np.int64)
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    low[key[starts]] = np.minimum.reduceat(rows, starts)
    high[key[starts]] = np.maximum.reduceat(rows, starts)


def _joins(
    low: Ints,
    high: Ints,
    owner: Ints,
    x: Floats,
    y: Floats,
    broken: npt.NDArray[np.bool_],
    width: int,
    height: int,
) -> None:
    """Light what the straight lines between neighbouring points cover."""
    ends = np.flatnonzero(~broken)
    if not ends.size:
        return
    column = np.floor(np.clip(x, -1, width)).astype(np.int64)
    outside = (y < 0) | (y >= height)
    # Inside a column the samples' own rows already cover what lies between them.
    needed = (column[ends] != column[ends - 1]) | outside[ends] | outside[ends - 1]
    ends = ends[needed]
    x0, x1, y0, y1, line = x[ends - 1], x[ends], y[ends - 1], y[ends], owner[ends]
    first, last = column[ends - 1], column[ends]
    seen = (last >= 0) & (first < width) & (np.maximum(y0, y1) >= 0) & (np.minimum(y0, y1) < height)
    within = np.flatnonzero(seen & (first == last))
    if within.size:  # a column that a line enters or leaves through the top or bottom, often
        top, bottom = np.minimum(y0, y1)[within], np.maximum(y0, y1)[within]
        key, start, stop = _rows(line[within] * width + first[within], top, bottom, height)
        np.minimum.at(low, key, start)
        np.maximum.at(high, key, stop)
    long = np.flatnonzero(seen & (first != last))
    if not long.size:
        return
    begin = np.maximum(first[long], 0)
    count = np.minimum(last[long], width - 1) - begin + 1
    which = np.repeat(long, count)
    place = np.repeat(begin - (np.cumsum(count) - count), count) + np.arange(count.sum())
    ax, ay = x0[which], y0[which]
    slope = ((y1[long] - y0[long]) / (x1[long] - x0[long])).repeat(count)
    left = ay + slope * (np.maximum(place, ax) - ax)
    right = ay + slope * (np.minimum(place + 1, x1[which]) - ax)
    key, top, bottom = line[which] * width + place, np.minimum(left, right), np.maximum(left, right)
    # At most one join leaves a column and one enters it, so each half has no key twice.
    entering = place == last[which]
    for half in (entering, ~entering):
        at, start, stop = _rows(key[half], top[half], bottom[half], height)
        low[at] = np.minimum(low[at], start)
        high[at] = np.maximum(high[at], stop)


def _rows(key: Ints, top: Floats, bottom: Floats, height: int) -> tuple[Ints, Ints, Ints]:
    """Which rows have their centre in [top, bottom), for the keys that have any in the picture."""
    start = np.ceil(np.clip(top, -1, height + 1) - 0.5).astype(np.int64)
    stop = np.ceil(np.clip(bottom, -1, height + 1) - 0.5).astype(np.int64) - 1
    flat = stop < start
    if flat.any():
        middle = np.clip((top[flat] + bottom[flat]) / 2, -1, height)
        start[flat] = stop[flat] = np.floor(middle).astype(np.int64)
    seen = (stop >= 0) & (start < height)
    return key[seen], np.maximum(start[seen], 0), np.minimum(stop[seen], height - 1)
