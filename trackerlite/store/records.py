"""What each kind of record means for the rows of its run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple

from trackerlite import values
from trackerlite.store.numbers import native
from trackerlite.store.series import SeriesCache

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


class Records:
    """Takes in what is said of one run, inside the transaction that is open."""

    def __init__(self, connection: sqlite3.Connection, run_key: int, series: SeriesCache):
        self.connection = connection
        self.key = run_key
        self.series = series
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

    def take(self, said: Said, *, primary: bool) -> None:
        """Take in one record; what describes the run itself counts from the primary lane only."""
        kind = said.fields["t"]
        handler = self._anyone.get(kind) or (self._described.get(kind) if primary else None)
        if handler is not None:
            handler(said)

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
            "DELETE FROM param WHERE run_key=? AND key=? AND at <= ?",
            [(self.key, str(key), said.clock) for key in said.fields.get("removed", ())],
        )
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

    # -- what any lane may add --------------------------------------------------------

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
