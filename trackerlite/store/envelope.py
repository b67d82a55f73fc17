"""Envelopes: what a curve looks like from afar, with every spike in it.

Per series, sealed buckets at several levels: a bucket of level 1 covers 16 points,
of level 2 256, and so on, each as the first, last, least and greatest finite value
with the range of steps and times. A chunk is one row: 16 buckets of a level. What
is sealed never changes, but for a rewind, which unseals.

Pure Python, because it runs in training processes that may not have loaded NumPy;
readers see the same bytes as a structured array.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from itertools import chain
from math import inf, isfinite, nan

from trackerlite.store.moments import GROUP, Moments, groups

FACTOR = GROUP
CHUNK = FACTOR * FACTOR  # points under one chunk of level 1
LEVELS = 6
BUCKET = struct.Struct("<qIIqqdddddd")

#: one bucket: index, count, finite, step min/max, time min/max, first, last, min, max
Bucket = tuple[int, int, int, int, int, float, float, float, float, float, float]
#: one visible point: index, step, time, value (NaN where it is none)
Point = tuple[int, int, float, float]
#: one chunk: where it stands in the table, its packed buckets
Row = tuple[int, bytes]


def key(series: int, level: int, chunk: int) -> int:
    """Where a chunk stands in the table."""
    return series << 40 | level << 34 | chunk


def bucket(points: Sequence[Point], index: int) -> Bucket:
    """The bucket of some neighbouring points (those that a rewind hid are left out)."""
    if not points:
        return (index, 0, 0, 0, 0, 0.0, 0.0, nan, nan, nan, nan)
    steps = [p[1] for p in points]
    times = [p[2] for p in points]
    values = [p[3] for p in points if -inf < p[3] < inf]
    ends = (values[0], values[-1], min(values), max(values)) if values else (nan,) * 4
    return (
        points[0][0],
        len(points),
        len(values),
        min(steps),
        max(steps),
        min(times),
        max(times),
        *ends,
    )


def merge(buckets: Iterable[Bucket], index: int) -> Bucket:
    """One bucket over several."""
    some = [b for b in buckets if b[1]]
    if not some:
        return (index, 0, 0, 0, 0, 0.0, 0.0, nan, nan, nan, nan)
    finite = [b for b in some if b[2]]
    ends = (
        (finite[0][7], finite[-1][8], min(b[9] for b in finite), max(b[10] for b in finite))
        if finite
        else (nan,) * 4
    )
    return (
        some[0][0],
        sum(b[1] for b in some),
        sum(b[2] for b in some),
        min(b[3] for b in some),
        max(b[4] for b in some),
        min(b[5] for b in some),
        max(b[6] for b in some),
        *ends,
    )


def seal(
    connection: sqlite3.Connection,
    series: int,
    sealed: int,
    total: int,
    recent: Columns | None = None,
) -> int:
    """Write every chunk that became full; return how many points are sealed now.

    Args:
        recent: the last points, where the caller has them at hand; others are read.
    """
    full: list[Row] = []
    while total - sealed >= CHUNK:
        chunk = recent.chunk(sealed) if recent is not None else None
        if chunk is None:
            chunk = _read_chunk(connection, series, sealed)
        full.append((key(series, 1, sealed // CHUNK), b"".join(chunk)))
        sealed += CHUNK
        if sealed % (CHUNK * FACTOR) == 0:
            _write(connection, full)
            full = []
            _seal_above(connection, series, sealed)
    _write(connection, full)
    return sealed


class Columns:
    """Visible points as columns, from index `start` of their series on.

    Attributes:
        finite: whether every number is known to be finite.
    """

    __slots__ = (
        "_greatest",
        "_groups",
        "_least",
        "_phase",
        "finite",
        "moments",
        "numbers",
        "start",
    )

    def __init__(
        self, start: int, moments: Moments, numbers: list[float], finite: bool = False
    ) -> None:
        self.start, self.moments, self.numbers, self.finite = start, moments, numbers, finite
        self._phase = -start % FACTOR
        self._groups: list[tuple[float, ...]] | None = None

    def _look(self) -> list[tuple[float, ...]]:
        """The groups under each bucket of level 1, their extremes found."""
        if self._groups is None:
            self._groups = groups(self.numbers, self._phase)
            self._least = list(map(min, self._groups))
            self._greatest = list(map(max, self._groups))
        return self._groups

    def extremes(self) -> tuple[float, float]:
        """The least and the greatest number."""
        end = self._phase + len(self._look()) * FACTOR
        before, behind = self.numbers[: self._phase], self.numbers[end:]
        return min([*before, *self._least, *behind]), max([*before, *self._greatest, *behind])

    def chunk(self, sealed: int) -> list[bytes] | None:
        """The packed buckets of the chunk at `sealed`; None if it is not here or not all finite."""
        if sealed < self.start or not self.finite:
            return None
        some, pack = self._look(), BUCKET.pack
        spans = self.moments.spans(self._phase)
        first = (sealed - self.start - self._phase) // FACTOR
        return [
            pack(
                sealed + (at - first) * FACTOR, FACTOR, FACTOR, *spans[at],
                some[at][0], some[at][-1], self._least[at], self._greatest[at],
            )
            for at in range(first, first + FACTOR)
        ]  # fmt: skip


def _read_chunk(connection: sqlite3.Connection, series: int, sealed: int) -> list[bytes]:
    base = series << 40
    rows = connection.execute(
        "SELECT key - ?, step, time, CASE mark WHEN 1 THEN NULL WHEN 2 THEN -0.0 ELSE value END FROM point "
        "WHERE key >= ? AND key < ? AND (mark IS NULL OR mark < 16) ORDER BY key",
        (base, base + sealed, base + sealed + CHUNK),
    ).fetchall()
    if len(rows) == CHUNK:
        _, steps, times, numbers = map(list, zip(*rows, strict=True))
        if None not in numbers and isfinite(sum(numbers)):
            whole = Columns(sealed, Moments(steps, times), numbers, finite=True).chunk(sealed)
            if whole is not None:
                return whole
    found: list[list[Point]] = [[] for _ in range(FACTOR)]
    for index, step, time, value in rows:
        number = nan if value is None else float(value)
        found[(index - sealed) // FACTOR].append((index, step, time, number))
    return [BUCKET.pack(*bucket(group, sealed + n * FACTOR)) for n, group in enumerate(found)]


def _seal_above(connection: sqlite3.Connection, series: int, sealed: int) -> None:
    """Merge 16 chunks of a level into one of the next, wherever the 16th is full now."""
    level, size = 2, CHUNK * FACTOR
    while level <= LEVELS and sealed % size == 0:
        first = (sealed - size) // (size // FACTOR)
        rows = connection.execute(
            "SELECT buckets FROM envelope WHERE key >= ? AND key < ? ORDER BY key",
            (key(series, level - 1, first), key(series, level - 1, first + FACTOR)),
        ).fetchall()
        span = size // FACTOR
        chunk = [
            BUCKET.pack(*merge(BUCKET.iter_unpack(blob), number * span))
            for number, (blob,) in enumerate(rows, start=first)
        ]
        _write(connection, [(key(series, level, (sealed - size) // size), b"".join(chunk))])
        level, size = level + 1, size * FACTOR


def _write(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Write some rows (sixteen at most), all with one statement."""
    if rows:
        places = ",".join(["(?, ?)"] * len(rows))
        connection.execute(
            f"INSERT OR REPLACE INTO envelope (key, buckets) VALUES {places}",  # noqa: S608
            list(chain.from_iterable(rows)),
        )


def unseal(connection: sqlite3.Connection, series: int, index: int) -> int:
    """Remove what covers points from `index` on; return how many points stay sealed."""
    for level in range(1, LEVELS + 1):
        connection.execute(
            "DELETE FROM envelope WHERE key >= ? AND key < ?",
            (key(series, level, index // FACTOR ** (level + 1)), key(series, level + 1, 0)),
        )
    return index // CHUNK * CHUNK
