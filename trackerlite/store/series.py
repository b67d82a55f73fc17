"""A series on its way into the store: points gathered, then written with its statistics."""

from __future__ import annotations

import json
import sqlite3
from fnmatch import fnmatchcase
from math import copysign, inf, isfinite
from typing import Any

from trackerlite import values
from trackerlite.store import envelope

NAN, NEGATIVE_ZERO, BOOL = 1, 2, 3
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
        # what waits to be written, as columns: numbers, or JSON values
        self.steps: list[int] = []
        self.times: list[float] = []
        self.numbers: list[Any] = []

    def add(self, step: int, time: float, number: Any) -> None:
        """Let one point wait for the next flush."""
        self.steps.append(step)
        self.times.append(time)
        self.numbers.append(number)

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write what waits, the statistics, and the envelope chunks that became full."""
        if not self.steps:
            return
        steps, times, numbers = self.steps, self.times, self.numbers
        self.steps, self.times, self.numbers = [], [], []
        if self.stream == "value":
            self._write_values(connection, steps, times, numbers)
            self._count(steps, times)
        else:
            recent = envelope.Columns(self.total, steps, times, numbers)
            self._write_numbers(connection, steps, times, numbers)
            self._count(steps, times)
            self.sealed = envelope.seal(connection, self.key, self.sealed, self.total, recent)
        self._save(connection)

    def _write_numbers(
        self,
        connection: sqlite3.Connection,
        steps: list[int],
        times: list[float],
        numbers: list[Any],
    ) -> None:
        start = (self.key << 40) + self.total
        keys = range(start, start + len(steps))
        values_: list[Any] = numbers
        if _needs_marks(numbers):
            values_, marks = zip(*map(stored, numbers), strict=True)  # type: ignore[assignment]
            connection.executemany(
                "INSERT INTO point VALUES (?, ?, ?, ?, ?)",
                zip(keys, steps, times, values_, marks, strict=True),
            )
            last_kind = marks[-1]
        else:
            connection.executemany(
                "INSERT INTO point VALUES (?, ?, ?, ?, NULL)",
                zip(keys, steps, times, values_, strict=True),
            )
            last_kind = None
        if self.points == 0:
            self.first = values_[0]
        self.last, self.last_kind = values_[-1], last_kind
        self._spread(numbers, steps)

    def _spread(self, numbers: list[Any], steps: list[int]) -> None:
        finite = numbers
        if not isfinite(sum(numbers)):
            pairs = [(n, s) for n, s in zip(numbers, steps, strict=True) if -inf < n < inf]
            if not pairs:
                return
            finite, steps = [p[0] for p in pairs], [p[1] for p in pairs]
        least, most = min(finite), max(finite)
        if self.minimum is None or least < self.minimum:
            self.minimum, self.min_at = float(least), steps[finite.index(least)]
        if self.maximum is None or most > self.maximum:
            self.maximum, self.max_at = float(most), steps[finite.index(most)]
        self.finite += len(finite)
        if self.total_value is not None:
            # One after another, so that the mean is the same to the bit however the
            # points were cut into flushes: a rebuild shows what was shown before.
            summed = self.total_value
            for each in finite:
                summed += each
            self.total_value = summed if isfinite(summed) else None  # beyond float64: no mean

    def _write_values(
        self,
        connection: sqlite3.Connection,
        steps: list[int],
        times: list[float],
        found: list[Any],
    ) -> None:
        start = (self.key << 40) + self.total
        keys = range(start, start + len(steps))
        texts = map(values.dumps, found)
        connection.executemany(
            "INSERT INTO value VALUES (?, ?, ?, ?, NULL)",
            zip(keys, steps, times, texts, strict=True),
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
                self._spread([number(v, m) for v, m in zip(found, marks, strict=True)], steps)
                self.last_kind = marks[-1]
            if self.points == 0:
                self.first = found[0]
            self.last = found[-1]
            self._count(steps, times)
        self.total = total


def stored(value: float | int | bool) -> tuple[float | int | None, int | None]:
    """What SQLite keeps of a number, and the kind that tells the rest.

    >>> stored(float("nan")), stored(-0.0), stored(True), stored(2.5)
    ((None, 1), (0.0, 2), (1, 3), (2.5, None))
    """
    if value is True or value is False:
        return int(value), BOOL
    if value != value:
        return None, NAN
    if value == 0 and isinstance(value, float) and copysign(1.0, value) < 0:
        return 0.0, NEGATIVE_ZERO
    return value, None


def _needs_marks(numbers: list[Any]) -> bool:
    """Whether some number may be one that SQLite cannot hold as it is: NaN, −0.0 or a bool."""
    if 0 in numbers or not isfinite(sum(numbers)):
        return True
    return 1 in numbers and any(number is True for number in numbers)


def number(value: float | int | None, kind: int | None) -> float | int | bool:
    """The number that was logged, from its row."""
    if kind == NAN or value is None:
        return float("nan")
    if kind == NEGATIVE_ZERO:
        return -0.0
    return bool(value) if kind == BOOL else value


def native(value: Any) -> Any:
    """A JSON value as SQLite would hold it: a number, a text, NULL; JSON text for the rest."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value if value == value else "NaN"
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if values.INT64_MIN <= value <= values.INT64_MAX else str(value)
    return values.dumps(value)


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
            if matches(pattern, name):
                self._apply_definitions(key, name)

    def _apply_definitions(self, key: int, name: str) -> None:
        if self._definitions is None:
            rows = self.connection.execute(
                "SELECT pattern, body FROM definition WHERE run_key=? ORDER BY at", (self.run_key,)
            ).fetchall()
            self._definitions = [(pattern, json.loads(body)) for pattern, body in rows]
        merged: dict[str, Any] = {}
        for pattern, body in self._definitions:
            if matches(pattern, name):
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


def matches(pattern: str, name: str) -> bool:
    """Whether a `define_metric` pattern (a name, or one with `*`) means this metric."""
    return pattern == name or ("*" in pattern and fnmatchcase(name, pattern.replace("[", "[[]")))


def rank_of(lane: str) -> int:
    """The rank that a lane belongs to (0 unless the lane says otherwise)."""
    head = lane.split("/")[0]
    return int(head[5:]) if head.startswith("rank-") and head[5:].isdigit() else 0
