"""Numbers, times and durations as people read them."""

from __future__ import annotations

import json
import math
import time
from typing import Any

from trackerlite.readers.kinds import described, is_media
from trackerlite.text import plain


def number(value: float | None) -> str:
    """A metric's value in at most ten characters, five digits.

    >>> number(0.123456), number(3), number(1e-7), number(float("nan"))
    ('0.12346', '3', '1e-07', 'nan')
    """
    if value is None:
        return ""
    if (
        isinstance(value, float)
        and math.isfinite(value)
        and value.is_integer()
        and abs(value) < 1e9
    ):
        return str(int(value))
    return str(value) if isinstance(value, int) and abs(value) < 1e9 else f"{value:.5g}"


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units.

    >>> duration(8.4), duration(75), duration(7_380), duration(200_000)
    ('8s', '1m 15s', '2h 03m', '2d 07h')
    """
    if seconds is None or not math.isfinite(seconds):
        return ""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02}h"


def size(count: float) -> str:
    """A number of bytes in its largest unit.

    >>> size(17), size(2048), size(3.2e9)
    ('17 B', '2.0 KiB', '3.0 GiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def ago(moment: float | None, now: float | None = None) -> str:
    """How long ago a Unix time was, in its largest unit.

    >>> ago(100.0, now=190.0), ago(100.0, now=90.0)
    ('1m ago', 'now')
    """
    if moment is None or not math.isfinite(moment):
        return ""
    seconds = (time.time() if now is None else now) - moment
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit} ago"
    return "now"


def date(moment: float | None) -> str:
    """A Unix time as local date and time."""
    if moment is None or not math.isfinite(moment):
        return ""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
    except (OverflowError, ValueError, OSError):
        return number(moment)  # a clock gone mad is shown as it was recorded


def value(anything: Any, limit: int | None = None) -> str:
    """A config or summary value on one line, made plain; of a picture or a table, what it is.

    >>> value(0.1), value("a b"), value([1, 2]), value(None)
    ('0.1', 'a b', '[1, 2]', 'null')
    """
    if isinstance(anything, str):
        return plain(anything, limit)
    if isinstance(anything, float):
        return f"{anything:.10g}"
    if isinstance(anything, int) and not isinstance(anything, bool):
        return plain(str(anything), limit)
    if is_media(anything):
        return plain(described(anything), limit)
    return plain(json.dumps(anything, ensure_ascii=False, default=str), limit)
