"""The filter language: one meaning in the terminal UI, the command line and Python."""

from __future__ import annotations

import time
from collections.abc import Iterable

from trackerlite.readers.filters.evaluate import Aggregates, Subject, lookup, matches
from trackerlite.readers.filters.parser import Item, operand_named, parse, parse_items
from trackerlite.readers.filters.problems import FilterError, FilterTimeout
from trackerlite.readers.filters.query import Query
from trackerlite.readers.filters.sql import compile_filter
from trackerlite.readers.filters.syntax import And, Not, Operand, Or, Search, operands_of, spelled
from trackerlite.readers.filters.tokens import Kind, Token, tokenize

__all__ = [
    "Aggregates",
    "Filter",
    "FilterError",
    "FilterTimeout",
    "Item",
    "Kind",
    "Query",
    "Subject",
    "Token",
    "lookup",
    "operand_named",
    "parse_items",
    "tokenize",
]


class Filter:
    """A parsed filter, to be applied as often as wanted.

    >>> loss = Filter("config.lr>=1e-3 -tag:baseline")
    >>> subject = Subject({"tag": ("lora",)}, config={"lr": 0.01})
    >>> loss.matches(subject)
    True

    Raises:
        FilterError: the text is no filter; the message points at the place.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.expression, self._allowance = parse(text)

    def __repr__(self) -> str:
        """`Filter('…')`."""
        return f"Filter({self.text!r})"

    @property
    def everything(self) -> bool:
        """Whether it is the empty filter, that lets every run pass."""
        return self.expression == And(())

    def matches(self, subject: Subject, now: float | None = None) -> bool:
        """Whether one run passes, in plain Python.

        Raises:
            FilterTimeout: a regular expression took too long.
        """
        self._allowance.renew()
        return matches(self.expression, subject, time.time() if now is None else now)

    def compile(self, now: float | None = None) -> Query:
        """The filter as one SQL condition with everything bound."""
        self._allowance.renew()
        return compile_filter(self.expression, time.time() if now is None else now)

    def operands(self) -> list[Item]:
        """The metrics, config keys and fields it asks about, each once, in its order."""
        found: dict[Operand, Item] = {}
        for operand in operands_of(self.expression):
            found.setdefault(operand, Item(operand, spelled(operand)))
        return list(found.values())

    def names(self, names: Iterable[str]) -> list[str]:
        """Those of `names` (metrics, say) that pass a filter of words and regular expressions.

        Raises:
            FilterError: it asks about more than a name.
            FilterTimeout: a regular expression took too long.
        """
        self._allowance.renew()
        return [name for name in names if self._named(self.expression, name)]

    def _named(self, node: object, name: str) -> bool:
        if isinstance(node, And):
            return all(self._named(term, name) for term in node.terms)
        if isinstance(node, Or):
            return any(self._named(term, name) for term in node.terms)
        if isinstance(node, Not):
            return not self._named(node.term, name)
        if isinstance(node, Search):
            return node.test(name)
        raise FilterError(
            "Only words and /regular expressions/ can be looked for here.",
            self.text,
            0,
            len(self.text),
        )
