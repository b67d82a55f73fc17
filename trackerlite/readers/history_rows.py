"""A run's rows in order, in bounded memory: one per step, same-step calls merged.

The store keeps points per series in the order they were logged. Here the series are merged by
step (history) or by time (system metrics): strictly increasing, the last value of a key wins, a row's
time is that of the latest call in it, rewound points are left out. At most `BUDGET` points are held.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from trackerlite.readers.series_points import Mark, OutOfOrder, SeriesPoints

BUDGET = 400_000
_STREAMS = {"history": ("history", "value"), "system": ("system", "system")}
T = TypeVar("T")
Rename = Callable[[str, str, int, Any], str | None]
Marks = Mapping[str, tuple[int, int]]  # how far each series was read, by "lane/stream/name"


class Row(NamedTuple):
    """One step's merged values. `time` is Unix seconds; `step` of a system row is its time."""

    step: Any  # an int; for system rows a float
    time: float
    values: dict[str, Any]


@dataclass
class _Column:
    """A series, under the name that it has in the rows."""

    name: str
    lane: str
    label: str
    max_step: int
    points: SeriesPoints
    shared: bool = False  # whether another has its name, too


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
        self._by_time = stream == "system"
        self._columns: list[_Column] = []
        self.total = 0
        names: dict[str, _Column] = {}
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
            series = SeriesPoints(
                connection, key, kind, by_time=self._by_time, total=total, points=points,
                sorted=self._by_time or (first == low and end == high), convert=convert,
            )  # fmt: skip
            one = _Column(shown, lane, f"{lane}/{kind}/{name}", high, series)
            if shown in names:
                one.shared = names[shown].shared = True
            names[shown] = one
            self._columns.append(one)
            self.total += total
        for column in self._columns:
            column.points.chunk = max(64, min(20_000, BUDGET // len(self._columns)))
        self.late = 0
        self.more = False

    @property
    def names(self) -> list[str]:
        return sorted({column.name for column in self._columns})

    def complete_below(self, lanes: Iterable[str]) -> int | None:
        """Rows below this step are complete as far as these writers are concerned.

        The slowest of them decides; None when one of them has logged nothing yet.
        """
        last: dict[str, int] = {}
        for column in self._columns:
            last[column.lane] = max(last.get(column.lane, column.max_step), column.max_step)
        steps = [last.get(lane) for lane in lanes]
        return None if None in steps or not steps else min(s for s in steps if s is not None)

    def marks(self) -> dict[str, tuple[int, int]]:
        """Where the last `iterate` stopped in each series, by "lane/stream/name"."""
        return {column.label: column.points.mark for column in self._columns}

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
        start: Marks | None = None,
        most: int | None = None,
    ) -> int:
        """How many rows `iterate` would give, counted up to `most`."""
        return from_the_start(
            lambda: sum(1 for _ in islice(self.iterate(after, before, start), most))
        )

    def visible_before(self, marks: Marks) -> bool:
        """True when all that `marks` counted is there and still visible: nothing was rewound."""
        known = {column.label: column.points for column in self._columns}
        return all(
            known[label].still_has(Mark(*mark)) if label in known else not mark[1]
            for label, mark in marks.items()
        )

    def iterate(
        self,
        after: float | None = None,
        before: float | None = None,
        start: Marks | None = None,
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
        for column in self._columns:
            column.points.begin(Mark(*(start or {}).get(column.label, ())))
        live = list(self._columns)
        while live:
            for column in live:
                if not column.points.buffer:
                    column.points.fill()
            live = [column for column in live if column.points.buffer]
            if not live:
                return
            # A step is complete once every series that goes on has been read beyond it.
            open_ends = [c.points.buffer[-1][0] for c in live if not c.points.done]
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
            for column in live:
                points = column.points
                if points.buffer and not points.done and points.buffer[-1][0] <= bound:
                    points.fill()

    def streamed(self, after: float | None = None, before: float | None = None) -> Iterator[Row]:
        """As `iterate`, for who gives the rows on and cannot begin again: which series go back is
        found out before."""
        self.tally()
        yield from self.iterate(after, before)

    def _emit(self, live: list[_Column], bound: float, after: float | None) -> Iterator[Row]:
        rows: dict[float, dict[str, Any]] = {}
        times: dict[float, float] = {}
        owners: dict[tuple[float, str], float] = {}
        step: float
        for column in live:
            name, shared = column.name, column.shared
            for step, time, value, _ in column.points.take(bound):
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
        for step in sorted(rows):
            if after is not None and step <= after:
                self.late += 1
                continue
            yield Row(step, times[step], rows[step])

    @property
    def in_order(self) -> bool:
        """False when some series has steps that go back: then `marks` mean nothing."""
        return all(column.points.sorted for column in self._columns)


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
