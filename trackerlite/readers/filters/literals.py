"""Numbers, durations and dates as people write them in a filter."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta

from trackerlite.values import INT64_MAX, INT64_MIN

_NUMBER = re.compile(r"[+-]?(?:\d[\d_]*)?(?:\.\d*)?(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_SPECIAL = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE | re.ASCII)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", re.IGNORECASE | re.ASCII)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_DATE_FORMATS = (
    ("%Y-%m-%dT%H:%M:%S", timedelta(seconds=1)),
    ("%Y-%m-%dT%H:%M", timedelta(minutes=1)),
    ("%Y-%m-%d", timedelta(days=1)),
)


def number(text: str) -> int | float | None:
    """`text` as a number, or None where it is not one.

    Integers beyond 64 bits become floats, as they do in the store.

    >>> number("1e-3"), number("32"), number("-inf"), number("3x")
    (0.001, 32, -inf, None)
    """
    if _SPECIAL.fullmatch(text):
        return float(text)
    if not any(char.isdigit() for char in text) or not _NUMBER.fullmatch(text):
        return None
    try:
        whole = int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return None
    return whole if INT64_MIN <= whole <= INT64_MAX else float(text)


def duration(text: str) -> float | None:
    """Seconds in `90s`, `5m`, `2h`, `3d`, `1w` or sums like `1h30m`; None for anything else.

    A plain number is seconds.

    >>> duration("1h30m"), duration("2d"), duration("45"), duration("soon")
    (5400.0, 172800.0, 45.0, None)
    """
    plain = number(text)
    if plain is not None:
        return float(plain) if math.isfinite(plain) and plain >= 0 else None
    position, seconds = 0, 0.0
    while position < len(text):
        match = _DURATION.match(text, position)
        if match is None:
            return None
        seconds += float(match[1]) * _SECONDS[match[2].lower()]
        position = match.end()
    return seconds if text else None


def moment(text: str) -> tuple[float, float] | None:
    """The span `[from, to)` in Unix seconds that a local date or time names, or None.

    A day is 24 hours long or as long as the local calendar makes it.

    >>> start, stop = moment("2026-02-03T10:30")
    >>> stop - start
    60.0
    """
    for pattern, width in _DATE_FORMATS:
        try:
            start = datetime.strptime(text.replace(" ", "T"), pattern)
            return start.timestamp(), (start + width).timestamp()
        except (ValueError, OverflowError, OSError):
            continue
    return None
