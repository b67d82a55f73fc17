"""Every kind of number people log, for Hypothesis; and how to compare them to the bit."""

from __future__ import annotations

import math
import struct
from typing import Any

from hypothesis import strategies as st

ODD_FLOATS = [
    0.0, -0.0, 0.1, 1.0, math.nan, math.inf, -math.inf, 5e-324, -5e-324, 2.2250738585072014e-308,
    1.7976931348623157e308, -1.7976931348623157e308, 3.4028234663852886e38, 3.4028235677973366e38, 1e-45, 1.1754943508222875e-38,
    16777217.0, 2.0**53 + 2, 1e22,
]  # fmt: skip
ODD_INTS = [0, 1, -1, 2**24 + 1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), -(2**53) - 1]

floats = st.one_of(
    st.sampled_from(ODD_FLOATS), st.floats(), st.floats(width=32), st.floats(width=16)
)
integers = st.one_of(st.sampled_from(ODD_INTS), st.integers(-(2**63), 2**63 - 1))
numbers = st.one_of(floats, integers)
steps = st.one_of(
    st.sampled_from(
        [0, 1, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**31, 2**63 - 1, -1, -(2**63)]
    ),
    st.integers(-(2**63), 2**63 - 1),
)
times = st.floats(0, 1e11)
keys = st.one_of(
    st.sampled_from(
        ["loss", "train/loss", "a.b", "ключ", "损失", "e\u0301", "é", "\x00", " ", "\u202e", "🙂"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
)
rows = st.dictionaries(keys, numbers, min_size=1, max_size=8)


def bits(value: Any) -> Any:
    """A number with its type, to the bit; every NaN alike."""
    if isinstance(value, float):
        return ("float", "nan" if value != value else struct.pack("<d", value))
    return (type(value).__name__, value)


def as_float32(value: float) -> float:
    """What float32 keeps of a number."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)
