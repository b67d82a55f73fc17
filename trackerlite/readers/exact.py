"""Whole numbers that float64 cannot hold, as they were logged."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trackerlite.readers.info import Points
from trackerlite.readers.reader import Reader

_HELD = 2.0**53  # beyond it float64 has gaps between whole numbers


def exact_values(reader: Reader, series_key: int, some: Points) -> NDArray[Any]:
    """The values of `some` points of a series: int64 where all are whole and float64 would round one.

    Else float64, as they are. Asked of the store only where a value is that large.
    """
    value = some.value
    largest = np.abs(value).max(initial=0.0)  # NaN if any is
    if not _HELD <= largest < np.inf:
        return value
    base = series_key << 40
    rows = reader.connection.execute(
        "SELECT key - ?, value FROM point WHERE key BETWEEN ? AND ? AND typeof(value) = 'integer'",
        (base, base + int(some.index[0]), base + int(some.index[-1])),
    )
    whole = np.fromiter(rows, dtype=[("index", "<i8"), ("value", "<i8")])
    at = np.searchsorted(whole["index"], some.index)
    at = np.minimum(at, max(0, len(whole) - 1))
    if not len(whole) or (whole["index"][at] != some.index).any():
        return value
    return whole["value"][at]
