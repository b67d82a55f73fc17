"""The events of one run, turned into rows: numbers are gathered, records understood."""

from __future__ import annotations

import sqlite3

from trackerlite.journal.events import Event
from trackerlite.journal.stretches import Stretch
from trackerlite.store.moments import Moments
from trackerlite.store.records import Records, Said
from trackerlite.store.series import SeriesCache

EDITS = "edits"


def tick(clock: float, time: float) -> float:
    """The clock of a journal after an event of `time`.

    It rises strictly, also where the machine's clock was set back: what is said later in a
    journal is later.
    """
    return time if time > clock else clock + 1e-6


class RunRows:
    """Turns the events of one run into rows, inside the transaction that is open.

    Only the primary lane (rank 0's) and later edits describe the run itself; other
    lanes add their metrics, alerts and artifacts. Where two writers may change the
    same thing, the later time wins, so that the order of projection does not matter.
    """

    def __init__(self, connection: sqlite3.Connection, run_key: int):
        self.connection = connection
        self.key = run_key
        self.series = SeriesCache(connection, run_key)
        self._records = Records(connection, run_key, self.series)
        # Rows of the same keys, one after the other, are gathered: as rows where they come
        # one by one, and turned into columns at once.
        self._keys: tuple[str, ...] = ()
        self._lane = ""
        self._clock = 0.0
        self._moments = Moments([], [])
        self._columns: list[list[int | float]] = []
        self._rows: list[tuple[int | float, ...]] = []

    def apply(self, event: Event, clock: float, lane: str) -> None:
        """Take in one event of a lane; `clock` is the latest time in its journal so far."""
        if event.keys:
            self._expect(event.keys, lane, clock)
            self._moments.steps.append(event.step)
            self._moments.times.append(event.time)
            self._rows.append(event.numbers)
        if event.others:
            self._gather()
            for key, value in event.others.items():
                stream = "history" if isinstance(value, bool) else "value"
                series = self.series.get(stream, key, lane)
                series.add(event.step, event.time, value)
                series.clock = clock
        if event.record is None:
            return
        self._gather()
        said = Said(event.record, event.time, event.step, clock, lane)
        self._records.take(said, primary=lane in ("", EDITS))

    def apply_stretch(self, stretch: Stretch, clock: float, lane: str) -> float:
        """Take in many rows at once; the clock behind them."""
        for time in stretch.times:
            clock = time if time > clock else tick(clock, time)
        self._expect(stretch.keys, lane, clock)
        self._fold()
        self._moments.steps += stretch.steps
        self._moments.times += stretch.times
        for gathered, column in zip(self._columns, stretch.columns, strict=True):
            gathered += column
        return clock

    def _expect(self, keys: tuple[str, ...], lane: str, clock: float) -> None:
        """Make ready for rows of these keys."""
        if keys != self._keys or lane != self._lane:
            self._gather()
            self._keys, self._lane = keys, lane
        if not self._columns:
            self._columns = [[] for _ in keys]
        self._clock = clock

    def _fold(self) -> None:
        """Turn the rows that came one by one into columns."""
        for gathered, column in zip(self._columns, zip(*self._rows, strict=True), strict=False):
            gathered += column
        self._rows = []

    def _gather(self) -> None:
        """Hand what was gathered so far to its series."""
        if not self._moments.steps:
            return
        self._fold()
        for key, column in zip(self._keys, self._columns, strict=True):
            series = self.series.get("history", key, self._lane)
            series.add_column(self._moments, column)
            series.clock = self._clock
        self._moments, self._columns = Moments([], []), []

    def flush(self, heartbeat: float | None) -> None:
        """Write everything gathered, and when the run was last heard of."""
        self._gather()
        self.series.flush()
        if heartbeat is not None:
            self.connection.execute(  # taken for dead, not told so with a reason, and heard of again
                "UPDATE run SET state='running', ended=NULL "
                "WHERE key=? AND state IN ('dead', 'killed') AND reason IS NULL AND COALESCE(heartbeat, 0) < ?",
                (self.key, heartbeat),
            )
            self.connection.execute(  # warned, and going on in the time that was left to it
                "UPDATE run SET ended=? WHERE key=? AND state='preempted' AND ended < ?",
                (heartbeat, self.key, heartbeat),
            )
            self.connection.execute(
                "UPDATE run SET heartbeat = MAX(COALESCE(heartbeat, 0), ?), "
                "last_step = (SELECT MAX(max_step) FROM series WHERE run_key = run.key AND stream <> 'system') "
                "WHERE key = ?",
                (heartbeat, self.key),
            )
