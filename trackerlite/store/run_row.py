"""The row of a run: who it is, how it is made, and how all that hangs on it is forgotten."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from trackerlite.journal.reader import JournalReader
from trackerlite.journal.scalars import Decoder
from trackerlite.store.journals import JournalFile
from trackerlite.store.states import is_of_earlier_boot

_RUN_TABLES = ("param", "summary_value", "tag", "definition", "artifact", "alert")


def identify(folder: Path, journals: list[JournalFile]) -> tuple[str, str, float | None] | None:
    """(id, project, start) as the first run record says; else as the folder is called.

    None while no journal holds more than the version every event file begins with.
    """
    first: float | None = None
    for journal in journals:
        try:
            for number, (_, payload) in enumerate(JournalReader(journal.path).read(limit=1 << 20)):
                event = Decoder().decode(payload)
                if event.record and event.record["t"] == "run":
                    record = event.record
                    return (
                        str(record["id"]),
                        str(record["project"]),
                        record.get("started", event.time),
                    )
                if number > 0 and first is None:
                    first = event.time
                if number > 50:
                    break
        except (OSError, ValueError, KeyError, RecursionError):
            continue
    return None if first is None else (folder.name, folder.parent.name, first)


def key_of(
    connection: sqlite3.Connection, name: str, identity: tuple[str, str, float | None]
) -> int:
    """The key of the run in the folder `name` (below the store), whose row is made if it is new."""
    found = connection.execute("SELECT key, run_id FROM run WHERE folder=?", (name,)).fetchone()
    if found is not None and found[1] is not None:
        return int(found[0])
    run_id, project, started = identity
    unique = run_id
    taken = "SELECT 1 FROM run WHERE run_id=? AND folder<>?"
    if connection.execute(taken, (unique, name)).fetchone():
        unique = f"{project}/{run_id}"
    if connection.execute(taken, (unique, name)).fetchone():
        unique = name  # two copies of one folder: each stays a run of its own
    row = connection.execute(
        "INSERT INTO run (folder, run_id, id, project, name, started) VALUES (?, ?, ?, ?, ?, ?) RETURNING key",
        (name, unique, run_id, project, name.rpartition("/")[2], started),
    ).fetchone()
    return int(row[0])


def was_cut_off(connection: sqlite3.Connection, run_key: int) -> bool:
    """Whether the machine was started again since the run was last heard of, running."""
    said = connection.execute("SELECT state, host, boot_id FROM run WHERE key=?", (run_key,))
    state, host, boot = said.fetchone()
    return state == "running" and is_of_earlier_boot(host, boot)


def forget(connection: sqlite3.Connection, run_key: int) -> None:
    """Remove every row of a run but its own, so that it is projected from the start."""
    rows = connection.execute("SELECT key FROM series WHERE run_key=?", (run_key,)).fetchall()
    for (key,) in rows:
        points = (key << 40, (key + 1) << 40)
        connection.execute("DELETE FROM point WHERE key >= ? AND key < ?", points)
        connection.execute("DELETE FROM value WHERE key >= ? AND key < ?", points)
        connection.execute("DELETE FROM envelope WHERE key >= ? AND key < ?", points)
    connection.execute(
        "DELETE FROM damage WHERE journal_key IN (SELECT key FROM journal WHERE run_key=?)",
        (run_key,),
    )
    for table in (*_RUN_TABLES, "series", "journal"):
        connection.execute(f"DELETE FROM {table} WHERE run_key=?", (run_key,))  # noqa: S608
    connection.execute(
        "UPDATE run SET name_at=0, notes=NULL, notes_at=0, trashed=0, trashed_at=0, state='running', "
        "exit_code=NULL, reason=NULL, ended=NULL, heartbeat=NULL, last_step=NULL, dropped=0, environment='{}' "
        "WHERE key=?",
        (run_key,),
    )
