"""Points on their way into the database, many with each statement.

One statement for two hundred rows costs half of what two hundred cost. And it lets go of the
interpreter's lock once, for as long as SQLite is at work: while the training runs, taking the
lock back costs both threads a dozen wakes.
"""

from __future__ import annotations

import sqlite3
from itertools import chain
from typing import Any

from trackerlite.store.moments import Moments

#: rows of a statement, the most first: a statement takes 999 parameters in every SQLite
SIZES = (200, 40, 8, 1)


def _statement(rows: int, mark: str) -> str:
    """The insertion of so many points: the first key, then the columns one behind the other."""
    points = (
        f"(?1+{n},?{2 + n},?{2 + rows + n},?{2 + 2 * rows + n},"
        + (f"?{2 + 3 * rows + n})" if mark == "?" else f"{mark})")
        for n in range(rows)
    )
    return f"INSERT INTO point VALUES {','.join(points)}"  # noqa: S608 - parameters only


_STATEMENTS = [(rows, _statement(rows, "NULL"), _statement(rows, "?")) for rows in SIZES]


def insert(
    connection: sqlite3.Connection,
    start: int,
    moments: Moments,
    numbers: list[Any],
    marks: list[int | None] | None,
) -> None:
    """Write points with the keys `start`, `start` + 1, …; `marks` are all NULL where None."""
    columns: list[list[Any]] = [moments.steps, moments.times, numbers]
    if marks is not None:
        columns.append(marks)
    at = 0
    for rows, plain, marked in _STATEMENTS:
        end = len(numbers) - (len(numbers) - at) % rows
        if end > at:
            connection.executemany(
                plain if marks is None else marked,
                (
                    [start + n, *chain.from_iterable([column[n : n + rows] for column in columns])]
                    for n in range(at, end, rows)
                ),
            )
        at = end
