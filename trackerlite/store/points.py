"""Points on their way into the database, many with each statement.

One statement for two hundred rows costs half of what two hundred cost, and lets go of the
interpreter's lock once, for as long as SQLite is at work: the training's thread need not
come and go with every row.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from trackerlite.store.moments import Moments

ROWS = 200  # a statement takes 999 parameters in every SQLite
_ONE = "INSERT INTO point VALUES (?, ?, ?, ?, ?)"


def _many(mark: str) -> str:
    """The statement: the first key, then the columns one behind the other."""
    rows = (
        f"(?1+{n},?{2 + n},?{2 + ROWS + n},?{2 + 2 * ROWS + n},"
        + (f"?{2 + 3 * ROWS + n})" if mark == "?" else f"{mark})")
        for n in range(ROWS)
    )
    return f"INSERT INTO point VALUES {','.join(rows)}"  # noqa: S608 - parameters only


_PLAIN, _MARKED = _many("NULL"), _many("?")


def insert(
    connection: sqlite3.Connection,
    start: int,
    moments: Moments,
    numbers: list[Any],
    marks: list[int | None] | None,
) -> None:
    """Write points with the keys `start`, `start` + 1, …; `marks` are all NULL where None."""
    steps, times, count = moments.steps, moments.times, len(numbers)
    full = count - count % ROWS
    for at in range(0, full, ROWS):
        to = at + ROWS
        columns = [start + at, *steps[at:to], *times[at:to], *numbers[at:to]]
        if marks is None:
            connection.execute(_PLAIN, columns)
        else:
            connection.execute(_MARKED, [*columns, *marks[at:to]])
    if full < count:
        rest = marks[full:] if marks is not None else [None] * (count - full)
        keys = range(start + full, start + count)
        rows = zip(keys, steps[full:], times[full:], numbers[full:], rest, strict=True)
        connection.executemany(_ONE, rows)
