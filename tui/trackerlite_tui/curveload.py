"""Series to curves: points or envelope, the x axis asked for, smoothing, thinning.

Runs in the feed's thread. Short series are kept as they grow, so that new points cost
only themselves; of long ones the envelope is read, whose size does not depend on them.
"""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trackerlite_tui.curves.line import Floats, thinning, unfold
from trackerlite_tui.curves.smooth import Ema
from trackerlite_tui.snapshot import RELATIVE, STEP, WALL, Curve, Wants

if TYPE_CHECKING:
    from trackerlite.readers import Reader, SeriesInfo

# One clock for all loaders: a store that is opened anew must not repeat a stamp.
stamps = itertools.count(1)
_POINTS = 16_384  # longer series are read as envelopes
_AFAR = 1_024  # as many, where nobody looks closely
_FEWEST = 120  # buckets of an envelope, where there are as many points
_KEPT_BYTES = 64 * 2**20
_FULL_SMOOTHING = 1000  # a weight means the same picture whatever the number of points


@dataclass
class _Grown:
    """The points of one series so far, and their smoothing."""

    step: Floats
    time: Floats
    value: Floats
    next_index: int
    ema: Ema | None = None
    smooth: Floats | None = None

    @property
    def size(self) -> int:
        return self.value.nbytes * 4


@dataclass
class _Path:
    """A polyline in steps and times."""

    step: Floats
    time: Floats
    value: Floats
    smooth: Floats | None
    whole: bool


def _in_order(x: Floats) -> Any:
    """An index that puts x in order and leaves out what has no place on it."""
    good = np.isfinite(x)
    if good.all() and (x.size < 2 or (x[1:] >= x[:-1]).all()):
        return slice(None)
    order = np.argsort(x, kind="stable")
    return order[good[order]]


def weight_for(weight: float, points: int) -> float:
    """The weight per point that smooths `points` points as `weight` smooths a thousand.

    The count is rounded up to a power of two, so that a growing series keeps its weight
    (and its average) until it has doubled.
    """
    rounded = 2 ** math.ceil(math.log2(max(points, 1)))
    return float(weight ** min(1.0, _FULL_SMOOTHING / rounded))


class CurveLoader:
    """Loads curves through one reader, remembering what does not change."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._grown: OrderedDict[int, _Grown] = OrderedDict()
        self._used = 0  # bytes in _grown

    def load(
        self, series: SeriesInfo, wants: Wants, started: float, x_series: SeriesInfo | None
    ) -> Curve:
        """One curve for `wants`.

        Args:
            series: what to draw.
            started: the run's start, unix seconds, for the relative axis.
            x_series: the metric on the x axis, when the axis is a metric.
        """
        path = self._path(series, wants, *self._span(series, wants, started))
        x = self._axis(path, wants, started, x_series)
        order = _in_order(x)
        x, y, step, time = x[order], path.value[order], path.step[order], path.time[order]
        smooth = y if path.smooth is None else path.smooth[order]
        keep = thinning(x, y, max(16, wants.dots), *self._range(x, wants))
        last = series.last if isinstance(series.last, (int, float)) else None
        return Curve(
            x[keep],
            y[keep],
            smooth[keep],
            step[keep],
            time[keep],
            series.count,
            last,
            path.whole,
            next(stamps),
        )

    def trace(
        self,
        series: SeriesInfo,
        wants: Wants,
        started: float,
        x_series: SeriesInfo | None,
        places: int,
    ) -> tuple[Floats, Floats]:
        """A curve's part in a band: x and y of points as they were logged, one for each of `places`.

        Extremes are not preferred, as they are in what a line shows.
        """
        start, stop = self._span(series, wants, started)
        if series.count <= (_AFAR if wants.window is None else _POINTS):
            path = self._path(series, wants, start, stop)
        else:
            path = self._ends(series, wants.smoothing, places, start, stop)
        x = self._axis(path, wants, started, x_series)
        order = _in_order(x)
        return x[order], (path.value if path.smooth is None else path.smooth)[order]

    def _range(self, x: Floats, wants: Wants) -> tuple[float, float]:
        good = x[np.isfinite(x)]
        if wants.window is not None:
            return wants.window
        return (float(good.min()), float(good.max())) if good.size else (0.0, 1.0)

    def _path(self, series: SeriesInfo, wants: Wants, start: int, stop: int | None) -> _Path:
        whole = start == 0 and stop is None
        if whole and series.count <= (_AFAR if wants.afar else _POINTS):
            grown = self._grow(series, wants.smoothing)
            return _Path(grown.step, grown.time, grown.value, grown.smooth, True)
        env = self._reader.envelope(series.key, max(_FEWEST, wants.dots), start, stop)
        step, value = unfold(env, env["step_min"], env["step_max"])
        time, _ = unfold(env, env["time_min"], env["time_max"])
        smooth = None
        if wants.smoothing and len(env):
            ema = Ema(weight_for(wants.smoothing, len(env)))
            averaged = ema.extend((env["first"] + env["last"]) / 2)
            centre = (env["step_min"] + env["step_max"]) / 2
            smooth = np.interp(step, centre, averaged)
            smooth[~np.isfinite(value)] = np.nan
        return _Path(step, time, value, smooth, bool((env["count"] == 1).all()))

    def _ends(
        self, series: SeriesInfo, smoothing: float, least: int, start: int, stop: int | None
    ) -> _Path:
        """The first and the last point of each bucket of an envelope."""
        env = self._reader.envelope(series.key, least, start, stop)
        both = np.repeat(env, 2)
        last = np.arange(both.size) % 2 == 1
        keep = ~last | (both["count"] > 1)
        step, time, value = (
            np.where(last, both[end], both[begin]).astype(np.float64)[keep]
            for begin, end in (
                ("step_min", "step_max"),
                ("time_min", "time_max"),
                ("first", "last"),
            )
        )
        smooth = Ema(weight_for(smoothing, value.size)).extend(value) if smoothing else None
        return _Path(step, time, value, smooth, False)

    def _grow(self, series: SeriesInfo, weight: float) -> _Grown:
        """The points kept of a series, brought up to date."""
        kept = self._grown.pop(series.key, None)
        self._used -= kept.size if kept is not None else 0
        if kept is not None and kept.value.size != series.count:
            more = self._reader.points(series.key, kept.next_index)
            if kept.value.size + len(more) >= series.count:
                fresh = np.asarray(more.value, dtype=np.float64)
                kept.step = np.concatenate([kept.step, more.step.astype(np.float64)])
                kept.time = np.concatenate([kept.time, more.time])
                kept.value = np.concatenate([kept.value, fresh])
                kept.next_index = int(more.index[-1]) + 1 if len(more) else kept.next_index
                if kept.ema is not None and kept.smooth is not None:
                    kept.smooth = np.concatenate([kept.smooth, kept.ema.extend(fresh)])
            else:
                kept = None  # points were rewound: what was kept is no longer there
        if kept is None:
            found = self._reader.points(series.key)
            value = np.asarray(found.value, dtype=np.float64)
            last = int(found.index[-1]) + 1 if len(found) else 0
            kept = _Grown(found.step.astype(np.float64), found.time, value, last)
        self._smooth(kept, weight)
        self._grown[series.key] = kept
        self._used += kept.size
        while self._used > _KEPT_BYTES and len(self._grown) > 1:
            self._used -= self._grown.popitem(last=False)[1].size
        return kept

    def _smooth(self, grown: _Grown, weight: float) -> None:
        if not weight:
            grown.ema = grown.smooth = None
            return
        due = weight_for(weight, grown.value.size)
        if grown.ema is None or grown.ema.weight != due:
            grown.ema = Ema(due)
            grown.smooth = grown.ema.extend(grown.value)

    def _axis(
        self, path: _Path, wants: Wants, started: float, x_series: SeriesInfo | None
    ) -> Floats:
        if wants.axis == STEP:
            return path.step
        if wants.axis == RELATIVE:
            return path.time - started
        if wants.axis == WALL:
            return path.time
        if x_series is None:
            return np.full(path.step.shape, np.nan)
        other = self._path(x_series, Wants(dots=wants.dots), 0, None)
        good = np.isfinite(other.value)
        if not good.any():
            return np.full(path.step.shape, np.nan)
        order = np.argsort(other.step[good], kind="stable")
        return np.interp(path.step, other.step[good][order], other.value[good][order])

    def _span(self, series: SeriesInfo, wants: Wants, started: float) -> tuple[int, int | None]:
        """The points that are looked at, by index: those that a window on the x axis shows, with one
        bucket either side; all, of a short series or an axis that is a metric."""
        of_metric = wants.axis not in (STEP, RELATIVE, WALL)
        if wants.window is None or of_metric or series.count <= _POINTS:
            return 0, None
        env = self._reader.envelope(series.key, 1000)
        if wants.axis == STEP:
            low, high = env["step_min"], env["step_max"]
        else:
            shift = started if wants.axis == RELATIVE else 0.0
            low, high = env["time_min"] - shift, env["time_max"] - shift
        seen = np.flatnonzero((high >= wants.window[0]) & (low <= wants.window[1]))
        if not seen.size:
            return 0, None
        first, last = max(0, int(seen[0]) - 1), min(len(env) - 1, int(seen[-1]) + 2)
        return int(env["index"][first]), int(env["index"][last]) + 1
