"""The database made anew from the journals, and held against the one that is there."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from trackerlite.errors import StoreDamaged, StoreError, StoreNotFound, StoreTooNew
from trackerlite.store import connect, schema
from trackerlite.store.behind import bury, project_behind
from trackerlite.store.journals import run_folders
from trackerlite.store.lock import store_lock
from trackerlite.store.projector import Projector

_PREFIX = ".rebuilding-"


def rebuild(store: Path, database: Path, *, keep_old: bool = False) -> int:
    """Replace `database` by one made from the journals alone; return the number of runs.

    Args:
        keep_old: move the old one aside instead of removing it: where journals are
            damaged, it may still hold rows that they have lost.

    The new one is made beside the old and takes its place whole. Killed at any moment,
    the store has the old database, the new one, or none, which comes back by itself.

    Raises:
        StoreError: there is no room for it, or no right to write it.
        StoreTooNew: a newer trackerlite wrote the old one; nothing was changed.
    """
    _refuse_newer(database)
    clean(database)
    made = database.with_name(f"{database.name}{_PREFIX}{os.getpid()}")
    try:
        count = project_into(store, made)
    except (sqlite3.OperationalError, OSError) as error:
        clean(database)
        raise StoreError(
            f"The database could not be made anew ({error}); the one that is there was left alone. "
            "The runs are safe in their journals."
        ) from error
    with store_lock(database.parent, timeout=30.0):
        # The old file goes first: SQLite discards a log whose database is gone, but
        # would replay it into another that stands in its place.
        aside = f"{database}.before-repair-{time.strftime('%Y%m%d-%H%M%S')}"
        for suffix in ("", "-wal", "-shm"):
            old = Path(f"{database}{suffix}")
            if keep_old and old.exists():
                old.replace(f"{aside}{suffix}")
            else:
                old.unlink(missing_ok=True)
        made.replace(database)
    return count


def _refuse_newer(database: Path) -> None:
    try:
        connect.open_reader(database).close()
    except StoreTooNew:
        raise
    except (StoreError, sqlite3.Error):
        pass  # not there, or damaged: that is what a rebuild is for


def project_into(store: Path, database: Path) -> int:
    """Project every journal of `store` into a database of its own; return the number of runs."""
    projector = Projector(store, database)
    try:
        count = 0
        for count, folder in enumerate(run_folders(store), start=1):  # noqa: B007
            projector.project_run(folder, timeout=30.0)
        bury(store, database)
    finally:
        projector.close()
    return count


def clean(database: Path) -> None:
    """Remove what a killed rebuild left behind."""
    for path in database.parent.glob(f"{database.name}{_PREFIX}*"):
        path.unlink(missing_ok=True)


def check(store: Path, database: Path) -> str | None:
    """What is wrong with the database file, or None; a sound one is brought up to date."""
    try:
        wrong = _check_file(database)
        if wrong is None:
            project_behind(store, timeout=10.0)
        return wrong
    except StoreNotFound:
        return "it is missing"
    except (StoreDamaged, sqlite3.DatabaseError) as error:
        return str(error)


def _check_file(database: Path) -> str | None:
    connection = connect.open_reader(database)
    try:
        found = connection.execute("PRAGMA integrity_check(5)").fetchall()
    finally:
        connection.close()
    return None if found == [("ok",)] else "; ".join(str(row[0]) for row in found)


def differences(database: Path, fresh: Path, skip: set[str]) -> Iterator[str]:
    """Where the views of two databases show different rows, a sentence each.

    Args:
        skip: folders of runs that are being written and so differ while we look.
    """
    there, made = connect.open_reader(database), connect.open_reader(fresh)
    try:
        old, new = _runs(there), _runs(made)
        for folder in sorted({*old, *new} - skip):
            if folder not in old:
                yield f"{folder}: in the journals, not in the database"
            elif folder not in new:
                yield f"{folder}: in the database, not in the journals"
            else:
                yield from _run_differences(there, made, folder, old[folder], new[folder])
    finally:
        there.close()
        made.close()


def _runs(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT folder, run_id FROM run WHERE run_id IS NOT NULL"))


def _run_differences(
    there: sqlite3.Connection, made: sqlite3.Connection, folder: str, old: str, new: str
) -> Iterator[str]:
    for view in schema.VIEW_NAMES:
        for number, (a, b) in enumerate(
            zip_longest(_rows(there, view, old), _rows(made, view, new))
        ):
            if a != b:
                yield f"{folder}: the view {view} differs at row {number}: {a} is recorded as {b}"
                break


def _rows(connection: sqlite3.Connection, view: str, run_id: str) -> Iterator[tuple[Any, ...]]:
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({view})")]
    columns = ", ".join(f'"{name}"' for name in names[1:])
    order = ", ".join(str(n) for n in range(1, len(names)))
    yield from connection.execute(
        f"SELECT {columns} FROM {view} WHERE run_id = ? ORDER BY {order}",  # noqa: S608
        (run_id,),
    )
