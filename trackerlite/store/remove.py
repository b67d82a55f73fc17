"""Taking a run out of the database after its folder is gone: the one deletion there is."""

from __future__ import annotations

from pathlib import Path

from trackerlite.store.lock import store_lock
from trackerlite.store.projector import Projector
from trackerlite.store.run_row import forget


def remove_run(store: Path, folder: Path, timeout: float = 10.0) -> None:
    """Delete the rows of the run that was in `folder`.

    Raises:
        StoreBusy: the lock was not free in time; its rows are deleted by the next `gc`.
    """
    projector = Projector(store)
    try:
        with store_lock(projector.lock_folder, timeout=timeout):
            connection = projector._connect()
            connection.execute("BEGIN IMMEDIATE")
            try:
                name = folder.relative_to(store).as_posix()
                row = connection.execute("SELECT key FROM run WHERE folder=?", (name,)).fetchone()
                if row is not None:
                    forget(connection, row[0])
                    connection.execute("DELETE FROM run WHERE key=?", (row[0],))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
    finally:
        projector.close()
