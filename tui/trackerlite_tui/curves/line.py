"""What is drawn: a line, or a band between two edges, as NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BEHIND, NORMAL, FRONT = 0, 1, 2


def _empty() -> Floats:
    return np.empty(0, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Line:
    """A polyline: `x` rising (equal values allowed), `y` where a NaN or Inf is a gap.

    `layer` decides who owns a cell that two lines cross: FRONT over NORMAL over BEHIND;
    within a layer the later line does.
    """

    x: Floats = field(default_factory=_empty)
    y: Floats = field(default_factory=_empty)
    label: str = ""
    color: str = ""
    layer: int = NORMAL
    marker: int = -1  # which sign stands for it where there is no colour; -1: by its place
    points: bool = False  # a cloud: nothing joins the points


@dataclass(frozen=True, eq=False)
class Band:
    """The area between `low` and `high` over rising `x`; NaN edges are gaps."""

    x: Floats
    low: Floats
    high: Floats
    label: str = ""
    color: str = ""


def line(
    x: Any, y: Any, label: str = "", color: str = "", layer: int = NORMAL, *, points: bool = False
) -> Line:
    """A Line from anything array-like, put in the order of `x`.

    Points whose x is not finite are left out. Raises ValueError when the lengths differ.
    """
    xs = np.asarray(x, dtype=np.float64).ravel()
    ys = np.asarray(y, dtype=np.float64).ravel()
    if xs.shape != ys.shape:
        raise ValueError(f"x has {xs.size} values and y has {ys.size}")
    keep = np.isfinite(xs)
    if not keep.all():
        xs, ys = xs[keep], ys[keep]
    if xs.size > 1 and (np.diff(xs) < 0).any():
        order = np.argsort(xs, kind="stable")
        xs, ys = xs[order], ys[order]
    return Line(xs, ys, label, color, layer, points=points)


def unfold(envelope: npt.NDArray[np.void], x_low: Any, x_high: Any) -> tuple[Floats, Floats]:
    """The polyline that looks like an envelope: first, min, max, last of every bucket.

    Args:
        envelope: structured array with `count finite first last min max` (N buckets).
        x_low, x_high: where each bucket begins and ends on the x axis (N).

    A bucket of one point gives one point; a bucket that holds a NaN or Inf ends in a gap.

    Returns:
        x and y, both of the same length, up to 5 N.
    """
    low = np.asarray(x_low, dtype=np.float64)
    high = np.asarray(x_high, dtype=np.float64)
    middle = low + (high - low) / 2
    n = len(envelope)
    xs = np.empty((n, 5))
    ys = np.empty((n, 5))
    xs[:, 0], ys[:, 0] = low, envelope["first"]
    xs[:, 1], ys[:, 1] = middle, envelope["min"]
    xs[:, 2], ys[:, 2] = middle, envelope["max"]
    xs[:, 3], ys[:, 3] = high, envelope["last"]
    xs[:, 4], ys[:, 4] = high, np.nan
    keep = np.ones((n, 5), dtype=bool)
    finite, count = envelope["finite"], envelope["count"]
    keep[:, 1:4] = (finite > 1)[:, None]
    keep[:, 0] = finite > 0
    keep[:, 4] = finite < count
    return xs[keep], ys[keep]


def thin(x: Floats, y: Floats, columns: int, low: float, high: float) -> tuple[Floats, Floats]:
    """The points of `thinning`."""
    keep = thinning(x, y, columns, low, high)
    return x[keep], y[keep]


def thinning(
    x: Floats, y: Floats, columns: int, low: float, high: float
) -> npt.NDArray[np.bool_] | slice:
    """Which points to keep: at most five a column, drawn alike at that width.

    First, min, max and last of each column, and a gap where there is one. Points outside
    `low`..`high` shrink to the nearest one on either side, so that a line still enters and
    leaves the picture where it should.
    """
    if x.size <= 4 * columns or not high > low:
        return slice(None)
    column = np.floor((x - low) * ((columns - 1) / (high - low)) + 0.5)  # as the chart puts them
    column = np.clip(column, -1, columns).astype(np.int64)
    finite = np.isfinite(y)
    starts = np.flatnonzero(np.r_[True, column[1:] != column[:-1]])
    stops = np.r_[starts[1:], x.size]
    lowest = np.where(finite, y, np.inf)
    highest = np.where(finite, y, -np.inf)
    keep = np.zeros(x.size, dtype=bool)
    keep[starts] = True
    keep[stops - 1] = True
    group = np.repeat(np.arange(starts.size), stops - starts)
    for values, pick in ((lowest, np.minimum), (highest, np.maximum)):
        best = pick.reduceat(values, starts)
        hit = np.flatnonzero((values == best[group]) & finite)
        keep[hit[np.unique(group[hit], return_index=True)[1]]] = True
    gaps = np.flatnonzero(~finite)
    if gaps.size:
        keep[gaps[np.unique(group[gaps], return_index=True)[1]]] = True
    inside = column[starts]
    for side in (-1, columns):
        where = np.flatnonzero(inside == side)
        if where.size:
            only = int(where[0])
            keep[starts[only] : stops[only]] = False
            keep[stops[only] - 1 if side < 0 else starts[only]] = True
    return keep
