"""Connections: one kind that writes, under the lock; one kind that only reads."""

from __future__ import annotations

import ctypes
import os
import sqlite3
import weakref
from pathlib import Path
from urllib.parse import quote

from trackerlite.errors import StoreDamaged, StoreError, StoreNotFound
from trackerlite.store import schema

SQLITE = sqlite3.sqlite_version
#: SQLite before 3.51.3 can corrupt when two connections write or checkpoint at the same
#: instant; every write is under one lock because of it.
HAS_WAL_RACE = sqlite3.sqlite_version_info < (3, 51, 3)

# A connection carried into a forked child must be neither used nor closed there:
# closing it could checkpoint under the parent's feet.
_open: weakref.WeakSet[Connection] = weakref.WeakSet()


class Connection(sqlite3.Connection):
    """A connection that can be weakly referenced."""

    immutable = False  # it takes the file for one that nobody changes, and sees no change


def open_writer(path: Path) -> Connection:
    """A connection that may write; the schema is made or migrated first.

    The caller holds the store's lock here, around every transaction, and when closing.

    Raises:
        StoreTooNew: a newer trackerlite wrote the database.
        sqlite3.DatabaseError: it is no database, locked, or damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _create(path)
    connection = sqlite3.connect(
        path, timeout=1.0, isolation_level=None, check_same_thread=False, factory=Connection
    )
    try:
        schema.check(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        connection.execute("PRAGMA cache_size = -4096")
        schema.bring_up_to_date(connection, path)
    except BaseException:
        connection.close()
        raise
    _open.add(connection)
    return connection


def _create(path: Path) -> None:
    """Make an empty file with the rights that the umask leaves: SQLite itself gives a group none to write.

    One that is there is not touched: to close it would drop the locks of our other connections.
    A log beside none is that of a database that was deleted, and not to be read into this one.
    """
    if not path.exists():
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    except OSError:
        pass  # it is there, or SQLite says why it cannot be


def open_reader(path: Path) -> Connection:
    """A connection that cannot write, nor checkpoint.

    Raises:
        StoreNotFound: there is no database.
        StoreTooNew: a newer trackerlite wrote it.
        StoreDamaged: it is no database, or damaged.
    """
    if not path.is_file():
        raise StoreNotFound(f"There is no database at {path}.")
    name = quote(str(path))
    try:
        connection = _connect_ro(f"file:{name}?mode=ro", path)
    except sqlite3.OperationalError as error:
        # A cleanly closed WAL database in a folder we cannot write, or on a full disk: nobody
        # changes it while nothing is in a -wal beside it, so it may be read as it is.
        refused = "unable to open" in str(error) or "readonly" in str(error)
        full = "disk I/O" in str(error) or "disk is full" in str(error)
        wal = written(Path(f"{path}-wal"))
        unchanging = wal is None or (full and wal[1] == 0)
        if not (unchanging and (refused or full)):
            raise StoreDamaged(
                f"The database {path} cannot be opened ({error}). The runs are safe in their journals; "
                "`trackerlite doctor` tells more."
            ) from error
        connection = _connect_ro(f"file:{name}?immutable=1", path)
        connection.immutable = True
    _open.add(connection)
    return connection


def _connect_ro(uri: str, path: Path) -> Connection:
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=5.0,
        isolation_level=None,
        check_same_thread=False,
        factory=Connection,
    )
    try:
        schema.check(connection, path)
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA cache_size = -16384")
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError as error:
        connection.close()
        raise damaged(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def unreadable(path: Path, error: sqlite3.Error) -> StoreError:
    """What to raise for an error of SQLite's that is nobody's wrong SQL."""
    if is_corrupt(error):
        return damaged(path, error)
    return StoreError(
        f"The database {path} could not be read just now ({error}). The runs are safe in their journals: "
        "try again, and if it stays so, `trackerlite doctor --repair` makes it anew."
    )


def damaged(path: Path, error: sqlite3.Error) -> StoreDamaged:
    """What to raise for a database that SQLite cannot make sense of."""
    return StoreDamaged(
        f"{path} is damaged or no database ({error}). The runs are safe in their journals: "
        "`trackerlite doctor --repair` rebuilds it from them."
    )


def identity(path: Path) -> tuple[int, int] | None:
    """What tells the file at `path` from one that took its place; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def written(path: Path) -> tuple[int, int] | None:
    """What changes when the file at `path` is written; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def is_corrupt(error: sqlite3.Error) -> bool:
    """Whether SQLite says the file is damaged or no database (not that we misused it)."""
    if "Could not decode to UTF-8" in str(error):  # all that we write can be decoded
        return True
    code = getattr(error, "sqlite_errorcode", None)  # Python ≥ 3.11
    if code is not None:
        return code & 0xFF in (11, 26)  # SQLITE_CORRUPT, SQLITE_NOTADB
    return "malformed" in str(error) or "not a database" in str(error)


def _after_fork() -> None:
    for connection in list(_open):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))  # never finalised in the child
    _open.clear()


os.register_at_fork(after_in_child=_after_fork)
