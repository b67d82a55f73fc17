"""Numbers and durations in few characters; no NumPy here, the run table needs none."""

from __future__ import annotations

import math

_SUFFIX = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


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


def power_label(exponent: int) -> str:
    """`10ⁿ` as people write it: 0.01, 1, 100, else 1e-05."""
    return f"{10.0**exponent:g}" if -3 <= exponent < 4 else f"1e{exponent}"


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
