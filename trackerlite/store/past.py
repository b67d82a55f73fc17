"""What a run that is continued already knows, read from the store."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from trackerlite import values
from trackerlite.errors import StoreError
from trackerlite.store import connect, summary
from trackerlite.store.filesystem import database_path
from trackerlite.store.projector import Projector


class Past(NamedTuple):
    """A run up to now.

    Attributes:
        step: the step its next `log` gets.
        config: nested, as it was given.
        summary: last values, and what was set by hand.
    """

    step: int = 0
    started: float | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    config: dict[str, Any] = {}  # noqa: RUF012 - never changed in place
    summary: dict[str, Any] = {}  # noqa: RUF012
    notes: str | None = None
    group: str | None = None
    job_type: str | None = None


def read(store: Path, folder: Path, lane: str = "") -> Past:
    """The past of the run in `folder`, whose journals are projected first.

    `lane`: that of a rank, whose steps are its own.

    Raises:
        StoreError, OSError: the store cannot be read now.
    """
    try:
        return _projected(store, folder, lane)
    except sqlite3.Error as error:
        raise StoreError(str(error)) from error


def _projected(store: Path, folder: Path, lane: str) -> Past:
    projector = Projector(store)
    try:
        projector.project_run(folder, timeout=5.0)
    finally:
        projector.close()
    connection = connect.open_reader(database_path(store))
    try:
        return _read(connection, folder.relative_to(store).as_posix(), lane)
    finally:
        connection.close()


def _read(connection: sqlite3.Connection, folder: str, lane: str) -> Past:
    row = connection.execute(
        "SELECT key, last_step, started, name, notes, run_group, job_type FROM run WHERE folder=?",
        (folder,),
    ).fetchone()
    if row is None:
        return Past()
    key, last_step, started, name, notes, group, job_type = row
    if lane:
        [last_step] = connection.execute(
            "SELECT MAX(max_step) FROM series WHERE run_key=? AND lane=? AND stream <> 'system'",
            (key, lane),
        ).fetchone()
    tags = connection.execute(
        "SELECT tag FROM tag WHERE run_key=? AND present=1 ORDER BY at, tag", (key,)
    )
    params = connection.execute("SELECT key, json FROM param WHERE run_key=?", (key,))
    return Past(
        step=0 if last_step is None else last_step + 1,
        started=started,
        name=name,
        tags=tuple(tag for (tag,) in tags),
        config=values.nest({param: json.loads(text) for param, text in params}),
        summary=summary.read(connection, [key])[key],
        notes=notes,
        group=group,
        job_type=job_type,
    )
