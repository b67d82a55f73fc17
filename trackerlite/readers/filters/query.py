"""A compiled filter: one SQL condition, what is bound to it, and what it calls back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

SqlValue = int | float | str | None
Callback = Callable[[str], bool]


class Live(Protocol):
    """What a reader knows better than the table, which nobody writes once a process is gone."""

    @property
    def state(self) -> str: ...
    @property
    def ended(self) -> float | None: ...
    @property
    def duration(self) -> float | None: ...


@dataclass
class Query:
    """A condition on the table `run AS r`.

    `where` is made of our own text only; every value of the user's is in `bound`.
    """

    where: str
    bound: dict[str, SqlValue]
    callbacks: list[Callback] = field(default_factory=list)

    def keys(
        self, connection: sqlite3.Connection, live: Mapping[int, Live] | None = None
    ) -> list[int]:
        """`run.key` of the runs that pass.

        Args:
            connection: one on the store; functions called `tl_…` are defined on it.
            live: by `run.key`, the runs whose table row may be out of date; `RunInfo` will do.

        Raises:
            FilterTimeout: a regular expression took too long.
        """
        raised: list[Exception] = []
        known = live or {}

        def test(index: int, text: str | None) -> int:
            if text is None:
                return 0
            try:
                return int(self.callbacks[index](text))
            except Exception as error:  # SQLite would put a sentence of its own in its place
                raised.append(error)
                raise

        connection.create_function("tl_fold", 1, _fold, deterministic=True)
        connection.create_function("tl_test", 2, test)
        for name in ("state", "ended", "duration"):
            connection.create_function(f"tl_{name}", 2, _known(known, name))
        statement = f"SELECT r.key FROM run AS r WHERE {self.where}"  # noqa: S608
        try:
            return [key for (key,) in connection.execute(statement, self.bound).fetchall()]
        except sqlite3.OperationalError:
            if raised:
                raise raised[0] from None
            raise


def _fold(text: Any) -> Any:
    return text.casefold() if isinstance(text, str) else text


def _known(live: Mapping[int, Live], name: str) -> Callable[[int, SqlValue], SqlValue]:
    return lambda key, stored: getattr(live[key], name) if key in live else stored
