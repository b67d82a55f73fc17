"""The readers: the only door to the store."""

from __future__ import annotations

from typing import Any

from trackerlite.readers.info import (
    AlertInfo,
    ArtifactInfo,
    DamageInfo,
    Points,
    RunInfo,
    SeriesInfo,
    ValueRow,
)
from trackerlite.readers.reader import Reader


def __getattr__(name: str) -> Any:
    if name == "ENVELOPE":  # a NumPy dtype: not every reader needs NumPy
        from trackerlite.readers.curves import ENVELOPE

        return ENVELOPE
    raise AttributeError(name)


__all__ = [
    "AlertInfo",
    "ArtifactInfo",
    "DamageInfo",
    "Points",
    "Reader",
    "RunInfo",
    "SeriesInfo",
    "ValueRow",
]
