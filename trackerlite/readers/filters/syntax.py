"""A filter as a tree.

Every node is checked already: a `Compare` has a number where it needs one, a
regular expression compiles, a state exists. What walks the tree (`evaluate`, `sql`)
has nothing left to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from trackerlite.readers.filters.fields import Field
from trackerlite.readers.filters.patterns import TextTest

Ordering = Literal["<", "<=", ">", ">=", "=", "!="]
Operator = Literal["<", "<=", ">", ">=", "=", "!=", ":"]


@dataclass(frozen=True)
class FieldOf:
    """A built-in field."""

    field: Field


@dataclass(frozen=True)
class Param:
    """A config value, by its dotted key."""

    key: str


@dataclass(frozen=True)
class Summary:
    """A summary value that the script set."""

    key: str


@dataclass(frozen=True)
class Environment:
    """A value of the recorded environment, by its path (`git.commit`, `packages.torch`)."""

    path: str


@dataclass(frozen=True)
class Series:
    """One number of a metric: its last, best, min, max, first, mean or count.

    `plain` is true for a key without a function around it: the last value, and where
    the run never logged that metric, the number in its summary.
    """

    key: str
    aggregate: str = "last"
    stream: Literal["history", "system"] = "history"
    plain: bool = False


Operand = FieldOf | Param | Summary | Environment | Series


@dataclass(frozen=True)
class Search:
    """A word, phrase or regular expression in the texts of a run."""

    test: TextTest


@dataclass(frozen=True)
class TextIs:
    """A text field passes a test; `negated` is `!=`: there is a text, and it fails."""

    field: Field
    test: TextTest
    negated: bool = False


@dataclass(frozen=True)
class Compare:
    """A number of the run (field, metric) against one that was written."""

    operand: FieldOf | Series
    operator: Ordering
    number: int | float


@dataclass(frozen=True)
class ValueIs:
    """A recorded JSON value (config, summary, environment) against what was written.

    `number` is set where the text can be read as one, `constant` where it can be
    read as true, false or null; `test` judges texts.
    """

    operand: Param | Summary | Environment
    operator: Operator
    number: int | float | None
    constant: str | None
    test: TextTest | None


@dataclass(frozen=True)
class Between:
    """A time field in `[start, stop)`; None is open. `negated`: there is a time outside of it."""

    field: Field
    start: float | None
    stop: float | None
    negated: bool = False


@dataclass(frozen=True)
class Has:
    """The run has the operand at all."""

    operand: Operand


@dataclass(frozen=True)
class Not:
    """The other way round."""

    term: Expression


@dataclass(frozen=True)
class And:
    """All terms hold; none at all holds too (the empty filter)."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Or:
    """Any term holds."""

    terms: tuple[Expression, ...]


Expression = Search | TextIs | Compare | ValueIs | Between | Has | Not | And | Or


def operands_of(expression: Expression) -> Iterator[Operand]:
    """What an expression asks about, from left to right."""
    if isinstance(expression, (And, Or)):
        for term in expression.terms:
            yield from operands_of(term)
    elif isinstance(expression, Not):
        yield from operands_of(expression.term)
    elif isinstance(expression, (Compare, ValueIs, Has)):
        yield expression.operand
    elif isinstance(expression, (TextIs, Between)):
        yield FieldOf(expression.field)


def spelled(operand: Operand) -> str:
    """How a person would write `operand`."""
    if isinstance(operand, FieldOf):
        return operand.field.name
    if isinstance(operand, Param):
        return f"config.{operand.key}"
    if isinstance(operand, Summary):
        return f"summary.{operand.key}"
    if isinstance(operand, Environment):
        return f"env.{operand.path}"
    return operand.key if operand.plain else f"{operand.aggregate}({operand.key})"
