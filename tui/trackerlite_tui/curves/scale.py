"""Axes: values to fractions of an axis and back, and where its ticks stand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from trackerlite_tui.curves.line import Floats
from trackerlite_tui.curves.numbers import (
    duration_label,
    nice_step,
    number,
    power_label,
    tick_label,
)

KINDS = ("linear", "log", "symlog", "relative", "wall")
_SECONDS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2419200, 7257600, 31536000),
)
_LARGEST = 1e300  # beyond it differences overflow a double


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there."""

    value: float
    label: str


@dataclass(frozen=True)
class Scale:
    """One axis from `low` to `high` (low < high).

    Kinds: `linear`; `log` (both ends above zero); `symlog` (logarithmic both ways, straight
    within a thousandth of the largest value); `relative` (seconds since a start); `wall` (unix
    seconds, in the local time zone).
    """

    kind: str = "linear"
    low: float = 0.0
    high: float = 1.0

    def forward(self, values: Any, size: float = 1.0, start: float = 0.0) -> Floats:
        """Places on the axis: `start` at `low`, `start + size` at `high`; NaN where there is none."""
        low, high = self._warped(self.low), self._warped(self.high)
        warped = self._warp(np.asarray(values, dtype=np.float64))
        with np.errstate(all="ignore"):
            out = np.asarray(warped - low)  # our own, to be changed in place
            out /= high - low
            out *= size
            out += start
        return out

    def place(self, value: float) -> float:
        """The fraction of the axis at one value: as `forward`, without an array."""
        low, high, at = (self._warped(v) for v in (self.low, self.high, value))
        return (at - low) / (high - low)

    def inverse(self, fraction: float) -> float:
        """The value at a fraction of the axis."""
        low, high = self._warped(self.low), self._warped(self.high)
        warped = low + fraction * (high - low)
        if self.kind == "log":
            return float(10.0**warped)
        if self.kind == "symlog":
            return float(math.copysign(10 ** abs(warped) - 1, warped) * self._knee)
        return warped

    def ticks(self, count: int) -> list[Tick]:
        """About `count` round places on the axis, at most twice as many."""
        count = max(1, count)
        if self.kind == "log":
            return _log_ticks(self.low, self.high, count)
        if self.kind == "symlog":
            return self._symlog_ticks(count)
        if self.kind in ("relative", "wall"):
            return _time_ticks(self.low, self.high, count, wall=self.kind == "wall")
        step = nice_step((self.high - self.low) / count)
        places = _multiples(self.low, self.high, step)
        return [Tick(v, tick_label(v, step, max(abs(self.low), abs(self.high)))) for v in places]

    @property
    def _knee(self) -> float:
        return max(abs(self.low), abs(self.high)) * 1e-3 or 1.0

    def _warp(self, values: Floats) -> Floats:
        with np.errstate(all="ignore"):
            if self.kind == "log":
                return np.where(values > 0, np.log10(np.where(values > 0, values, 1.0)), np.nan)
            if self.kind == "symlog":
                return np.asarray(np.sign(values) * np.log10(1 + np.abs(values) / self._knee))
            return values

    def _warped(self, value: float) -> float:
        if self.kind == "log":
            return math.log10(value) if value > 0 else math.nan
        if self.kind == "symlog":
            return math.copysign(math.log10(1 + abs(value) / self._knee), value)
        return value

    def _symlog_ticks(self, count: int) -> list[Tick]:
        top = max(abs(self.low), abs(self.high))
        powers = [10.0**e for e in range(math.floor(math.log10(top)), -400, -1)]
        powers = [p for p in powers if p >= self._knee][:4]
        places = sorted({0.0, *powers, *(-p for p in powers)})
        seen = [v for v in places if self.low <= v <= self.high]
        stride = max(1, math.ceil(len(seen) / (2 * count)))
        return [Tick(v, number(v, 2)) for v in seen[::stride]]


def fit(
    kind: str, values: Iterable[Floats], low: float | None = None, high: float | None = None
) -> Scale:
    """The axis that holds all finite `values`; `low` and `high` override an end.

    A log axis that meets nothing above zero becomes linear.
    """
    some = list(values)
    every = np.concatenate(some) if some else np.empty(0)
    ends = [float(every.min()), float(every.max())] if every.size else []
    if not all(map(math.isfinite, ends)) or (kind == "log" and ends and ends[0] <= 0):
        good = every[(every > 0) & (every < np.inf)] if kind == "log" else every[np.isfinite(every)]
        ends = [float(good.min()), float(good.max())] if good.size else []
    if kind == "log" and (not ends or (low is not None and low <= 0)):
        kind = "linear"
    start = low if low is not None else min(ends, default=0.0)
    stop = high if high is not None else max(ends, default=1.0)
    start, stop = (max(-_LARGEST, min(_LARGEST, end)) for end in (start, stop))
    if kind == "log":
        start, stop = max(start, 1 / _LARGEST), max(stop, 1 / _LARGEST)
    if not stop - start > max(abs(start), abs(stop), 1 / _LARGEST) * 1e-13:
        if kind == "log":
            start, stop = start / 2, start * 2
        elif kind in ("relative", "wall"):
            stop = start + max(1.0, abs(start) * 1e-9)
        else:
            pad = abs(start) * 0.1 if abs(start) > 1 / _LARGEST else 1.0
            start, stop = start - pad, start + pad
    return Scale(kind, start, stop)


def _multiples(low: float, high: float, step: float) -> list[float]:
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, min(last, first + 100) + 1)]


def _log_ticks(low: float, high: float, count: int) -> list[Tick]:
    begin, end = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    decades = list(range(begin, end + 1))
    if len(decades) >= 2:
        stride = max(1, math.ceil(len(decades) / (count + 1)))
        return [Tick(10.0**e, power_label(e)) for e in decades[::stride]]
    places = [m * 10.0**e for e in range(begin - 1, end + 1) for m in range(1, 10)]
    for digits in ((1, 2, 5), range(1, 10)):
        seen = [
            v
            for v in places
            if low <= v <= high and round(v / 10 ** math.floor(math.log10(v) + 1e-9)) in digits
        ]
        if len(seen) >= min(3, count):
            return [Tick(v, number(v, 2)) for v in seen[:: math.ceil(len(seen) / (2 * count))]]
    return Scale("linear", low, high).ticks(count)


def _time_ticks(low: float, high: float, count: int, wall: bool) -> list[Tick]:
    rough = (high - low) / count
    if rough < 1:
        step = nice_step(rough)
    else:
        step = next(
            (float(s) for s in _SECONDS if s >= rough), nice_step(rough / 31536000) * 31536000
        )
    shift = 0.0
    if wall:
        try:
            offset = datetime.fromtimestamp(low).astimezone().utcoffset()
            shift = offset.total_seconds() if offset else 0.0
        except (ValueError, OverflowError, OSError):
            shift = 0.0
    places = [v - shift for v in _multiples(low + shift, high + shift, step)]
    label = _clock_label if wall else duration_label
    return [Tick(v, label(v, step)) for v in places]


def _clock_label(value: float, step: float) -> str:
    try:
        moment = datetime.fromtimestamp(value)
    except (ValueError, OverflowError, OSError):
        return number(value)
    if step >= 86400:
        return moment.strftime("%d %b" if step < 31536000 else "%Y")
    return moment.strftime("%H:%M" if step >= 60 else "%H:%M:%S")
