"""A metric's curve in a few characters, for listings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trackerlite.readers.info import RunInfo
from trackerlite.readers.reader import Reader

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-=+*%#"
GAP, ASCII_GAP = "·", " "


def sparkline(values: NDArray[Any] | Sequence[float], ascii_only: bool = False) -> str:
    """One character a value, lowest to highest; what is not finite is a gap.

    >>> sparkline([1, 2, 3, float("nan"), 8])
    '▁▂▃·█'
    """
    bars, gap = (ASCII_BARS, ASCII_GAP) if ascii_only else (BARS, GAP)
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        return gap * len(numbers)
    # Halves, so that the spread of values at either end of the range of floats is no infinity.
    low, high = numbers[finite].min() / 2, numbers[finite].max() / 2
    share = np.zeros(len(numbers))
    if high > low:
        share[finite] = (numbers[finite] / 2 - low) / (high - low)
    places = np.minimum((share * len(bars)).astype(np.int64), len(bars) - 1)
    return "".join(
        bars[place] if there else gap for place, there in zip(places, finite, strict=True)
    )


def sparklines(
    reader: Reader, runs: Sequence[RunInfo], name: str, width: int = 12, ascii_only: bool = False
) -> dict[int, str]:
    """The curve of the metric `name` for each run that has it, by `RunInfo.key`.

    Drawn from envelopes: each character is the middle of what lies under it, however
    many points that are.
    """
    found = {}
    for series in reader.series([run.key for run in runs], names=[name]):
        if series.lane == "":
            found[series.run_key] = sparkline(_bins(reader, series.key, width), ascii_only)
    return found


def _bins(reader: Reader, series_key: int, width: int) -> NDArray[np.float64]:
    """At most `width` values: the middle between least and greatest of equal shares of the curve."""
    buckets = reader.envelope(series_key, width)
    edges = np.linspace(0, len(buckets), min(width, len(buckets)) + 1).astype(np.int64)
    with np.errstate(invalid="ignore"):
        low = np.fmin.reduceat(buckets["min"], edges[:-1])
        high = np.fmax.reduceat(buckets["max"], edges[:-1])
    middle: NDArray[np.float64] = low / 2 + high / 2
    return middle
