"""What each kind of record means for the rows of its run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple

from trackerlite import values
from trackerlite.journal.events import Event
from trackerlite.journal.stretches import Stretch
from trackerlite.store.moments import Moments
from trackerlite.store.numbers import native
from trackerlite.store.series import SeriesCache

EDITS = "edits"
_OWN_COLUMNS = {"id", "project", "name", "group", "job_type", "notes", "tags", "config", "t"}


class Said(NamedTuple):
    """One record: its fields, when and at which step, by which lane.

    `clock` is the latest time in its journal so far: it never goes back.
    """

    fields: dict[str, Any]
    time: float
    step: int
    clock: float
    lane: str


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
        # Rows of the same keys, one after the other, are gathered: as rows where they come
        # one by one, and turned into columns at once.
        self._keys: tuple[str, ...] = ()
        self._lane = ""
        self._clock = 0.0
        self._moments = Moments([], [])
        self._columns: list[list[int | float]] = []
        self._rows: list[tuple[int | float, ...]] = []
        self._described: dict[str, Callable[[Said], None]] = {
            "run": self._run,
            "config": self._config,
            "tags": self._tags,
            "notes": self._notes,
            "name": self._name,
            "group": self._group,
            "job_type": self._job_type,
            "trash": self._trash,
            "environment": self._environment,
            "finish": self._finish,
        }
        self._anyone: dict[str, Callable[[Said], None]] = {
            "summary": self._summary,
            "define": self._define,
            "system": self._system,
            "rewind": self._rewind,
            "alert": self._alert,
            "artifact": self._artifact,
            "dropped": self._dropped,
        }

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
        kind = event.record["t"]
        primary = lane in ("", EDITS)
        handler = self._anyone.get(kind) or (self._described.get(kind) if primary else None)
        if handler is not None:
            handler(Said(event.record, event.time, event.step, clock, lane))

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

    # -- the run itself ---------------------------------------------------------------

    def _run(self, said: Said) -> None:
        resumed = bool(said.fields.get("resumed"))
        environment = {k: v for k, v in said.fields.items() if k not in _OWN_COLUMNS}
        self.connection.execute(
            "UPDATE run SET state='running', exit_code=NULL, reason=NULL, ended=NULL, "
            "started=COALESCE(started, ?), host=?, pid=?, boot_id=?, run_group=COALESCE(?, run_group), "
            "job_type=COALESCE(?, job_type) WHERE key=?",
            (
                said.fields.get("started", said.time), _text(said.fields.get("host")), said.fields.get("pid"),
                _text(said.fields.get("boot_id")), _text(said.fields.get("group")), _text(said.fields.get("job_type")), self.key,
            ),
        )  # fmt: skip
        if said.fields.get("name") and not (resumed and self._has("name")):
            self._name(said._replace(fields={"text": said.fields["name"]}))
        if said.fields.get("notes"):
            self._notes(said._replace(fields={"text": said.fields["notes"]}))
        if said.fields.get("tags"):
            self._tags(said._replace(fields={"add": said.fields["tags"]}))
        if said.fields.get("config"):
            self._config(said._replace(fields={"values": said.fields["config"]}))
        self._merge_environment(environment)

    def _has(self, column: str) -> bool:
        row = self.connection.execute(
            f"SELECT {column} IS NOT NULL FROM run WHERE key=?",  # noqa: S608 - our own column names
            (self.key,),
        ).fetchone()
        return bool(row[0])

    def _environment(self, said: Said) -> None:
        self._merge_environment({k: v for k, v in said.fields.items() if k != "t"})

    def _merge_environment(self, found: dict[str, Any]) -> None:
        row = self.connection.execute(
            "SELECT environment FROM run WHERE key=?", (self.key,)
        ).fetchone()
        merged = {**json.loads(row[0]), **found}
        self.connection.execute(
            "UPDATE run SET environment=? WHERE key=?", (values.dumps(merged), self.key)
        )

    def _finish(self, said: Said) -> None:
        self.connection.execute(
            "UPDATE run SET state=?, exit_code=?, reason=?, ended=? WHERE key=?",
            (
                _text(said.fields.get("state")) or "finished", said.fields.get("exit_code"), _text(said.fields.get("reason")),
                said.time, self.key,
            ),
        )  # fmt: skip

    def _name(self, said: Said) -> None:
        self._set_text("name", said.fields.get("text"), said.clock)

    def _notes(self, said: Said) -> None:
        self._set_text("notes", said.fields.get("text"), said.clock)

    def _set_text(self, column: str, text: Any, clock: float) -> None:
        self.connection.execute(
            f"UPDATE run SET {column}=?, {column}_at=? WHERE key=? AND {column}_at<=?",  # noqa: S608
            (_text(text), clock, self.key, clock),
        )

    def _group(self, said: Said) -> None:
        self.connection.execute(
            "UPDATE run SET run_group=? WHERE key=?", (_text(said.fields.get("text")), self.key)
        )

    def _job_type(self, said: Said) -> None:
        self.connection.execute(
            "UPDATE run SET job_type=? WHERE key=?", (_text(said.fields.get("text")), self.key)
        )

    def _trash(self, said: Said) -> None:
        self.connection.execute(
            "UPDATE run SET trashed=?, trashed_at=? WHERE key=? AND trashed_at<=?",
            (int(bool(said.fields.get("trashed", True))), said.clock, self.key, said.clock),
        )

    def _config(self, said: Said) -> None:
        self.connection.executemany(
            "INSERT INTO param (run_key, key, value, json, at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (run_key, key) DO UPDATE SET value=excluded.value, json=excluded.json, at=excluded.at "
            "WHERE excluded.at >= param.at",
            [
                (self.key, key, native(value), values.dumps(value), said.clock)
                for key, value in said.fields.get("values", {}).items()
            ],
        )

    def _tags(self, said: Said) -> None:
        changes = [(tag, 1) for tag in said.fields.get("add", ())]
        changes += [(tag, 0) for tag in said.fields.get("remove", ())]
        self.connection.executemany(
            "INSERT INTO tag (run_key, tag, present, at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (run_key, tag) DO UPDATE SET present=excluded.present, at=excluded.at "
            "WHERE excluded.at >= tag.at",
            [(self.key, str(tag), present, said.clock) for tag, present in changes],
        )

    # -- what any said.lane may add --------------------------------------------------------

    def _summary(self, said: Said) -> None:
        rows: list[tuple[Any, ...]] = [
            (self.key, key, native(value), values.dumps(value), said.clock)
            for key, value in said.fields.get("values", {}).items()
        ]
        rows += [(self.key, key, None, None, said.clock) for key in said.fields.get("removed", ())]
        self.connection.executemany(
            "INSERT INTO summary_value (run_key, key, value, json, at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (run_key, key) DO UPDATE SET value=excluded.value, json=excluded.json, at=excluded.at "
            "WHERE excluded.at >= summary_value.at",
            rows,
        )

    def _define(self, said: Said) -> None:
        pattern = str(said.fields.get("pattern", ""))
        body = {k: v for k, v in said.fields.items() if k not in ("t", "pattern")}
        self.connection.execute(
            "INSERT OR REPLACE INTO definition (run_key, pattern, body, at) VALUES (?, ?, ?, ?)",
            (self.key, pattern, values.dumps(body), said.clock),
        )
        self.series.define(pattern)

    def _system(self, said: Said) -> None:
        for name, number in said.fields.get("values", {}).items():
            if isinstance(number, (int, float)):
                series = self.series.get("system", f"system.{name}", said.lane)
                series.add(said.step, said.time, number)

    def _rewind(self, said: Said) -> None:
        self.series.rewind(said.lane, int(said.fields["step"]))

    def _alert(self, said: Said) -> None:
        step = said.fields.get("step")  # of what it is about; the record's is when it was noticed
        self.connection.execute(
            "INSERT INTO alert (run_key, time, step, title, text, level, metric) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self.key, said.time, step if isinstance(step, int) else said.step, str(said.fields.get("title", "")),
                _text(said.fields.get("text")), _text(said.fields.get("level")), _text(said.fields.get("key")),
            ),
        )  # fmt: skip

    def _artifact(self, said: Said) -> None:
        body = {k: v for k, v in said.fields.items() if k != "t"}
        self.connection.execute(
            "INSERT INTO artifact (run_key, time, use, name, type, version, digest, size, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.key, said.time, str(body.get("use", "output")), str(body.get("name", "")),
                _text(body.get("type")), _text(body.get("version")), _text(body.get("digest")),
                body.get("size"), values.dumps(body),
            ),
        )  # fmt: skip

    def _dropped(self, said: Said) -> None:
        self.connection.execute(
            "UPDATE run SET dropped = dropped + ? WHERE key=?",
            (int(said.fields.get("count", 0)), self.key),
        )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
