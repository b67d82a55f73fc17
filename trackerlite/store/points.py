"""Points on their way into the database, many with each statement.

One statement for two hundred rows costs half of what two hundred cost. And it lets go of the
interpreter's lock once, for as long as SQLite is at work: while the training runs, taking the
lock back costs both threads a dozen wakes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import chain
from typing import Any

from trackerlite.store.moments import Moments

#: rows of a statement, the most first: a statement takes 999 parameters in every SQLite
SIZES = (192, 48, 8, 1)


def _statement(rows: int, columns: int) -> str:
    # Anonymous parameters: Python 3.12 warns of each numbered one, each time.
    row = f"({','.join('?' * columns)}{',NULL' * (5 - columns)})"
    return f"INSERT INTO point VALUES {','.join([row] * rows)}"  # noqa: S608 - parameters only


#: without and with a column of marks
_STATEMENTS = {columns: [(rows, _statement(rows, columns)) for rows in SIZES] for columns in (4, 5)}


def insert(
    connection: sqlite3.Connection,
    start: int,
    moments: Moments,
    numbers: list[Any],
    marks: list[int | None] | None,
) -> None:
    """Write points with the keys `start`, `start` + 1, …; `marks` are all NULL where None."""
    keys = range(start, start + len(numbers))
    columns: list[Iterable[Any]] = [keys, moments.steps, moments.times, numbers]
    if marks is not None:
        columns.append(marks)
    values = list(chain.from_iterable(zip(*columns, strict=True)))
    at = 0
    for rows, statement in _STATEMENTS[len(columns)]:
        wide = rows * len(columns)
        end = len(values) - (len(values) - at) % wide
        if end > at:
            connection.executemany(statement, [values[n : n + wide] for n in range(at, end, wide)])
        at = end
