"""The points of one series as they are stored, read ahead in order: by step, or by time (system metrics).

What a rewind hid is passed over. No read transaction stays open between two chunks.
"""

from __future__ import annotations

import json
import math
import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Point = tuple[Any, float, Any, int]  # step (or time), time, value, index
_Stored = tuple[Any, int, float, Any, Any]  # step or time, index, time, value or JSON, mark

#: points and values that no rewind hid
_VISIBLE = "(mark IS NULL OR mark < 16)"


class Mark(NamedTuple):
    """How far a series was read: the next index, and the visible points before it."""

    next: int = 0
    taken: int = 0


class OutOfOrder(Exception):
    """A series that looked sorted is not; iterate again, it is sorted on disk from now on."""


class SeriesPoints:
    """One series, read a chunk at a time.

    Attributes:
        buffer: points that were read and not yet taken.
        done: nothing is behind the buffer.
        sorted: whether its steps rise, as far as is known.
        mark: behind the last point taken; for a series out of order it means nothing.
        chunk: points read at once.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        key: int,
        stream: str,
        *,
        by_time: bool,
        total: int,
        points: int,
        sorted: bool,
        convert: Callable[[Any], Any] | None = None,
    ) -> None:
        """`total` indices, `points` of them visible. convert: applied to each value that is no number."""
        self.total, self.points, self.sorted = total, points, sorted
        self.chunk = 64
        self._connection, self._key, self._stream, self._by_time = connection, key, stream, by_time
        self._table = "value" if stream == "value" else "point"
        self._convert = convert or (lambda value: value)
        self.begin(Mark())

    def begin(self, mark: Mark) -> None:
        """Go on behind `mark`."""
        self.buffer: list[Point] = []
        self.done = False
        self.mark = mark
        self._at = mark.next
        self._feed: Iterator[list[Point]] | None = None

    def fill(self) -> None:
        """Read on, so that the buffer's last point is at another step than its first.

        Raises:
            OutOfOrder: the steps go back.
        """
        if self._feed is None:
            self._feed = self._ordered() if self.sorted else self._sorted()
        while True:
            more = next(self._feed, None)
            if more is None:
                self.done = True
                return
            if self.sorted and not _rises(self.buffer[-1:], more):
                self.sorted = False
                raise OutOfOrder
            self.buffer.extend(more)
            # One step must not fill the whole buffer: then nothing could be given out.
            if self.buffer[-1][0] != self.buffer[0][0]:
                return

    def take(self, bound: float) -> list[Point]:
        """The points below `bound` that are in the buffer, out of it."""
        cut = len(self.buffer)
        if bound != math.inf:
            cut = bisect_left(self.buffer, bound, key=_at_step)
        if cut == len(self.buffer):
            taken, self.buffer = self.buffer, []
        else:
            taken, self.buffer = self.buffer[:cut], self.buffer[cut:]
        if taken:
            self.mark = Mark(taken[-1][3] + 1, self.mark.taken + cut)
        return taken

    def still_has(self, mark: Mark) -> bool:
        """Whether all that an earlier pass took up to `mark` is there and still visible."""
        newer = self._connection.execute(
            f"SELECT COUNT(*) FROM {self._table} WHERE key >= ? AND key < ? AND {_VISIBLE}",  # noqa: S608
            ((self._key << 40) + mark.next, (self._key << 40) + self.total),
        ).fetchone()[0]
        return self.total >= mark.next and self.points - newer == mark.taken

    # -- how they are read ------------------------------------------------------------

    def _ordered(self) -> Iterator[list[Point]]:
        for chunk in self._raw():
            yield self._points(chunk)

    def _sorted(self) -> Iterator[list[Point]]:
        """Steps that go back, sorted on disk: SQLite's own sorter in a database without a name,
        of which nothing stays behind whatever becomes of this process."""
        # An iteration left half way is closed by whichever thread collects it.
        scratch = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        try:
            for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -8192"):
                scratch.execute(f"PRAGMA {setting}")
            scratch.execute("CREATE TABLE p (step, idx INTEGER, time REAL, value, mark)")
            for chunk in self._raw():
                scratch.executemany("INSERT INTO p VALUES (?, ?, ?, ?, ?)", chunk)
            scratch.execute("CREATE INDEX p_step ON p(step, idx)")
            found = scratch.execute("SELECT * FROM p ORDER BY step, idx")
            size = self.chunk if self._stream != "value" else 16
            while chunk := found.fetchmany(size):
                yield self._points(chunk)
        finally:
            scratch.close()

    def _points(self, chunk: list[_Stored]) -> list[Point]:
        if self._stream == "value":
            convert = self._convert
            return [(step, time, convert(json.loads(text)), i) for step, i, time, text, _ in chunk]
        return [
            (step, time, value if mark is None else _special(value, mark), i)
            for step, i, time, value, mark in chunk
        ]

    def _raw(self) -> Iterator[list[_Stored]]:
        """Visible points as stored."""
        column = "json, NULL" if self._table == "value" else "value, mark"
        order = "time" if self._by_time else "step"
        base = self._key << 40
        query = (
            f"SELECT {order}, key - {base}, time, {column} FROM {self._table}"  # noqa: S608 - fixed names
            f" WHERE key >= ? AND key < ? AND {_VISIBLE} ORDER BY key LIMIT ?"
        )
        while True:
            bound = (base + self._at, base + self.total, self.chunk)
            rows = self._connection.execute(query, bound)
            found = _bounded(rows) if self._table == "value" else rows.fetchall()
            rows.close()  # no read transaction stays open between two chunks
            if not found:
                return
            self._at = found[-1][1] + 1
            yield found


def _bounded(rows: sqlite3.Cursor) -> list[_Stored]:
    """As many rows as make a few megabytes of text."""
    found, size = [], 0
    for row in rows:
        found.append(row)
        size += len(row[3])
        if size > 4_000_000:
            break
    return found


def _at_step(point: Point) -> Any:
    return point[0]


def _rises(before: list[Point], points: list[Point]) -> bool:
    steps = [p[0] for p in before] + [p[0] for p in points]
    return steps == sorted(steps)  # on what is sorted already this is one pass in C


def _special(value: Any, kind: int) -> Any:
    if kind == 1:
        return math.nan
    if kind == 2:
        return -0.0
    return bool(value) if kind == 3 else value
