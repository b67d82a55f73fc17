"""One condition, `operand operator value`, checked and turned into its node."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import cast

from trackerlite.readers.filters import literals
from trackerlite.readers.filters.fields import FIELDS, Field, Type
from trackerlite.readers.filters.patterns import Contains, Exact, Regex, TextTest, Whole, Wildcard
from trackerlite.readers.filters.problems import FilterError
from trackerlite.readers.filters.syntax import (
    Between,
    Compare,
    Expression,
    FieldOf,
    Has,
    Not,
    Operand,
    Operator,
    Ordering,
    Series,
    TextIs,
    ValueIs,
)
from trackerlite.readers.filters.tokens import Token

_CONSTANTS = {"true": "true", "false": "false", "null": "null", "none": "null"}


@dataclass(frozen=True)
class Written:
    """The right-hand side as it stands in the filter."""

    text: str
    quoted: bool
    regex: Regex | None
    filter: str
    token: Token
    key: Token

    def error(self, reason: str) -> FilterError:
        """An error that points at the value."""
        return FilterError(reason, self.filter, self.token.start, self.token.end)

    @property
    def anything(self) -> bool:
        """Whether it is a lone `*`."""
        return self.text == "*" and not self.quoted and self.regex is None

    @property
    def number(self) -> int | float | None:
        """It as a number, where it is one."""
        return None if self.quoted or self.regex else literals.number(self.text)

    def test(self, operator: str, whole: bool) -> TextTest:
        """How it judges a text: to the letter for `=`, as a person means it for `:`."""
        if self.regex is not None:
            return self.regex
        if operator != ":":
            return Exact(self.text)
        folded = self.text.casefold()
        if "*" in folded and not self.quoted:
            return Wildcard(folded)
        return Whole(folded) if whole else Contains(folded)


def has(operand: Operand) -> Expression:
    """The run has `operand`; `has:name` and the like, that every run has, included."""
    return Has(operand)


def condition(operand: Operand, operator: str, written: Written) -> Expression:
    """The node for `operand operator written`.

    Raises:
        FilterError: the three do not go together.
    """
    if operator == ":" and written.anything:
        return has(operand)
    if isinstance(operand, FieldOf):
        return _FIELD_RULES[operand.field.type](operand.field, operator, written)
    if isinstance(operand, Series):
        return _series(operand, operator, written)
    number = written.number
    if operator in ("<", "<=", ">", ">="):
        if number is None:
            raise written.error(
                f"{operator} compares numbers, and {written.token.text} is not one."
            )
        return ValueIs(operand, cast(Operator, operator), number, None, None)
    constant = None if written.quoted or written.regex else _CONSTANTS.get(written.text.lower())
    return ValueIs(
        operand, cast(Operator, operator), number, constant, written.test(operator, whole=False)
    )


def _series(operand: Series, operator: str, written: Written) -> Expression:
    number = written.number
    if number is None:
        raise written.error(_not_a_number(operand, written))
    return Compare(operand, _ordering(operator), number)


def _not_a_number(operand: Series, written: Written) -> str:
    key = written.key.text
    if not operand.plain or written.key.quoted:
        return "A metric is compared with a number."
    near = difflib.get_close_matches(key.lower(), list(FIELDS), n=1, cutoff=0.7)
    if near:
        return f"There is no field called {key}; did you mean {near[0]}?"
    return (
        f"{key} is not a field of runs, and a metric is compared with a number. "
        f"For text that a run recorded, write config.{key} or summary.{key}."
    )


def _ordering(operator: str) -> Ordering:
    return cast(Ordering, "=" if operator == ":" else operator)


def _text(field: Field, operator: str, written: Written) -> Expression:
    if operator in ("<", "<=", ">", ">="):
        raise written.error(f"{field.name} is text; use : or = with it.")
    test = written.test(operator, field.whole)
    if field.choices and not isinstance(test, (Regex, Wildcard)):
        word = written.text.casefold()
        if word not in field.choices:
            near = difflib.get_close_matches(word, field.choices, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise written.error(f"{field.name} is one of {', '.join(field.choices)}.{hint}")
        test = Exact(word)
    return TextIs(field, test, negated=operator == "!=")


def _set(field: Field, operator: str, written: Written) -> Expression:
    if operator in ("<", "<=", ">", ">="):
        raise written.error(f"{field.name} is a word; use : or = with it.")
    node = TextIs(field, written.test(operator, field.whole))
    return Not(node) if operator == "!=" else node


def _number(field: Field, operator: str, written: Written) -> Expression:
    number = written.number
    if number is None:
        raise written.error(f"{field.name} is a number.")
    return Compare(FieldOf(field), _ordering(operator), number)


def _duration(field: Field, operator: str, written: Written) -> Expression:
    seconds = None if written.quoted or written.regex else literals.duration(written.text)
    if seconds is None:
        raise written.error(
            f"{field.name} is compared with a time such as 90s, 5m, 2h, 3d, 1w or 1h30m."
        )
    if operator in (":", "=", "!="):
        raise written.error(
            f"{field.name} is never exactly that; write {field.name}<{written.text} or >."
        )
    return Compare(FieldOf(field), _ordering(operator), seconds)


def _moment(field: Field, operator: str, written: Written) -> Expression:
    span = None if written.regex else literals.moment(written.text)
    if span is None:
        raise written.error(
            f"{field.name} is compared with a date such as 2026-02-03 or 2026-02-03T10:30."
        )
    start, stop = span
    if operator == "<":
        return Between(field, None, start)
    if operator == "<=":
        return Between(field, None, stop)
    if operator == ">":
        return Between(field, stop, None)
    if operator == ">=":
        return Between(field, start, None)
    return Between(field, start, stop, negated=operator == "!=")


_FIELD_RULES = {
    Type.TEXT: _text,
    Type.SET: _set,
    Type.NUMBER: _number,
    Type.DURATION: _duration,
    Type.MOMENT: _moment,
}
