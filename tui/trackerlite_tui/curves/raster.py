"""Lines to dots: for each line and pixel column, the rows that it covers.

All lines are done in one pass. Points are grouped by pixel column with `reduceat`
(lowest, highest, first, last), neighbouring groups are joined by the straight line
between them, and each column keeps one vertical span. A sample always lights its own
row, so no spike is lost; a join lights the rows whose centre it passes, so that a
slope stays one dot thin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trackerlite_tui.curves.line import Floats

Ints = npt.NDArray[np.int64]
_NO_COLUMNS: Ints = np.empty(0, dtype=np.int64)
NOTHING = np.iinfo(np.int32).max

# The C library gives a freed block larger than any before back to the system, and every page of the
# next one is then faulted in anew, which takes longer than drawing on it. Having freed one of 16 MB
# it keeps such blocks (glibc: the dynamic M_MMAP_THRESHOLD); this one is never touched.
np.empty(2**24, dtype=np.uint8)


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
    gaps = [_NO_COLUMNS] * n
    if n and width > 0 and height > 0:
        points = _points(lines, width, gaps)
        if points.x.size:
            _light(low, high, points, width, height)
    return Spans(low.reshape(n, width), high.reshape(n, width), gaps)


@dataclass(frozen=True, eq=False)
class _Points:
    """Every finite point of every line, in the order of lines."""

    x: Floats
    y: Floats
    column: Ints  # -1 and `width` are outside
    owner: Ints
    broken: Ints  # the points that a gap or the start of a line lies before


def _points(lines: Sequence[tuple[Floats, Floats]], width: int, gaps: list[Ints]) -> _Points:
    """Put the lines behind one another, leaving out gaps; their columns go into `gaps`."""
    sizes = np.array([x.size for x, _ in lines])
    owner = np.repeat(np.arange(len(lines)), sizes)
    x = np.concatenate([x for x, _ in lines])
    y = np.concatenate([y for _, y in lines])
    # A NaN or Inf anywhere makes the sum one: most pictures need no look at each point.
    with np.errstate(invalid="ignore"):
        total = y.sum()
    if math.isfinite(total):
        broken = (np.cumsum(sizes) - sizes)[sizes > 0]
    else:
        finite = np.isfinite(y)
        for index, (xs, ys) in enumerate(lines):
            gaps[index] = _gap_columns(xs, ys, width)
        seen = np.cumsum(~finite)[finite]
        owner, x, y = owner[finite], x[finite], y[finite]
        fresh = np.ones(x.size, dtype=bool)
        fresh[1:] = (owner[1:] != owner[:-1]) | (seen[1:] != seen[:-1])
        broken = np.flatnonzero(fresh)
    column = np.floor(np.clip(x, -1, width)).astype(np.int64)
    return _Points(x, y, column, owner, broken)


def _gap_columns(x: Floats, y: Floats, width: int) -> Ints:
    bad = x[~np.isfinite(y)]
    if not bad.size:
        return _NO_COLUMNS
    column = np.unique(np.floor(bad).astype(np.int64))
    return column[(column >= 0) & (column < width)]


def _light(low: Ints, high: Ints, points: _Points, width: int, height: int) -> None:
    """Light the rows of the points, from the lowest to the highest per column, and of the joins."""
    x, y, column, owner = points.x, points.y, points.column, points.owner
    fresh = np.empty(x.size, dtype=bool)
    np.not_equal(column[1:], column[:-1], out=fresh[1:])
    fresh[points.broken] = True
    starts = np.flatnonzero(fresh)
    top, bottom = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    place, line = column[starts], owner[starts]
    seen = (place >= 0) & (place < width)
    key = line * width + place
    if top.min() >= 0 and bottom.max() < height:
        _widen(low, high, key[seen], top[seen].astype(np.int64), bottom[seen].astype(np.int64))
    else:
        inside = (y >= 0) & (y < height)
        rows = np.where(inside, y, height).astype(np.int64)
        first = np.minimum.reduceat(rows, starts)
        last = np.maximum.reduceat(np.where(inside, rows, -1), starts)
        seen &= last >= 0
        _widen(low, high, key[seen], first[seen], last[seen])
        _steep(low, high, points, fresh, ~inside, width, height)
    ends = np.setdiff1d(starts, points.broken, assume_unique=True)
    if ends.size:
        _joins(low, high, points, ends, width, height)


def _widen(low: Ints, high: Ints, key: Ints, start: Ints, stop: Ints) -> None:
    """Make spans hold more rows; a gap within a column gives a key twice, one after the other."""
    if key.size > 1 and (key[1:] == key[:-1]).any():
        np.minimum.at(low, key, start)
        np.maximum.at(high, key, stop)
    else:
        low[key] = np.minimum(low[key], start)
        high[key] = np.maximum(high[key], stop)


def _steep(
    low: Ints,
    high: Ints,
    points: _Points,
    fresh: npt.NDArray[np.bool_],
    outside: npt.NDArray[np.bool_],
    width: int,
    height: int,
) -> None:
    """Light the columns that a line enters or leaves through the top or bottom, often.

    Where both ends of a join are inside, the samples' own rows cover what lies between them.
    """
    ends = np.flatnonzero(~fresh[1:] & (outside[1:] | outside[:-1])) + 1
    y0, y1, column = points.y[ends - 1], points.y[ends], points.column[ends]
    top, bottom = np.minimum(y0, y1), np.maximum(y0, y1)
    seen = (column >= 0) & (column < width) & (bottom >= 0) & (top < height)
    if seen.any():
        at = (points.owner[ends] * width + column)[seen]
        key, start, stop = _rows(at, top[seen], bottom[seen], height)
        np.minimum.at(low, key, start)
        np.maximum.at(high, key, stop)


def _joins(low: Ints, high: Ints, points: _Points, ends: Ints, width: int, height: int) -> None:
    """Light what the straight lines between points of different columns cover."""
    before = ends - 1
    x0, x1, y0, y1 = points.x[before], points.x[ends], points.y[before], points.y[ends]
    first, last = points.column[before], points.column[ends]
    seen = (last >= 0) & (first < width) & (np.maximum(y0, y1) >= 0) & (np.minimum(y0, y1) < height)
    pieces = _Pieces(points.owner[ends] * width, x0, y0, (y1 - y0) / (x1 - x0), height)
    # A join leaves one column and enters another; no other join of its line does just that.
    some = np.flatnonzero(seen & (first >= 0))
    pieces.light(low, high, some, first[some], x0[some], np.minimum(first + 1, x1)[some])
    some = np.flatnonzero(seen & (last < width))
    pieces.light(low, high, some, last[some], np.maximum(last, x0)[some], x1[some])
    some = np.flatnonzero(seen & (last - first > 1))
    if some.size:
        begin = np.maximum(first[some] + 1, 0)
        count = np.maximum(np.minimum(last[some], width) - begin, 0)
        which = np.repeat(some, count)
        place = np.repeat(begin - (np.cumsum(count) - count), count) + np.arange(which.size)
        pieces.light(low, high, which, place, place, place + 1)


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Joins, of which pieces within one column each are lit."""

    base: Ints
    x0: Floats
    y0: Floats
    slope: Floats
    height: int

    def light(
        self, low: Ints, high: Ints, which: Ints, column: Ints, left: Any, right: Any
    ) -> None:
        """Light the rows that the joins `which` pass between `left` and `right`; no column twice."""
        x0, y0, slope = self.x0[which], self.y0[which], self.slope[which]
        one, other = y0 + slope * (left - x0), y0 + slope * (right - x0)
        key, start, stop = _rows(
            self.base[which] + column,
            np.minimum(one, other),
            np.maximum(one, other),
            self.height,
        )
        low[key] = np.minimum(low[key], start)
        high[key] = np.maximum(high[key], stop)


def _rows(key: Ints, top: Floats, bottom: Floats, height: int) -> tuple[Ints, Ints, Ints]:
    """Which rows have their centre in [top, bottom), for the keys that have any in the picture."""
    start = np.ceil(np.clip(top, -1, height + 1) - 0.5).astype(np.int64)
    stop = np.ceil(np.clip(bottom, -1, height + 1) - 0.5).astype(np.int64) - 1
    flat = np.flatnonzero(stop < start)
    if flat.size:
        middle = np.clip((top[flat] + bottom[flat]) / 2, -1, height)
        start[flat] = stop[flat] = np.floor(middle).astype(np.int64)
    if start.size and (start.min() < 0 or stop.max() >= height):
        seen = np.flatnonzero((stop >= 0) & (start < height))
        key, start, stop = key[seen], start[seen], stop[seen]
        return key, np.maximum(start, 0), np.minimum(stop, height - 1)
    return key, start, stop
