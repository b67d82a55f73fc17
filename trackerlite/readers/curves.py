"""A series as arrays: its points, or its envelope at the resolution asked for."""

from __future__ import annotations

import sqlite3
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trackerlite.errors import StoreDamaged
from trackerlite.readers.info import ENVELOPE_FIELDS, Points
from trackerlite.store.envelope import CHUNK, FACTOR, LEVELS, key
from trackerlite.store.numbers import NAN, NEGATIVE_ZERO

ENVELOPE = np.dtype(ENVELOPE_FIELDS)
_AT_ONCE = 100_000  # rows whose steps are read as one text
_REWOUND = 16  # added to the mark of a point that a rewind hid


def points(
    connection: sqlite3.Connection,
    series_key: int,
    start: int = 0,
    stop: int | None = None,
    *,
    abandoned: bool = False,
) -> Points:
    """The visible points of a series by index [start, stop), or those that a rewind hid."""
    base = series_key << 40
    end = (series_key + 1) << 40 if stop is None else base + stop
    # Rows may be added meanwhile: what is there now bounds all that is read.
    first, last = connection.execute(
        # two searches; MIN and MAX in one SELECT would go through all of them
        "SELECT (SELECT MIN(key) FROM point WHERE key >= :start AND key < :end), "
        "(SELECT MAX(key) FROM point WHERE key >= :start AND key < :end)",
        {"start": base + start, "end": end},
    ).fetchone()
    if first is None:
        nothing = np.empty(0, dtype=np.int64)
        return Points(nothing, nothing.copy(), np.empty(0), np.empty(0))
    # Most of the time goes into making Python objects of what SQLite has, so few are made: steps
    # come as one text for many rows, a row has two numbers more, its index follows from its place,
    # and what is marked (few: NaN, -0.0, rewound) comes as NaN and is read apart.
    bounds, size = (first, last), last - first + 1
    rows = connection.execute(
        "SELECT time, IIF(mark IS NULL, value, 'nan') FROM point WHERE key BETWEEN ? AND ? "
        "ORDER BY key",
        bounds,
    )
    numbers = np.fromiter(chain.from_iterable(rows), dtype=np.float64)
    step = _steps(connection, first, last)
    if not len(step) == len(numbers) // 2 == size:
        raise StoreDamaged(
            f"A series has fewer than the {size:,} points that there should be. The runs are "
            "safe in their journals: `trackerlite doctor --repair` rebuilds the database from them."
        )
    time, value = np.ascontiguousarray(numbers.reshape(size, 2).T)
    index = np.arange(first - base, last - base + 1, dtype=np.int64)
    marks = np.zeros(size, dtype=np.int64)
    if np.isnan(value).any():
        for at, number, mark in connection.execute(
            "SELECT key - ?, value, mark FROM point WHERE key BETWEEN ? AND ? AND mark IS NOT NULL",
            (first, *bounds),
        ):
            kind = mark % _REWOUND
            marks[at] = mark
            value[at] = np.nan if kind == NAN else -0.0 if kind == NEGATIVE_ZERO else number
    kept = (marks >= _REWOUND) == abandoned
    if kept.all():
        return Points(index, step, time, value)
    return Points(index[kept], step[kept], time[kept], value[kept])


def _steps(connection: sqlite3.Connection, first: int, last: int) -> NDArray[np.int64]:
    """The steps of the points with the keys [first, last], in the order of their keys."""
    texts = (
        connection.execute(
            "SELECT group_concat(step) FROM "
            "(SELECT step FROM point WHERE key BETWEEN ? AND ? ORDER BY key)",
            (start, min(start + _AT_ONCE - 1, last)),
        ).fetchone()[0]
        for start in range(first, last + 1, _AT_ONCE)
    )
    return np.concatenate([np.fromstring(text or "", dtype=np.int64, sep=",") for text in texts])


def envelope(
    connection: sqlite3.Connection,
    series_key: int,
    resolution: int = 1000,
    start: int = 0,
    stop: int | None = None,
) -> NDArray[Any]:
    """The envelope of a series over the indices [start, stop).

    Sealed buckets of the coarsest level that is still fine enough, then finer and
    finer ones for the part that is not sealed yet, then single points.
    """
    found = [some for _, some in pieces(connection, series_key, resolution, start, stop)]
    return np.concatenate(found) if found else np.empty(0, dtype=ENVELOPE)


def pieces(
    connection: sqlite3.Connection,
    series_key: int,
    resolution: int,
    start: int = 0,
    stop: int | None = None,
) -> list[tuple[int, NDArray[Any]]]:
    """The envelope in the order of the series, by level: a bucket of level `n` has 16ⁿ points under it."""
    row = connection.execute(
        "SELECT total, sealed FROM series WHERE key=?", (series_key,)
    ).fetchone()
    if row is None:
        return []
    total, sealed = row
    stop = total if stop is None else min(stop, total)
    level = 0
    while level < LEVELS and (stop - start) // FACTOR ** (level + 1) >= resolution:
        level += 1
    found: list[tuple[int, NDArray[Any]]] = []
    at = start
    while level > 0:
        size = CHUNK * FACTOR ** (level - 1)  # points under one chunk
        end = min(sealed, stop if stop == total else stop + size) // size * size
        if end > at:
            found.append((level, _sealed(connection, series_key, level, at // size, end // size)))
            at = end
        level -= 1
    if at < stop:
        found.append((0, as_envelope(points(connection, series_key, at, stop))))
    kept = ((n, some[(some["count"] > 0) & (some["index"] < stop)]) for n, some in found)
    return [(n, some) for n, some in kept if len(some)]


def _sealed(
    connection: sqlite3.Connection, series_key: int, level: int, first: int, last: int
) -> NDArray[Any]:
    rows = connection.execute(
        "SELECT buckets FROM envelope WHERE key >= ? AND key < ? ORDER BY key",
        (key(series_key, level, first), key(series_key, level, last)),
    ).fetchall()
    return np.frombuffer(b"".join(row[0] for row in rows), dtype=ENVELOPE)


def as_envelope(some: Points) -> NDArray[Any]:
    """Points as an envelope of one bucket each."""
    found = np.empty(len(some), dtype=ENVELOPE)
    finite = np.isfinite(some.value)
    number = np.where(finite, some.value, np.nan)
    found["index"], found["count"], found["finite"] = some.index, 1, finite
    found["step_min"] = found["step_max"] = some.step
    found["time_min"] = found["time_max"] = some.time
    for name in ("first", "last", "min", "max"):
        found[name] = number
    return found
