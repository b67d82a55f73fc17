"""When a value that was read back is the value that was sent."""

from __future__ import annotations

import math
from typing import Any


def same_value(ours: Any, theirs: Any) -> bool:
    """True when a value read back is the one that was sent, as JSON can carry it.

    1.0 comes back as 1, −0.0 as 0, integers beyond 64 bits as floats, NaN and the
    infinities as words.
    """
    if isinstance(ours, bool) or isinstance(theirs, bool) or ours is None:
        return ours is theirs
    if isinstance(ours, float) and not math.isfinite(ours):
        word = "NaN" if math.isnan(ours) else "Infinity" if ours > 0 else "-Infinity"
        return theirs == word or (
            isinstance(theirs, float) and (theirs == ours or (theirs != theirs and ours != ours))
        )
    if isinstance(ours, (int, float)):
        if not isinstance(theirs, (int, float)):
            return False
        return theirs == ours or (
            isinstance(ours, int) and abs(ours) >= 2**63 and float(ours) == theirs
        )
    if isinstance(ours, dict):
        return (
            isinstance(theirs, dict)
            and ours.keys() == theirs.keys()
            and all(same_value(v, theirs[k]) for k, v in ours.items())
        )
    if isinstance(ours, (list, tuple)):
        return (
            isinstance(theirs, list)
            and len(ours) == len(theirs)
            and all(map(same_value, ours, theirs))
        )
    return bool(ours == theirs)
