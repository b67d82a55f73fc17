"""What a replay to a remote needs of a run besides its rows: definitions, and whether it changed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any


def definitions(connection: sqlite3.Connection, run_key: int) -> list[tuple[str, dict[str, Any]]]:
    """`define_metric` calls in order: (pattern, what was said)."""
    rows = connection.execute(
        "SELECT pattern, body FROM definition WHERE run_key = ? ORDER BY at, pattern", (run_key,)
    )
    return [(pattern, json.loads(body)) for pattern, body in rows]


def fingerprints(connection: sqlite3.Connection, run_keys: list[int]) -> dict[int, str]:
    """A short text per run that changes whenever anything about it was recorded or edited."""
    found = {key: hashlib.sha256() for key in run_keys}
    among = ",".join(str(int(key)) for key in run_keys)
    for key, path, watermark in connection.execute(
        f"SELECT run_key, path, watermark FROM journal WHERE run_key IN ({among})"  # noqa: S608 - integers
        " ORDER BY run_key, path"
    ):
        found[key].update(f"{path}\0{watermark}\0".encode())
    return {key: digest.hexdigest()[:32] for key, digest in found.items()}


def open_lanes(connection: sqlite3.Connection, run_key: int) -> dict[str, str]:
    """The writers of a run that have not said that they are done, with their latest journals.

    "" is rank 0, then rank-1, …; paths are below the store.
    """
    rows = connection.execute(
        "SELECT lane, MAX(path), closed FROM journal WHERE run_key = ? AND lane <> 'edits'"
        " GROUP BY lane",
        (run_key,),
    )
    return {lane: path for lane, path, closed in rows if not closed}


def behind(connection: sqlite3.Connection, run_key: int, store: Path) -> bool:
    """True when a journal of the run holds more than the database has taken in so far."""
    for path, watermark, dead_at in connection.execute(
        "SELECT path, watermark, dead_at FROM journal WHERE run_key = ?", (run_key,)
    ):
        try:
            size = (store / path).stat().st_size
        except OSError:
            continue
        if size > watermark and size != dead_at:
            return True
    return False


def unfinished_media(connection: sqlite3.Connection, run_key: int) -> int | None:
    """The first step with a media file that is still being written: its value will be completed."""
    steps = []
    for (key,) in connection.execute(
        "SELECT key FROM series WHERE run_key = ? AND stream = 'value' AND points > 0", (run_key,)
    ).fetchall():
        (step,) = connection.execute(
            "SELECT MIN(step) FROM (SELECT step, json, MAX(key) FROM value"
            " WHERE key >= ? AND key < ? AND (mark IS NULL OR mark < 16) GROUP BY step)"
            """ WHERE json LIKE '%"path":"media/%' AND json NOT LIKE '%"sha256"%'""",
            (key << 40, (key + 1) << 40),
        ).fetchone()
        if step is not None:
            steps.append(step)
    return min(steps, default=None)


def console_size(folder: Path) -> int:
    """Bytes of console output recorded so far."""
    try:
        return (folder / "console.log").stat().st_size
    except OSError:
        return 0
