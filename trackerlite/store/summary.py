"""The summary of runs, parsed: the one reading of what the view `summary` shows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from trackerlite.store.numbers import number


def read(
    connection: sqlite3.Connection,
    run_keys: Iterable[int] | None = None,
    only: str | None = None,
) -> dict[int, dict[str, Any]]:
    """Last values and what was set by hand, the later of the two, by run key (default: all)."""
    run_keys = None if run_keys is None else list(run_keys)
    found: dict[int, dict[str, Any]] = {key: {} for key in run_keys or ()}
    times: dict[tuple[int, str], float] = {}
    which, bound = of(run_keys, only)
    for key, name, value, kind, at, stream in connection.execute(
        f"SELECT run_key, key, value, kind, at, stream FROM summary_entry {which}",  # noqa: S608
        bound,
    ):
        if (at or 0.0) < times.get((key, name), 0.0):
            continue  # a name may have been numbers at times and text at others
        said = parsed(value) if stream == "value" else number(value, kind)
        found.setdefault(key, {})[name] = said
        times[key, name] = at or 0.0
    for key, name, text, at in connection.execute(
        f"SELECT run_key, key, json, at FROM summary_value {which}",  # noqa: S608
        bound,
    ):
        if at < times.get((key, name), 0.0):
            continue
        if text is None:
            found.setdefault(key, {}).pop(name, None)
        else:
            found.setdefault(key, {})[name] = json.loads(text)
    return found


def among(column: str, keys: Iterable[int] | None) -> str:
    """A WHERE for some integer keys, or nothing. Only ints reach the text."""
    if keys is None:
        return ""
    return f"WHERE {column} IN ({','.join(str(int(key)) for key in keys)})"


def of(run_keys: Iterable[int] | None, key: str | None) -> tuple[str, tuple[str, ...]]:
    """A WHERE for the entries of some runs, of all keys or of one; and what it binds."""
    clause = among("run_key", run_keys)
    if key is None:
        return clause, ()
    return f"{clause} AND key = ?" if clause else "WHERE key = ?", (key,)


def parsed(value: Any) -> Any:
    """A `value` series' last, which the store keeps as SQLite would: JSON text for lists and dicts."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
