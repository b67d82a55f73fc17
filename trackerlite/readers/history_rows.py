"""A run's rows in order, in bounded memory: one per step, same-step calls merged.

The store keeps points per series in the order they were logged. Here the series are merged by
step (history) or by time (system metrics): strictly increasing, the last value of a key wins, a row's
time is that of the latest call in it, rewound points are left out. At most `BUDGET` points are held.
"""

from __future__ import annotations

import json
import math
import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeVar

BUDGET = 400_000
_STREAMS = {"history": ("history", "value"), "system": ("system", "system")}
T = TypeVar("T")
Rename = Callable[[str, str, int, Any], str | None]
_Point = tuple[int, float, Any, int]  # step, time, value, index
_Stored = tuple[Any, int, float, Any, Any]  # step or time, index, time, value or JSON, mark


#: points and values that no rewind hid
_VISIBLE = "(mark IS NULL OR mark < 16)"


class Row(NamedTuple):
    """One step's merged values. `time` is Unix seconds; `step` of a system row is its time."""

    step: Any  # an int; for system rows a float
    time: float
    values: dict[str, Any]


Mark = tuple[int, int]  # how far a series was read: the next index, the visible points before it


@dataclass
class _Series:
    key: int
    name: str
    lane: str
    stream: str
    total: int
    points: int
    sorted: bool
    max_step: int
    at: int = 0  # next index to fetch
    buffer: list[_Point] = field(default_factory=list)
    done: bool = False
    shared: bool = False
    feed: Iterator[list[_Point]] | None = None
    taken: int = 0  # visible points handed out
    next_index: int = 0  # index after the last point handed out


class HistoryRows:
    """The rows of one run, read through a read-only connection.

    >>> rows = HistoryRows(connection, run_key)          # doctest: +SKIP
    >>> for step, time, values in rows.iterate(after=99): ...   # doctest: +SKIP
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        run_key: int,
        stream: str = "history",
        rename: Rename | None = None,
        convert: Callable[[Any], Any] | None = None,
    ) -> None:
        """Look at the run as it is now; what is logged later is not given out.

        rename: the key of a series in the rows from its name, lane, rank and last value (of what
        is no number); None leaves it out. convert: applied to each value that is no number.
        """
        self._convert = convert
        self._connection = connection
        self._by_time = stream == "system"
        self._series: list[_Series] = []
        self.total = 0
        names: dict[str, _Series] = {}
        for (
            key,
            name,
            lane,
            rank,
            kind,
            total,
            points,
            first,
            end,
            low,
            high,
            last,
        ) in connection.execute(
            "SELECT key, name, lane, rank, stream, total, points, first_step, last_step, min_step,"
            " max_step, last FROM series WHERE run_key = ? AND stream IN (?, ?) AND points > 0"
            " ORDER BY name, lane, stream, key",
            (run_key, *_STREAMS[stream]),
        ):
            latest = last if kind == "value" else None
            shown = rename(name, lane, rank, latest) if rename else default_name(name, rank)
            if shown is None:
                continue
            tidy = bool(first == low and end == high) or self._by_time
            one = _Series(key, shown, lane, kind, total, points, tidy, high)
            if shown in names:
                one.shared = names[shown].shared = True
            names[shown] = one
            self._series.append(one)
            self.total += total
        self._chunk = max(64, min(20_000, BUDGET // max(1, len(self._series))))
        self.late = 0
        self.more = False

    @property
    def names(self) -> list[str]:
        return sorted({s.name for s in self._series})

    def complete_below(self, lanes: Iterable[str]) -> int | None:
        """Rows below this step are complete as far as these writers are concerned.

        The slowest of them decides; None when one of them has logged nothing yet.
        """
        last: dict[str, int] = {}
        for series in self._series:
            last[series.lane] = max(last.get(series.lane, series.max_step), series.max_step)
        steps = [last.get(lane) for lane in lanes]
        return None if None in steps or not steps else min(s for s in steps if s is not None)

    def marks(self) -> dict[str, Mark]:
        """Where the last `iterate` stopped in each series, by "lane/name"."""
        return {_label(s): (s.next_index, s.taken) for s in self._series}

    def tally(self, upto: int | None = None) -> tuple[int, int | None]:
        """How many rows there are with a step of at most `upto`, and the last one's step."""
        stop = None if upto is None else upto + 1

        def counted() -> tuple[int, int | None]:
            count, last = 0, None
            for step, _, _ in self.iterate(before=stop):
                count += 1
                last = step
            return count, last

        return from_the_start(counted)

    def rest(
        self,
        after: float | None = None,
        before: float | None = None,
        start: Mapping[str, Mark] | None = None,
        most: int | None = None,
    ) -> int:
        """How many rows `iterate` would give, counted up to `most`."""
        return from_the_start(
            lambda: sum(1 for _ in islice(self.iterate(after, before, start), most))
        )

    def visible_before(self, marks: Mapping[str, Mark]) -> bool:
        """True when all that `marks` counted is there and still visible: nothing was rewound."""
        known = {_label(s): s for s in self._series}
        for label, mark in marks.items():
            series = known.get(label)
            if series is None:
                if mark[1]:
                    return False
                continue
            table = _table(series.stream)
            newer = self._connection.execute(
                f"SELECT COUNT(*) FROM {table} WHERE key >= ? AND key < ? AND {_VISIBLE}",  # noqa: S608
                ((series.key << 40) + mark[0], (series.key << 40) + series.total),
            ).fetchone()[0]
            if series.total < mark[0] or series.points - newer != mark[1]:
                return False
        return True

    def iterate(
        self,
        after: float | None = None,
        before: float | None = None,
        start: Mapping[str, Mark] | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        """Rows with `after` < step < `before`, strictly increasing.

        start: marks of an earlier pass: only what was logged since is read. Steps of it at or
        below `after` came late; they are counted in `late`, before the first row is given out.
        limit: stop soon after so many rows, where `marks` can go on; `more` says that it did.

        Raises:
            OutOfOrder: a series' steps go back; ask again from the start.
        """
        self.late, self.more, given = 0, False, 0
        for series in self._series:
            mark = (start or {}).get(_label(series), (0, 0))
            series.at = series.next_index = mark[0]
            series.taken = mark[1]
            series.buffer, series.done, series.feed = [], False, None
        live = list(self._series)
        while live:
            for series in live:
                if not series.buffer:
                    self._fill(series)
            live = [s for s in live if s.buffer]
            if not live:
                return
            # A step is complete once every series that goes on has been read beyond it.
            open_ends = [s.buffer[-1][0] for s in live if not s.done]
            bound: float = min(open_ends, default=math.inf)
            if before is not None and before < bound:
                bound = before
            for row in self._emit(live, bound, after):
                given += 1
                yield row
            if limit is not None and given >= limit:
                self.more = True
                return
            if before is not None and bound == before:
                return
            for series in live:
                if series.buffer and not series.done and series.buffer[-1][0] <= bound:
                    self._fill(series)

    def streamed(self, after: float | None = None, before: float | None = None) -> Iterator[Row]:
        """As `iterate`, for who gives the rows on and cannot begin again: which series go back is
        found out before."""
        self.tally()
        yield from self.iterate(after, before)

    def _emit(self, live: list[_Series], bound: float, after: float | None) -> Iterator[Row]:
        rows: dict[float, dict[str, Any]] = {}
        times: dict[float, float] = {}
        owners: dict[tuple[float, str], float] = {}
        step: float
        for series in live:
            buffer = series.buffer
            cut = len(buffer)
            if bound != math.inf:
                cut = bisect_left(buffer, bound, key=_at_step)
            if not cut:
                continue
            name, shared = series.name, series.shared
            for step, time, value, _ in buffer[:cut] if cut < len(buffer) else buffer:
                row = rows.get(step)
                if row is None:
                    rows[step] = {name: value}
                    times[step] = time
                else:
                    if shared and name in row and owners.get((step, name), -math.inf) > time:
                        continue
                    row[name] = value
                    if time > times[step]:
                        times[step] = time
                if shared:
                    owners[step, name] = time
            series.taken += cut
            # For a series out of order the marks are of no use; the caller checks `in_order`.
            series.next_index = buffer[cut - 1][3] + 1
            del buffer[:cut]
        for step in sorted(rows):
            if after is not None and step <= after:
                self.late += 1
                continue
            yield Row(step, times[step], rows[step])

    @property
    def in_order(self) -> bool:
        """False when some series has steps that go back: then `marks` mean nothing."""
        return all(s.sorted for s in self._series)

    def _fill(self, series: _Series) -> None:
        if series.feed is None:
            series.feed = self._ordered(series) if series.sorted else self._sorted(series)
        while True:
            more = next(series.feed, None)
            if more is None:
                series.done = True
                return
            if series.sorted and not _rises(series.buffer[-1:], more):
                series.sorted = False
                raise OutOfOrder(series.name)
            series.buffer.extend(more)
            # One step must not fill the whole buffer: then nothing could be given out.
            if series.buffer[-1][0] != series.buffer[0][0]:
                return

    def _ordered(self, series: _Series) -> Iterator[list[_Point]]:
        for chunk in self._raw(series):
            yield self._points(chunk, series.stream)

    def _sorted(self, series: _Series) -> Iterator[list[_Point]]:
        """A series whose steps go back, sorted on disk: SQLite's own sorter in a database without a name,
        of which nothing stays behind whatever becomes of this process."""
        # An iteration left half way is closed by whichever thread collects it.
        scratch = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        try:
            for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -8192"):
                scratch.execute(f"PRAGMA {setting}")
            scratch.execute("CREATE TABLE p (step, idx INTEGER, time REAL, value, mark)")
            for chunk in self._raw(series):
                scratch.executemany("INSERT INTO p VALUES (?, ?, ?, ?, ?)", chunk)
            scratch.execute("CREATE INDEX p_step ON p(step, idx)")
            found = scratch.execute("SELECT * FROM p ORDER BY step, idx")
            size = self._chunk if series.stream != "value" else 16
            while chunk := found.fetchmany(size):
                yield self._points(chunk, series.stream)
        finally:
            scratch.close()

    def _points(self, chunk: list[_Stored], stream: str) -> list[_Point]:
        if stream == "value":
            convert = self._convert or (lambda value: value)
            return [(step, time, convert(json.loads(text)), i) for step, i, time, text, _ in chunk]
        return [
            (step, time, value if mark is None else _special(value, mark), i)
            for step, i, time, value, mark in chunk
        ]

    def _raw(self, series: _Series) -> Iterator[list[_Stored]]:
        """Visible points as stored: (step or time, index, time, value or JSON, mark)."""
        table = _table(series.stream)
        column = "json, NULL" if table == "value" else "value, mark"
        order = "time" if self._by_time else "step"
        base = series.key << 40
        query = (
            f"SELECT {order}, key - {base}, time, {column} FROM {table}"  # noqa: S608 - fixed names
            f" WHERE key >= ? AND key < ? AND {_VISIBLE} ORDER BY key LIMIT ?"
        )
        while True:
            bound = (base + series.at, base + series.total, self._chunk)
            rows = self._connection.execute(query, bound)
            found = _bounded(rows) if table == "value" else rows.fetchall()
            rows.close()  # no read transaction stays open between two chunks
            if not found:
                return
            series.at = found[-1][1] + 1
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


class OutOfOrder(Exception):
    """A series that looked sorted is not; iterate again, it is sorted on disk from now on."""


def from_the_start(read: Callable[[], T]) -> T:
    """What `read` makes of rows that it iterates; begun again where a series turns out to go back."""
    while True:
        try:
            return read()
        except OutOfOrder:
            continue


def default_name(name: str, rank: int) -> str | None:
    """The key of a series in a row: its name; other ranks than 0 are kept apart by a prefix."""
    return name if rank == 0 else f"rank{rank}/{name}"


def _label(series: _Series) -> str:
    return f"{series.lane}/{series.stream}/{series.name}"


def _table(stream: str) -> str:
    return "value" if stream == "value" else "point"


def _at_step(point: _Point) -> float:
    return point[0]


def _rises(before: list[_Point], points: list[_Point]) -> bool:
    steps = [p[0] for p in before] + [p[0] for p in points]
    return steps == sorted(steps)  # on what is sorted already this is one pass in C


def _special(value: Any, kind: int) -> Any:
    if kind == 1:
        return math.nan
    if kind == 2:
        return -0.0
    return bool(value) if kind == 3 else value
