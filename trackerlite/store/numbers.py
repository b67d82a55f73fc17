"""How a number stands in the database: SQLite has no NaN and no −0.0, so a mark tells them."""

from __future__ import annotations

from math import copysign
from typing import Any

from trackerlite import values

NAN, NEGATIVE_ZERO, BOOL = 1, 2, 3


def stored(value: float | int | bool) -> tuple[float | int | None, int | None]:
    """What SQLite keeps of a number, and the kind that tells the rest.

    >>> stored(float("nan")), stored(-0.0), stored(True), stored(2.5)
    ((None, 1), (0.0, 2), (1, 3), (2.5, None))
    """
    if value is True or value is False:
        return int(value), BOOL
    if value != value:
        return None, NAN
    if value == 0 and isinstance(value, float) and copysign(1.0, value) < 0:
        return 0.0, NEGATIVE_ZERO
    return value, None


def need_marks(numbers: list[Any]) -> bool:
    """Whether some finite number is one that SQLite cannot hold as it is: −0.0 or a bool."""
    if 0.0 in numbers and any(n == 0 and stored(n)[1] is not None for n in numbers):
        return True
    return 1.0 in numbers and any(n is True for n in numbers)


def number(value: float | int | None, kind: int | None) -> float | int | bool:
    """The number that was logged, from its row."""
    if kind == NAN or value is None:
        return float("nan")
    if kind == NEGATIVE_ZERO:
        return -0.0
    return bool(value) if kind == BOOL else value


def native(value: Any) -> Any:
    """A JSON value as SQLite would hold it: a number, a text, NULL; JSON text for the rest."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value if value == value else "NaN"
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if values.INT64_MIN <= value <= values.INT64_MAX else str(value)
    return values.dumps(value)
