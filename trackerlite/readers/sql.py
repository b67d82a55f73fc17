"""Anybody's SQL over the store, and no way to change it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trackerlite.errors import BadInput, TrackerliteError
from trackerlite.readers.reader import Reader
from trackerlite.store import connect
from trackerlite.store.schema import VIEW_NAMES

# Reading rows and columns, calling functions, and WITH RECURSIVE.
_ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_REFUSED_FUNCTIONS = {"load_extension", "writefile", "readfile", "edit", "fts3_tokenizer"}
# How often, in steps of SQLite's virtual machine, it is asked whether to go on.
_STEPS = 50_000


class SqlError(BadInput):
    """SQL that SQLite, or we, did not accept."""


class SqlTimeout(TrackerliteError):
    """An answer that took longer than it was allowed."""


@dataclass
class Result:
    """The answer to one statement: column names, and rows as they come."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


def run_sql(reader: Reader, statement: str, timeout: float = 60.0) -> Result:
    """Answer one SELECT over the store's views and tables.

    Three locks, each enough: the connection is opened read-only, SQLite's authorizer
    refuses everything that does not read, and only one statement is taken.

    Args:
        timeout: seconds after which it is interrupted, the reading of its rows included.

    Raises:
        SqlError: it is no SELECT, or is wrong. SqlTimeout: it took too long.
        StoreDamaged: the database cannot be read.
    """
    connection = connect.open_reader(reader.database)
    refused: list[str] = []

    def authorize(action: int, one: str | None, two: str | None, *_: str | None) -> int:
        if action in _ALLOWED and two not in _REFUSED_FUNCTIONS:
            return sqlite3.SQLITE_OK
        refused.append(one or "that")
        return sqlite3.SQLITE_DENY

    deadline = time.monotonic() + timeout
    connection.set_authorizer(authorize)
    connection.set_progress_handler(lambda: int(time.monotonic() > deadline), _STEPS)

    def explained(error: Exception) -> TrackerliteError:
        if refused:
            return SqlError(
                "Only reading is possible here: a SELECT, or WITH … SELECT. Nothing was changed."
            )
        if isinstance(error, sqlite3.Error) and connect.is_corrupt(error):
            return connect.damaged(reader.database, error)
        if "interrupted" in str(error):
            return SqlTimeout(f"That took longer than {timeout:g} s, so it was stopped.")
        return SqlError(
            f"SQLite says: {str(error).rstrip('.')}. `trackerlite sql` alone lists the views."
        )

    try:
        cursor = connection.execute(statement)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        connection.close()
        raise explained(error) from None
    if cursor.description is None:
        connection.close()
        raise SqlError("There is nothing to run there: write a SELECT.")

    def rows() -> Iterator[tuple[Any, ...]]:
        try:
            yield from cursor
        except sqlite3.Error as error:
            raise explained(error) from None
        finally:
            connection.close()

    return Result([column[0] for column in cursor.description], rows())


def views(reader: Reader) -> dict[str, list[str]]:
    """The views that keep their columns from version to version, and those columns."""
    return {
        view: [row[1] for row in reader.connection.execute(f"PRAGMA table_info({view})")]
        for view in VIEW_NAMES
    }
