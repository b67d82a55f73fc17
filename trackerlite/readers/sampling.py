"""A few points of a long series that tell its shape, each where it was logged.

The envelope knows the least and the greatest value of a stretch, not at which step they
were. So each is followed down to the finer bucket that has it, and at last to its point.
The time it takes depends on how many points are asked for, hardly on how many there are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trackerlite.readers.curves import ENVELOPE, pieces, points
from trackerlite.readers.info import Points
from trackerlite.store.envelope import FACTOR, key
from trackerlite.store.numbers import NEGATIVE_ZERO

_LEAST, _GREATEST, _GAP = 0, 1, 2
_AT_ONCE = 190  # what one statement asks for: SQLite may allow no more than 999 bound values
_VISIBLE = "(p.mark IS NULL OR p.mark < 16)"
# ruff: noqa: S608  (put together of the literals here; what is asked for is bound)
# Of what is asked for in each row (a number, the keys [from, to), what, the value) the first.
_FIND = (
    "SELECT MIN(p.key), p.step, p.time, p.value, p.mark FROM (VALUES {}) AS v "
    "JOIN point AS p ON p.key >= v.column2 AND p.key < v.column3 AND " + _VISIBLE + " AND "
    "CASE WHEN v.column3 = v.column2 + 1 THEN 1 "
    f"WHEN v.column4 = {_GAP} THEN p.value IS NULL OR p.value IN (9e999, -9e999) "
    "ELSE p.value = v.column5 END GROUP BY v.column1"
)
_ENDS = (
    "SELECT p.key FROM point AS p WHERE p.key >= ? AND p.key < ? AND "
    + _VISIBLE
    + " ORDER BY p.key"
)
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def sampled(connection: sqlite3.Connection, series_key: int, total: int, most: int) -> Points:
    """About `most` of the `total` points of a series, in the order they were logged.

    Of each of `most / 2` equal stretches the least, the greatest and, where there is one, the
    first that is not finite; and the first and the last of all.
    """
    found = pieces(connection, series_key, max(1, most // 2)) if total > most else []
    if not found:
        return points(connection, series_key)
    buckets = np.concatenate([some for _, some in found])
    levels = np.concatenate([np.full(len(some), level) for level, some in found])
    stretch = buckets["index"] * max(1, most // 2) // total
    starts = np.flatnonzero(np.diff(stretch, prepend=-1))
    stretch = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(buckets)))
    with np.errstate(invalid="ignore"):
        low = np.fmin.reduceat(buckets["min"], starts)[stretch]
        high = np.fmax.reduceat(buckets["max"], starts)[stretch]
    wanted = [
        _first(stretch, buckets["min"] == low),
        _first(stretch, buckets["max"] == high),
        _first(stretch, buckets["finite"] < buckets["count"]),
    ]
    what = np.repeat([_LEAST, _GREATEST, _GAP], [len(some) for some in wanted])
    chosen = np.concatenate(wanted)
    at, level = buckets["index"][chosen], levels[chosen]
    value = np.where(what == _LEAST, buckets["min"][chosen], buckets["max"][chosen])
    while (level > 1).any():
        at = _finer(connection, series_key, at, level, what, value)
        level = np.where(level > 1, level - 1, level)
    base = series_key << 40
    begin = base + np.where(level > 0, at // FACTOR * FACTOR, at)
    end = begin + np.where(level > 0, FACTOR, 1)
    asked = [*zip(begin.tolist(), end.tolist(), what.tolist(), value.tolist(), strict=True)]
    for order in ("", " DESC"):
        row = connection.execute(_ENDS + order + " LIMIT 1", (base, base + (1 << 40))).fetchone()
        asked += [(row[0], row[0] + 1, _LEAST, 0.0)] if row else []
    return _as_points(dict(_found(connection, asked)), base)


def _first(stretch: Ints, holds: NDArray[np.bool_]) -> Ints:
    """The first bucket of each stretch for which that holds."""
    places = np.flatnonzero(holds)
    firsts: Ints = places[np.unique(stretch[places], return_index=True)[1]]
    return firsts


def _finer(
    connection: sqlite3.Connection,
    series_key: int,
    at: Ints,
    level: Ints,
    what: Ints,
    value: Floats,
) -> Ints:
    """For each bucket of a level above 1 the index of that one below it that has its value."""
    found: Ints = at.copy()
    down = np.flatnonzero(level > 1)
    # The buckets below one are a chunk of their level, and so one row.
    number = at[down] // FACTOR ** level[down]
    rows = [
        key(series_key, below, chunk)
        for below, chunk in zip((level[down] - 1).tolist(), number.tolist(), strict=True)
    ]
    chunks: dict[int, bytes] = {}
    for some in _batches(rows):
        marks = ",".join("?" * len(some))
        chunks |= connection.execute(
            f"SELECT key, buckets FROM envelope WHERE key IN ({marks})",
            some,
        ).fetchall()
    # A rewind may have unsealed one meanwhile: then nothing is found under it.
    nothing = bytes(FACTOR * ENVELOPE.itemsize)
    below = np.frombuffer(b"".join(chunks.get(row, nothing) for row in rows), dtype=ENVELOPE)
    below = below.reshape(len(rows), FACTOR)
    kind, sought = what[down, None], value[down, None]
    has = np.where(kind == _LEAST, below["min"] == sought, below["max"] == sought)
    has = np.where(kind == _GAP, below["finite"] < below["count"], has & (below["finite"] > 0))
    found[down] = below["index"][np.arange(len(rows)), has.argmax(axis=1)]
    return found


def _found(
    connection: sqlite3.Connection, asked: Sequence[tuple[int, int, int, float]]
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    for some in _batches(asked):
        values = ",".join(["(?,?,?,?,?)"] * len(some))
        bound = [part for n, one in enumerate(some) for part in (n, *one)]
        for place, *point in connection.execute(_FIND.format(values), bound):
            yield place, tuple(point)


def _batches(some: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (some[n : n + _AT_ONCE] for n in range(0, len(some), _AT_ONCE))


def _as_points(found: dict[int, tuple[Any, ...]], base: int) -> Points:
    places = sorted(found)
    columns = [found[place] for place in places]
    value = [
        np.nan if number is None else -0.0 if mark == NEGATIVE_ZERO else float(number)
        for _, _, number, mark in columns
    ]
    return Points(
        np.array(places, dtype=np.int64) - base,
        np.array([column[0] for column in columns], dtype=np.int64),
        np.array([column[1] for column in columns], dtype=np.float64),
        np.array(value, dtype=np.float64),
    )
