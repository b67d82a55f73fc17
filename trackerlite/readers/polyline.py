"""A metric as a line to draw: few enough points for any picture, with its spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trackerlite.errors import BadInput
from trackerlite.readers.info import Points, RunInfo, SeriesInfo
from trackerlite.readers.reader import Reader

Floats = NDArray[np.float64]

#: The x axes that are no metrics.
AXES = ("step", "time", "wall")


@dataclass(frozen=True)
class Polyline:
    """Corners of a line in the order they were logged; a NaN in `value` is a gap.

    Attributes:
        step, time, value: float64 of one length; `time` in Unix seconds.
        exact: every point that was logged is here; else each stretch of the curve is
            drawn by its first, least, greatest and last value.
    """

    step: Floats
    time: Floats
    value: Floats
    exact: bool


def polyline(reader: Reader, series: SeriesInfo, samples: int = 2000) -> Polyline:
    """The line of one series in at most about `samples` stretches.

    The time it takes depends on `samples`, not on how many points were logged.
    """
    if series.total <= 2 * samples:
        return as_line(reader.points(series.key))
    buckets = _merged(reader.envelope(series.key, samples), samples)
    step, value = _unfolded(buckets, "step_min", "step_max")
    time, _ = _unfolded(buckets, "time_min", "time_max")
    return Polyline(step, time, value, exact=False)


def as_line(points: Points, exact: bool = True) -> Polyline:
    """Points as the corners of a line."""
    return Polyline(points.step.astype(np.float64), points.time, points.value, exact)


def _merged(buckets: NDArray[Any], wanted: int) -> NDArray[Any]:
    """Neighbouring buckets put together until `wanted` are left (an envelope may have 16 times more)."""
    share = len(buckets) // wanted
    if share < 2:
        return buckets
    starts = np.arange(0, len(buckets), share)
    merged = buckets[starts].copy()
    ends = np.r_[starts[1:], len(buckets)] - 1
    for name, reduce in (
        ("count", np.add), ("finite", np.add),
        ("step_min", np.minimum), ("step_max", np.maximum),
        ("time_min", np.minimum), ("time_max", np.maximum),
        ("min", np.fmin), ("max", np.fmax),
    ):  # fmt: skip
        merged[name] = reduce.reduceat(buckets[name], starts)
    merged["last"] = buckets["last"][ends]
    # A single point that is not finite has no first and last; its neighbours may have.
    for name in ("first", "last"):
        merged[name] = np.where(np.isnan(merged[name]), merged["min"], merged[name])
    found: NDArray[Any] = merged
    return found


def _unfolded(buckets: NDArray[Any], low: str, high: str) -> tuple[Floats, Floats]:
    """First, least, greatest and last of each bucket, and a gap behind one that holds a NaN."""
    count = len(buckets)
    x, y = np.empty((count, 5)), np.empty((count, 5))
    begin, end = buckets[low].astype(np.float64), buckets[high].astype(np.float64)
    x[:, 0], y[:, 0] = begin, buckets["first"]
    # Which of the two came first is not kept: a line that falls is drawn as if the greatest
    # did, so that it stays one that falls. A third each keeps them apart on any axis.
    falls = buckets["first"] > buckets["last"]
    x[:, 1] = begin + (end - begin) / 3
    x[:, 2] = begin + (end - begin) * 2 / 3
    y[:, 1] = np.where(falls, buckets["max"], buckets["min"])
    y[:, 2] = np.where(falls, buckets["min"], buckets["max"])
    x[:, 3], y[:, 3] = end, buckets["last"]
    x[:, 4], y[:, 4] = end, np.nan
    keep = np.ones((count, 5), dtype=np.bool_)
    keep[:, 0] = buckets["finite"] > 0
    keep[:, 1:4] = (buckets["finite"] > 1)[:, None]
    keep[:, 4] = buckets["finite"] < buckets["count"]
    return x[keep], y[keep]


def along(
    reader: Reader, run: RunInfo, line: Polyline, x: str, series: Sequence[SeriesInfo] = ()
) -> Floats:
    """The x of each corner of `line`.

    Args:
        x: `step`, `time` (seconds since the run began), `wall` (Unix seconds), or a
            metric: then its value at that step, or the latest before it.
        series: the series of the run, if they are at hand.

    Raises:
        BadInput: the run has no such metric.
    """
    if x == "step":
        return line.step
    if x == "wall":
        return line.time
    if x == "time":
        return line.time - (run.started or 0.0)
    every = series or reader.series([run.key], names=[x])
    found = next((one for one in every if one.name == x and one.lane == ""), None)
    if found is None:
        raise BadInput(
            f"Run {run.ref} has no metric {x!r:.80} to plot against; "
            f"the other axes are {', '.join(AXES)}."
        )
    other = reader.points(found.key)
    order = np.argsort(other.step, kind="stable")
    steps, numbers = other.step[order], other.value[order]
    place = np.searchsorted(steps, line.step, side="right") - 1
    there: Floats = np.where(place >= 0, numbers[np.maximum(place, 0)], np.nan)
    return there
