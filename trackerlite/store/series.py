"""A series on its way into the store: points gathered, then written with its statistics."""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from itertools import accumulate, chain
from math import inf, isfinite
from typing import Any

from trackerlite import values
from trackerlite.store import envelope, points
from trackerlite.store.moments import Moments
from trackerlite.store.numbers import native, need_marks, number, stored

_COLUMNS = (
    "key, total, points, finite, first, last, last_kind, minimum, min_at, maximum, max_at, total_value, "
    "first_step, last_step, min_step, max_step, first_time, last_time, last_clock, sealed"
)


class Series:
    """One metric of one lane of a run, with the points not yet written."""

    def __init__(self, row: tuple[Any, ...], stream: str):
        (
            self.key, self.total, self.points, self.finite, self.first, self.last, self.last_kind,
            self.minimum, self.min_at, self.maximum, self.max_at, self.total_value,
            self.first_step, self.last_step, self.min_step, self.max_step,
            self.first_time, self.last_time, self.clock, self.sealed,
        ) = row  # fmt: skip
        self.stream = stream
        # what waits to be written: columns of numbers, or of JSON values
        self._waiting: list[tuple[Moments, list[Any]]] = []

    def add(self, step: int, time: float, number: Any) -> None:
        """Let one point wait for the next flush."""
        self._waiting.append((Moments([step], [time]), [number]))

    def add_column(self, moments: Moments, numbers: list[Any]) -> None:
        """Let many points wait for the next flush."""
        self._waiting.append((moments, numbers))

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write what waits, the statistics, and the envelope chunks that became full."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        moments, numbers = waiting[0]
        if len(waiting) > 1:
            moments = Moments.joined([each for each, _ in waiting])
            numbers = list(chain.from_iterable(column for _, column in waiting))
        if self.stream == "value":
            self._write_values(connection, moments, numbers)
            self._count(moments.steps, moments.times)
        else:
            recent = envelope.Columns(self.total, moments, numbers)
            self._write_numbers(connection, moments, numbers, self._spread(recent))
            self._count(moments.steps, moments.times)
            self.sealed = envelope.seal(connection, self.key, self.sealed, self.total, recent)
        self._save(connection)

    def _write_numbers(
        self, connection: sqlite3.Connection, moments: Moments, numbers: list[Any], finite: bool
    ) -> None:
        start = (self.key << 40) + self.total
        kept, marks = numbers, None
        if not finite or need_marks(numbers):
            kept, marks = map(list, zip(*map(stored, numbers), strict=True))
        points.insert(connection, start, moments, kept, marks)
        if self.points == 0:
            self.first = kept[0]
        self.last, self.last_kind = kept[-1], marks[-1] if marks else None

    def _spread(self, columns: envelope.Columns) -> bool:
        """Take the numbers into the statistics; whether all are known to be finite."""
        steps, numbers = columns.moments.steps, columns.numbers
        total = self._summed(numbers)
        columns.finite = total is not None
        if total is None:  # some may be NaN or infinite, or their sum is
            pairs = [(n, s) for n, s in zip(numbers, steps, strict=True) if -inf < n < inf]
            if not pairs:
                return False
            numbers, steps = [n for n, _ in pairs], [s for _, s in pairs]
            total = self._summed(numbers)
            least, most = min(numbers), max(numbers)
        else:
            least, most = columns.extremes()
        if self.minimum is None or least < self.minimum:
            self.minimum, self.min_at = float(least), steps[numbers.index(least)]
        if self.maximum is None or most > self.maximum:
            self.maximum, self.max_at = float(most), steps[numbers.index(most)]
        self.finite += len(numbers)
        self.total_value = total
        return columns.finite

    def _summed(self, numbers: list[Any]) -> float | None:
        """The sum of all so far and these; None beyond float64 or where one is not finite.

        One after another, so that the mean is the same to the bit however the points were
        cut into flushes (and `sum` rounds differently from Python to Python): a rebuild
        shows what was shown before.
        """
        if self.total_value is None:
            return None
        total = deque(accumulate(numbers, initial=self.total_value), maxlen=1)[0]
        return total if isfinite(total) else None

    def _write_values(
        self, connection: sqlite3.Connection, moments: Moments, found: list[Any]
    ) -> None:
        start = (self.key << 40) + self.total
        keys = range(start, start + len(found))
        texts = map(values.dumps, found)
        connection.executemany(
            "INSERT INTO value VALUES (?, ?, ?, ?, NULL)",
            zip(keys, moments.steps, moments.times, texts, strict=True),
        )
        if self.points == 0:
            self.first = native(found[0])
        self.last = native(found[-1])

    def _count(self, steps: list[int], times: list[float]) -> None:
        if self.points == 0:
            self.first_step, self.first_time = steps[0], times[0]
            self.min_step = self.max_step = steps[0]
        self.total += len(steps)
        self.points += len(steps)
        self.last_step, self.last_time = steps[-1], times[-1]
        self.min_step = min(self.min_step, min(steps))
        self.max_step = max(self.max_step, max(steps))

    def _save(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE series SET total=?, points=?, finite=?, first=?, last=?, last_kind=?, minimum=?, min_at=?, "
            "maximum=?, max_at=?, total_value=?, first_step=?, last_step=?, min_step=?, max_step=?, "
            "first_time=?, last_time=?, last_clock=?, sealed=? WHERE key=?",
            (
                self.total, self.points, self.finite, self.first, self.last, self.last_kind, self.minimum,
                self.min_at, self.maximum, self.max_at, self.total_value, self.first_step, self.last_step,
                self.min_step, self.max_step, self.first_time, self.last_time, self.clock, self.sealed, self.key,
            ),
        )  # fmt: skip

    def rewind(self, connection: sqlite3.Connection, step: int) -> None:
        """Hide what lies behind `step`; the statistics are those of what stays visible."""
        self.flush(connection)
        table = "value" if self.stream == "value" else "point"
        base = self.key << 40
        where = "WHERE key >= ? AND key < ? AND step > ? AND (mark IS NULL OR mark < 16)"
        bound = (base, base + self.total, step)
        first = connection.execute(f"SELECT MIN(key) FROM {table} {where}", bound).fetchone()[0]  # noqa: S608
        if first is None:
            return
        connection.execute(f"UPDATE {table} SET mark = COALESCE(mark, 0) + 16 {where}", bound)  # noqa: S608
        if self.stream != "value":
            self.sealed = min(self.sealed, envelope.unseal(connection, self.key, first - base))
            self.sealed = envelope.seal(connection, self.key, self.sealed, self.total)
        self._recount(connection, table)
        self._save(connection)

    def _recount(self, connection: sqlite3.Connection, table: str) -> None:
        total = self.total
        self.points = self.finite = 0
        self.first = self.last = self.last_kind = self.minimum = self.maximum = None
        self.min_at = self.max_at = None
        self.total_value = 0.0
        self.first_step = self.last_step = self.min_step = self.max_step = None
        self.first_time = self.last_time = None
        base, column = self.key << 40, "json" if table == "value" else "value"
        cursor = connection.execute(
            f"SELECT step, time, {column}, mark FROM {table} "  # noqa: S608
            "WHERE key >= ? AND key < ? AND (mark IS NULL OR mark < 16) ORDER BY key",
            (base, base + total),
        )
        while rows := cursor.fetchmany(10_000):
            steps, times, found, marks = (list(column) for column in zip(*rows, strict=True))
            if table == "value":
                found = [native(json.loads(text)) for text in found]
            else:
                shown = [number(v, m) for v, m in zip(found, marks, strict=True)]
                self._spread(envelope.Columns(0, Moments(steps, times), shown))
                self.last_kind = marks[-1]
            if self.points == 0:
                self.first = found[0]
            self.last = found[-1]
            self._count(steps, times)
        self.total = total


class SeriesCache:
    """The series of one run, by (stream, name, lane)."""

    def __init__(self, connection: sqlite3.Connection, run_key: int):
        self.connection = connection
        self.run_key = run_key
        self._series: dict[tuple[str, str, str], Series] = {}
        self._definitions: list[tuple[str, dict[str, Any]]] | None = None

    def get(self, stream: str, name: str, lane: str) -> Series:
        """The series, made if it is new."""
        found = self._series.get((stream, name, lane))
        if found is None:
            found = self._series[stream, name, lane] = self._load(stream, name, lane)
        return found

    def _load(self, stream: str, name: str, lane: str) -> Series:
        select = f"SELECT {_COLUMNS} FROM series WHERE run_key=? AND stream=? AND name=? AND lane=?"  # noqa: S608
        identity = (self.run_key, stream, name, lane)
        row = self.connection.execute(select, identity).fetchone()
        if row is None:
            self.connection.execute(
                "INSERT INTO series (run_key, stream, name, lane, rank) VALUES (?, ?, ?, ?, ?)",
                (*identity, rank_of(lane)),
            )
            row = self.connection.execute(select, identity).fetchone()
            if stream == "history":
                self._apply_definitions(row[0], name)
        return Series(row, stream)

    def flush(self) -> None:
        """Write everything that waits."""
        for series in self._series.values():
            series.flush(self.connection)

    def rewind(self, lane: str, step: int) -> None:
        """Hide what this lane logged behind `step` (system metrics follow the clock and stay)."""
        self.flush()
        rows = self.connection.execute(
            "SELECT stream, name FROM series WHERE run_key=? AND lane=? AND stream <> 'system'",
            (self.run_key, lane),
        ).fetchall()
        for stream, name in rows:
            self.get(stream, name, lane).rewind(self.connection, step)

    def define(self, pattern: str) -> None:
        """Apply a new definition to the series that are there; later ones look it up."""
        self.flush()
        self._definitions = None
        rows = self.connection.execute(
            "SELECT key, name FROM series WHERE run_key=? AND stream='history'", (self.run_key,)
        ).fetchall()
        for key, name in rows:
            if values.means(pattern, name):
                self._apply_definitions(key, name)

    def _apply_definitions(self, key: int, name: str) -> None:
        if self._definitions is None:
            rows = self.connection.execute(
                "SELECT pattern, body FROM definition WHERE run_key=? ORDER BY at", (self.run_key,)
            ).fetchall()
            self._definitions = [(pattern, json.loads(body)) for pattern, body in rows]
        merged: dict[str, Any] = {}
        for pattern, body in self._definitions:
            if values.means(pattern, name):
                merged.update(body)
        if merged:
            summary = merged.get("summary")
            self.connection.execute(
                "UPDATE series SET step_metric=?, summary=?, goal=?, unit=?, alarm=?, hidden=? WHERE key=?",
                (
                    merged.get("step_metric"),
                    values.dumps(summary) if summary else None,
                    merged.get("goal"),
                    merged.get("unit"),
                    merged.get("alarm"),
                    int(bool(merged.get("hidden"))),
                    key,
                ),
            )


def rank_of(lane: str) -> int:
    """The rank that a lane belongs to (0 unless the lane says otherwise)."""
    head = lane.split("/")[0]
    return int(head[5:]) if head.startswith("rank-") and head[5:].isdigit() else 0
