"""Several curves as one: a centre line with the spread around it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from trackerlite_tui.curves.line import Floats, Line

KINDS = ("mean", "median", "range")
_QUANTILES = {"median": (25, 50, 75), "range": (0, 50, 100)}


def resample(x: Floats, y: Floats, grid: Floats) -> Floats:
    """`y` at the even places `grid`; NaN outside, and across gaps.

    Where points lie closer than places, that of the nearest: what is between two noisy points is
    less noisy than what was logged. Elsewhere straight between points.
    """
    if not x.size:
        return np.full(grid.shape, np.nan)
    out = np.interp(grid, x, y, left=np.nan, right=np.nan)
    if x.size > 1 and grid.size > 1:
        right = np.clip(np.searchsorted(x, grid), 1, x.size - 1)
        below, above = x[right - 1], x[right]
        close = (above - below <= grid[1] - grid[0]) & (x[0] <= grid) & (grid <= x[-1])
        nearest = np.where(grid - below < above - grid, y[right - 1], y[right])
        out = np.where(close, nearest, out)
    return np.asarray(out, dtype=np.float64)


def grid_over(low: float, high: float, places: int) -> Floats:
    """Evenly spaced places from low to high, one if they are the same."""
    return np.linspace(low, high, max(2, places)) if high > low else np.array([low])


def spread(table: npt.NDArray[Any], kind: str = "mean") -> tuple[Floats, Floats, Floats]:
    """Low edge, centre and high edge of curves on one grid.

    Args:
        table: (curves, places); values that are not finite do not count.
        kind: `mean` (± one standard deviation), `median` (quartiles) or `range` (min to max
            around the median).

    Returns:
        Three arrays (places), NaN where no curve has a value.
    """
    values = np.where(np.isfinite(table), table, np.nan).astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a place that no curve reaches is NaN
        if kind == "mean":
            centre = np.nanmean(values, axis=0)
            around = np.nanstd(values, axis=0)
            return centre - around, centre, centre + around
        low, centre, high = np.nanpercentile(values, _QUANTILES[kind], axis=0)
    return low, centre, high


def band(
    lines: Sequence[Line], places: int, kind: str = "mean"
) -> tuple[Floats, Floats, Floats, Floats]:
    """The centre and edges of many lines on one grid of `places`: x, low, centre, high."""
    drawn = [one for one in lines if one.x.size]
    if not drawn:
        nothing = np.empty(0)
        return nothing, nothing, nothing, nothing
    grid = grid_over(min(float(o.x[0]) for o in drawn), max(float(o.x[-1]) for o in drawn), places)
    return grid, *spread(np.array([resample(one.x, one.y, grid) for one in drawn]), kind)
