"""Several curves as one: a centre line with the spread around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trackerlite_tui.curves.line import Floats, Line

KINDS = ("mean", "median", "range")


def resample(x: Floats, y: Floats, grid: Floats) -> Floats:
    """`y` at the places `grid`, straight between points; NaN outside and across gaps."""
    if not x.size:
        return np.full(grid.shape, np.nan)
    out = np.interp(grid, x, y, left=np.nan, right=np.nan)
    return np.asarray(out, dtype=np.float64)


def band(
    lines: Sequence[Line], columns: int, kind: str = "mean"
) -> tuple[Floats, Floats, Floats, Floats]:
    """The centre and edges of many lines on one grid of `columns` places.

    Args:
        kind: `mean` (± one standard deviation), `median` (quartiles) or `range` (min to max
            around the median).

    Returns:
        x, low, centre, high; NaN where fewer than one line has a value.
    """
    drawn = [one for one in lines if one.x.size]
    if not drawn:
        nothing = np.empty(0)
        return nothing, nothing, nothing, nothing
    start = min(float(one.x[0]) for one in drawn)
    stop = max(float(one.x[-1]) for one in drawn)
    grid = np.linspace(start, stop, max(2, columns)) if stop > start else np.array([start])
    table = np.array([resample(one.x, one.y, grid) for one in drawn])
    table[~np.isfinite(table)] = np.nan
    seen = np.isfinite(table).any(axis=0)
    low, centre, high = (np.full(grid.shape, np.nan) for _ in range(3))
    inner = table[:, seen]
    if kind == "mean":
        centre[seen] = np.nanmean(inner, axis=0)
        spread = np.nanstd(inner, axis=0)
        low[seen], high[seen] = centre[seen] - spread, centre[seen] + spread
    else:
        quantiles = (25, 50, 75) if kind == "median" else (0, 50, 100)
        low[seen], centre[seen], high[seen] = np.nanpercentile(inner, quantiles, axis=0)
    return grid, low, centre, high
