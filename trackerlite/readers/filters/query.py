"""A compiled filter: one SQL condition, what is bound to it, and what it calls back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SqlValue = int | float | str | None
Callback = Callable[[str], bool]


@dataclass
class Query:
    """A condition on the table `run AS r`.

    `where` is made of our own text only; every value of the user's is in `bound`.
    """

    where: str
    bound: dict[str, SqlValue]
    callbacks: list[Callback] = field(default_factory=list)

    def keys(
        self, connection: sqlite3.Connection, states: Mapping[int, str] | None = None
    ) -> list[int]:
        """`run.key` of the runs that pass.

        Args:
            connection: one on the store; three functions are defined on it.
            states: states that the reader knows better than the table (killed, dead).

        Raises:
            FilterTimeout: a regular expression took too long.
        """
        raised: list[Exception] = []
        known = states or {}

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
        connection.create_function("tl_state", 2, lambda key, state: known.get(key, state))
        statement = f"SELECT r.key FROM run AS r WHERE {self.where}"  # noqa: S608
        try:
            return [key for (key,) in connection.execute(statement, self.bound).fetchall()]
        except sqlite3.OperationalError:
            if raised:
                raise raised[0] from None
            raise


def _fold(text: Any) -> Any:
    return text.casefold() if isinstance(text, str) else text
