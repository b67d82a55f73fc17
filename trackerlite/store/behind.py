"""What was left behind: journals with more in them than the database, runs whose process is gone.

Whoever only looks needs no lock and waits for nobody; it is taken where there is
something to write.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trackerlite.errors import StoreDamaged, StoreNotFound
from trackerlite.journal.files import is_being_written
from trackerlite.store import connect, schema
from trackerlite.store.filesystem import database_path
from trackerlite.store.journals import changed_at, journals_of, run_folders, run_names
from trackerlite.store.states import is_of_earlier_boot

if TYPE_CHECKING:
    from trackerlite.store.projector import Projector

STALE = 5.0  # seconds after which a live writer is taken to project no more
_JOURNALS = (
    "SELECT run.folder, run.folder_changed, run.state, run.host, run.boot_id, journal.path, journal.watermark, journal.closed, "
    "journal.dead_at, journal.projected FROM run LEFT JOIN journal ON journal.run_key = run.key"
)
_RUNNING = "SELECT key, folder, host, boot_id, pid, heartbeat FROM run WHERE state = 'running'"


class _Journal(NamedTuple):
    path: str
    watermark: int
    closed: int
    dead_at: int | None
    projected: float


class _Run(NamedTuple):
    changed: int  # when a file of its folder last came or went
    cut_off: bool  # by an end of the machine: the database may have what the journal lost
    journals: list[_Journal]


def project_behind(store: Path, timeout: float = 2.0) -> int:
    """Project what nobody else is projecting; return the number of runs touched.

    Runs of living writers are left to them, unless they have fallen behind.

    Raises:
        StoreBusy, StoreTooNew, sqlite3.DatabaseError: as `Projector.project_run`.
    """
    database = database_path(store)
    known = _known(store, database)
    elsewhere = database.parent != store  # where no writer projects but readers do
    behind = [n for n in run_names(store) if _is_behind(store, n, known.get(n), elsewhere)]
    if behind:
        with _projector(store, database) as projector:
            for name in behind:
                projector.project_run(store / name, timeout=timeout)
    bury(store, database, timeout)
    return len(behind)


def bury(store: Path, database: Path, timeout: float = 2.0) -> None:
    """Mark the runs whose process is gone."""
    from trackerlite.store.states import now_gone

    gone = [
        (state, key)
        for key, *rest in _rows(store, database, _RUNNING)
        if (state := now_gone(store, *rest))
    ]
    if gone:
        with _projector(store, database) as projector:
            projector.write(
                "UPDATE run SET state=?, ended=heartbeat WHERE key=? AND state='running'",
                gone,
                timeout,
            )


def lacks(store: Path) -> bool:
    """Whether a journal holds more than the database, for one who may read but not write."""
    known = {
        str(store / journal.path): (journal.watermark, journal.dead_at)
        for run in _known(store, database_path(store)).values()
        for journal in run.journals
    }
    return any(
        journal.path.stat().st_size not in known.get(str(journal.path), ())
        for folder in run_folders(store)
        for journal in journals_of(folder)
    )


def _projector(store: Path, database: Path) -> closing[Projector]:
    from trackerlite.store.projector import Projector  # most listings need none

    return closing(Projector(store, database))


def _known(store: Path, database: Path) -> dict[str, _Run]:
    """What the database knows of each run's journals, by folder."""
    known: dict[str, _Run] = {}
    for folder, changed, state, host, boot, path, *rest in _rows(store, database, _JOURNALS):
        if folder not in known:
            cut_off = state == "running" and is_of_earlier_boot(host, boot)
            known[folder] = _Run(changed, cut_off, [])
        if path is not None:
            known[folder].journals.append(_Journal(path, *rest))
    return known


def _rows(store: Path, database: Path, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query: without the lock where the database is sound and of this schema."""
    try:
        with closing(connect.open_reader(database)) as connection:
            if schema.version(connection) == schema.VERSION:
                return connection.execute(query).fetchall()
    except StoreNotFound:
        return []
    except (StoreDamaged, sqlite3.DatabaseError):
        pass  # what is the matter, and what can be done, shows where it may be changed
    with _projector(store, database) as projector:
        return projector.read(query)


def _is_behind(store: Path, folder: str, known: _Run | None, elsewhere: bool) -> bool:
    if known is None or known.cut_off:
        return True
    if not known.changed or known.changed != changed_at(f"{store}/{folder}"):
        return True
    now = time.time()
    for journal in known.journals:
        if journal.closed and not journal.path.endswith(".tfrecord"):
            continue
        path = f"{store}/{journal.path}"
        try:
            size = os.stat(path).st_size
        except OSError:
            return True
        if size in (journal.watermark, journal.dead_at):
            continue
        if elsewhere or now - journal.projected > STALE or not is_being_written(path):
            return True
    return False
