"""The ledger of syncing, `sync.db`: what was confirmed by which remote, and what was under way.

It saves work; it is never believed over the server. Deleting it costs one careful comparison per run.
Kept beside the store, not in it, in rollback-journal mode: no WAL, so it also works on network
filesystems, and every statement is one short transaction.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trackerlite.errors import StoreDamaged, StoreError, StoreTooNew

NAME = "sync.db"
VERSION = 1

_SCHEMA = """
CREATE TABLE project (
    target TEXT NOT NULL, project TEXT NOT NULL, entity TEXT NOT NULL, remote TEXT NOT NULL,
    PRIMARY KEY (target, project)
);
CREATE TABLE confirmed (
    target TEXT NOT NULL, run_id TEXT NOT NULL,
    entity TEXT NOT NULL, project TEXT NOT NULL, remote_id TEXT NOT NULL,
    rows INTEGER NOT NULL DEFAULT 0, last_step INTEGER,
    system_rows INTEGER NOT NULL DEFAULT 0, console_lines INTEGER NOT NULL DEFAULT 0,
    system_points INTEGER NOT NULL DEFAULT 0, alerts INTEGER NOT NULL DEFAULT 0,
    marks TEXT NOT NULL DEFAULT '',
    fingerprint TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT '',
    verified REAL, error TEXT, error_at REAL, conflict INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (target, run_id)
);
CREATE TABLE attempt (
    key INTEGER PRIMARY KEY, target TEXT NOT NULL, run_id TEXT NOT NULL,
    began REAL NOT NULL, stage TEXT NOT NULL, folder TEXT NOT NULL, lock TEXT NOT NULL,
    from_row INTEGER NOT NULL, ended REAL
);
CREATE INDEX attempt_run ON attempt(target, run_id);
CREATE TABLE sent (
    target TEXT NOT NULL, run_id TEXT NOT NULL, remote_id TEXT NOT NULL,
    kind TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (target, run_id, remote_id, kind, name)
);
"""


@dataclass
class Confirmed:
    """What one remote last confirmed for one run."""

    target: str
    run_id: str
    entity: str
    project: str
    remote_id: str
    rows: int = 0
    last_step: int | None = None
    system_rows: int = 0
    console_lines: int = 0
    system_points: int = 0
    alerts: int = 0
    marks: dict[str, tuple[int, int]] = field(default_factory=dict)
    fingerprint: str = ""
    state: str = ""
    verified: float | None = None
    error: str | None = None
    error_at: float | None = None
    conflict: bool = False


@dataclass(frozen=True)
class Attempt:
    """An upload that began and was never seen to end."""

    key: int
    run_id: str
    stage: str
    folder: str
    lock: str
    began: float


_FIELDS = (
    "target, run_id, entity, project, remote_id, rows, last_step, system_rows, console_lines,"
    " system_points, alerts, marks, fingerprint, state, verified, error, error_at, conflict"
)


class Ledger:
    """`sync.db` of one store.

    Args:
        looking: only to look at it; where there is none, it knows nothing and none is made.

    Raises:
        StoreTooNew: a newer trackerlite wrote it.
        StoreDamaged: it is no database; delete it, it only saves work.
    """

    def __init__(self, store: Path, *, looking: bool = False) -> None:
        self.path = store / NAME
        place = ":memory:" if looking and not self.path.exists() else self.path
        try:
            self._db = sqlite3.connect(
                place, timeout=30.0, isolation_level=None, check_same_thread=False
            )
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"{self.path} cannot be made ({error}); nothing was sent. Is the store writable?"
            ) from error
        try:
            self._db.execute("PRAGMA synchronous = FULL")
            found = self._db.execute("PRAGMA user_version").fetchone()[0]
            if found > VERSION:
                raise StoreTooNew(
                    f"{self.path} was written by a newer trackerlite. Nothing was changed; upgrade "
                    "trackerlite, or delete that file: the next sync compares everything afresh."
                )
            if found < VERSION:
                self._create()
        except sqlite3.DatabaseError as error:
            self._db.close()
            if "readonly" in str(error) or "unable to open" in str(error):
                raise StoreError(
                    f"{store} cannot be written, and sync keeps its ledger there. Nothing was sent. Make it "
                    "writable, or `trackerlite bundle` the runs and sync them from where you can write."
                ) from error
            raise StoreDamaged(
                f"{self.path} cannot be used ({error}). It only saves work: delete it, and the next "
                "sync compares everything with the server afresh."
            ) from error
        except BaseException:
            self._db.close()
            raise

    def _create(self) -> None:
        with self.transaction():
            if self._db.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                for statement in _SCHEMA.split(";"):
                    if statement.strip():
                        self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside reaches the disk at once, or none of it; may be nested.

        One wait for the disk for a batch of a hundred runs, not a hundred.
        """
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    # -- the map of projects ---------------------------------------------------------------------

    def destination(self, target: str, project: str) -> tuple[str, str] | None:
        """(entity, project) that `project` shall be sent to, "" for what was never said."""
        found = self._db.execute(
            "SELECT entity, remote FROM project WHERE target = ? AND project = ?", (target, project)
        ).fetchone()
        return (found[0], found[1]) if found else None

    def remember(self, target: str, project: str, entity: str | None, remote: str | None) -> None:
        """Note where a project goes, as far as somebody said it."""
        if entity or remote:
            before = self.destination(target, project) or ("", "")
            self._db.execute(
                "INSERT OR REPLACE INTO project VALUES (?, ?, ?, ?)",
                (target, project, entity or before[0], remote or before[1]),
            )

    # -- what was confirmed ----------------------------------------------------------------------

    def confirmed(self, target: str, run_id: str) -> Confirmed | None:
        row = self._db.execute(
            f"SELECT {_FIELDS} FROM confirmed WHERE target = ? AND run_id = ?",  # noqa: S608
            (target, run_id),
        ).fetchone()
        return _confirmed(row) if row else None

    def heard_of(self, target: str, run_id: str) -> bool:
        """Whether anything of this run was ever sent from here, as far as this file knows."""
        found = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM confirmed WHERE target = :target AND run_id = :run_id"
            " AND verified IS NOT NULL) OR EXISTS (SELECT 1 FROM attempt WHERE target = :target AND run_id = :run_id)",
            {"target": target, "run_id": run_id},
        ).fetchone()
        return bool(found[0])

    def all_confirmed(self, target: str | None = None) -> dict[str, Confirmed]:
        """By run id; of several targets the one verified last."""
        rows = self._db.execute(
            f"SELECT {_FIELDS} FROM confirmed WHERE :target IS NULL OR target = :target"  # noqa: S608
            " ORDER BY verified IS NOT NULL, verified",
            {"target": target},
        )
        return {row[1]: _confirmed(row) for row in rows}

    def confirm(self, state: Confirmed) -> None:
        """Write what a remote confirmed, whole, and close the run's attempts, in one transaction."""
        with self.transaction():
            self._db.execute(
                f"INSERT OR REPLACE INTO confirmed ({_FIELDS})"  # noqa: S608
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    state.target, state.run_id, state.entity, state.project, state.remote_id,
                    state.rows, state.last_step, state.system_rows, state.console_lines,
                    state.system_points, state.alerts, json.dumps(state.marks), state.fingerprint,
                    state.state, state.verified, state.error, state.error_at, int(state.conflict),
                ),
            )  # fmt: skip
            self._db.execute(
                "UPDATE attempt SET ended = ? WHERE target = ? AND run_id = ? AND ended IS NULL",
                (time.time(), state.target, state.run_id),
            )

    def fail(self, state: Confirmed, message: str, conflict: bool = False) -> None:
        """Note why a run is not synced; what was confirmed before stays."""
        self._db.execute(
            "INSERT INTO confirmed (target, run_id, entity, project, remote_id, error, error_at, conflict)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (target, run_id) DO UPDATE SET"
            " error = excluded.error, error_at = excluded.error_at, conflict = excluded.conflict",
            (
                state.target, state.run_id, state.entity, state.project, state.remote_id,
                message, time.time(), int(conflict),
            ),
        )  # fmt: skip

    # -- what is under way -----------------------------------------------------------------------

    def begin(self, target: str, run_id: str, folder: str, lock: str, from_row: int) -> int:
        """Note an upload before any of it is sent; returns its key."""
        cursor = self._db.execute(
            "INSERT INTO attempt (target, run_id, began, stage, folder, lock, from_row)"
            " VALUES (?, ?, ?, 'planned', ?, ?, ?)",
            (target, run_id, time.time(), folder, lock, from_row),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def stage(self, attempts: Iterable[int], stage: str) -> None:
        with self.transaction():
            self._db.executemany(
                "UPDATE attempt SET stage = ? WHERE key = ?", [(stage, key) for key in attempts]
            )

    def end(self, attempts: Iterable[int]) -> None:
        now = time.time()
        with self.transaction():
            self._db.executemany(
                "UPDATE attempt SET ended = ? WHERE key = ?", [(now, key) for key in attempts]
            )

    def open_attempts(self, target: str | None = None, run_id: str | None = None) -> list[Attempt]:
        """Uploads that were never seen to end: their process died."""
        rows = self._db.execute(
            "SELECT key, run_id, stage, folder, lock, began FROM attempt WHERE ended IS NULL"
            " AND (:target IS NULL OR target = :target) AND (:run_id IS NULL OR run_id = :run_id)",
            {"target": target, "run_id": run_id},
        )
        return [Attempt(*row) for row in rows]

    # -- files and artifacts that were seen there --------------------------------------------------

    def sent(self, target: str, run_id: str, remote_id: str, kind: str) -> dict[str, str]:
        """name -> digest of what was seen at the remote."""
        return dict(
            self._db.execute(
                "SELECT name, digest FROM sent WHERE target = ? AND run_id = ? AND remote_id = ?"
                " AND kind = ?",
                (target, run_id, remote_id, kind),
            )
        )

    def digests(self, target: str, prefix: str) -> set[str]:
        """The remote's digests of artifacts whose key begins with `prefix`, whoever made them."""
        return {
            row[0]
            for row in self._db.execute(
                "SELECT digest FROM sent WHERE target = ? AND kind = 'artifact' AND substr(name, 1, ?) = ?",
                (target, len(prefix), prefix),
            )
        }

    def note_sent(
        self, target: str, run_id: str, remote_id: str, kind: str, found: Iterable[tuple[str, str]]
    ) -> None:
        rows = [(target, run_id, remote_id, kind, name, digest) for name, digest in found]
        if not rows:
            return
        with self.transaction():
            self._db.executemany("INSERT OR REPLACE INTO sent VALUES (?, ?, ?, ?, ?, ?)", rows)


def _confirmed(row: Any) -> Confirmed:
    values = list(row)
    try:
        values[11] = {k: (int(v[0]), int(v[1])) for k, v in json.loads(values[11] or "{}").items()}
    except (ValueError, TypeError, AttributeError, IndexError):
        values[11] = {}
    values[17] = bool(values[17])
    return Confirmed(*values)
