"""Axes: values to fractions of an axis and back, and where its ticks stand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from trackerlite_tui.curves.line import Floats

KINDS = ("linear", "log", "symlog", "relative", "wall")
_SECONDS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2419200, 7257600, 31536000),
)
_LARGEST = 1e300  # beyond it differences overflow a double
_SUFFIX = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


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

    def forward(self, values: Any) -> Floats:
        """Fractions of the axis (0 at `low`, 1 at `high`); NaN where the axis has no place."""
        low, high = self._warp(np.array([self.low, self.high]))
        warped = self._warp(np.asarray(values, dtype=np.float64))
        with np.errstate(all="ignore"):
            return np.asarray((warped - low) / (high - low))

    def inverse(self, fraction: float) -> float:
        """The value at a fraction of the axis."""
        low, high = (float(v) for v in self._warp(np.array([self.low, self.high])))
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
    ends: list[float] = []
    for array in values:
        good = array[np.isfinite(array)]
        if kind == "log":
            good = good[good > 0]
        if good.size:
            ends += [float(good.min()), float(good.max())]
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


def nice_step(rough: float) -> float:
    """The smallest of 1, 2, 5 × 10ⁿ that is not below `rough`.

    >>> nice_step(0.03), nice_step(7)
    (0.05, 10.0)
    """
    if not rough > 0 or not math.isfinite(rough):
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    if power == 0:
        return rough
    return next((m * power for m in (1.0, 2.0, 5.0) if m * power >= rough * (1 - 1e-9)), 10 * power)


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


def power_label(exponent: int) -> str:
    """`10ⁿ` as people write it: 0.01, 1, 100, else 1e-05."""
    return f"{10.0**exponent:g}" if -3 <= exponent < 4 else f"1e{exponent}"


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


def duration_label(value: float, step: float = 1.0) -> str:
    """Seconds as 45s, 5m, 1h30, 2d."""
    sign = "-" if value < 0 else ""
    value = abs(value)
    if step < 1:
        return f"{sign}{value:.{max(0, -math.floor(math.log10(step)))}f}s"
    seconds = round(value)
    if seconds < 60 or (step < 60 and seconds < 3600):
        minutes, rest = divmod(seconds, 60)
        return f"{sign}{minutes}m{rest:02}" if minutes else f"{sign}{rest}s"
    if seconds < 3600:
        return f"{sign}{seconds // 60}m"
    if seconds < 86400 * 2 and step < 86400:
        hours, rest = divmod(seconds, 3600)
        return f"{sign}{hours}h{rest // 60:02}" if rest >= 60 else f"{sign}{hours}h"
    days, rest = divmod(seconds, 86400)
    return f"{sign}{days}d{rest // 3600}h" if rest >= 3600 and step < 86400 else f"{sign}{days}d"


def tick_label(value: float, step: float, largest: float) -> str:
    """A tick's label, with just the decimals that its neighbours need."""
    if abs(value) < step * 1e-9:
        return "0"
    divisor, suffix = next(
        ((d, s) for d, s in _SUFFIX if largest >= d * (10 if s == "k" else 1)), (1.0, "")
    )
    if largest >= 1e15 or (largest < 1e-3 and divisor == 1.0):
        exponent = math.floor(math.log10(largest))
        power = 10.0**exponent
        digits = max(0, exponent - math.floor(math.log10(step) + 1e-9)) if power else 0
        return f"{value / power:.{min(digits, 6)}f}e{exponent}" if power else f"{value:.1e}"
    digits = max(0, -math.floor(math.log10(step / divisor) + 1e-9))
    return f"{value / divisor:.{min(digits, 8)}f}{suffix}"


def number(value: float | int | None, digits: int = 4) -> str:
    """A value in few characters: about `digits` significant ones, or k, M, or a power.

    >>> number(0.312345), number(1234567), number(2e-5), number(float("nan"))
    ('0.3123', '1.235M', '2e-05', 'NaN')
    """
    if value is None:
        return "–"
    if value != value:
        return "NaN"
    if value in (math.inf, -math.inf):
        return "Inf" if value > 0 else "-Inf"
    if isinstance(value, int) and abs(value) < 10**6:
        return str(value)
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-3:
        return f"{value:.{max(1, digits - 2)}g}"
    for divisor, suffix in _SUFFIX[:3]:
        if size >= divisor:
            return f"{value / divisor:.{digits}g}{suffix}"
    if size >= 1e5:
        return f"{value / 1e3:.{digits}g}k"
    return f"{value:.{digits}g}" if size < 10 ** (digits - 1) else f"{value:.{max(digits, 5)}g}"
