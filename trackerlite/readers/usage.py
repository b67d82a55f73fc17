"""How much of its machine a run used, in a few numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from trackerlite.readers.info import SeriesInfo

#: system metric → what to call it, and which of its values tells
_TOLD: tuple[tuple[str, str, Literal["mean", "highest"], float], ...] = (
    (r"cpu", "cpu %", "mean", 1),
    (r"memory_percent", "memory %", "highest", 1),
    (r"proc\.memory\.rssMB", "process memory, MB", "highest", 1),
    (r"gpu\.(\d+)\.gpu", "gpu {} %", "mean", 1),
    (r"gpu\.(\d+)\.memoryAllocatedBytes", "gpu {} memory, MB", "highest", 1e-6),
    (r"gpu\.(\d+)\.powerWatts", "gpu {} power, W", "mean", 1),
    (r"gpu\.(\d+)\.temp", "gpu {} temperature, °C", "highest", 1),
)


def usage(series: Iterable[SeriesInfo]) -> dict[str, float]:
    """Mean use of processors and the highest of memory and heat, from system series.

    >>> usage([])
    {}
    """
    found: dict[str, float] = {}
    for one in series:
        for pattern, name, which, scale in _TOLD:
            match = re.fullmatch(rf"system\.{pattern}", one.name)
            value = one.mean if which == "mean" else one.maximum
            if match is not None and value is not None:
                rank = f" [rank {one.rank}]" if one.rank else ""
                found[f"{name.format(*match.groups())}{rank} ({which})"] = float(
                    f"{value * scale:.4g}"
                )
    return found
