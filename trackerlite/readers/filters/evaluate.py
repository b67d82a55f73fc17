"""What a filter means, in plain Python: the definition that the SQL is held against."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from trackerlite.readers.direction import better
from trackerlite.readers.filters.fields import SEARCHED, Type
from trackerlite.readers.filters.patterns import TextTest
from trackerlite.readers.filters.syntax import (
    And,
    Between,
    Compare,
    Environment,
    Expression,
    FieldOf,
    Has,
    Not,
    Operand,
    Or,
    Param,
    Search,
    Series,
    Summary,
    TextIs,
    ValueIs,
)


class Aggregates(Protocol):
    """The numbers of one series; `SeriesInfo` is one. None: no point of it is finite."""

    @property
    def count(self) -> int: ...
    @property
    def goal(self) -> str | None: ...
    @property
    def first(self) -> Any: ...
    @property
    def last(self) -> Any: ...
    @property
    def minimum(self) -> float | None: ...
    @property
    def maximum(self) -> float | None: ...
    @property
    def mean(self) -> float | None: ...


@dataclass(frozen=True)
class Subject:
    """One run as a filter sees it.

    `fields` maps the built-in names to text, numbers and Unix seconds (None: not
    there), and sets to tuples of text; `age` is worked out from `started`. The other
    mappings are flat, with dotted keys.
    """

    fields: Mapping[str, Any]
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Aggregates] = field(default_factory=dict)
    system: Mapping[str, Aggregates] = field(default_factory=dict)


_MISSING = object()
_COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(expression: Expression, subject: Subject, now: float) -> bool:
    """Whether `subject` passes; every test is true or false, a missing value fails it.

    Args:
        expression: a parsed filter.
        subject: the run.
        now: Unix seconds that ages are counted from.
    """
    if isinstance(expression, And):
        return all(matches(term, subject, now) for term in expression.terms)
    if isinstance(expression, Or):
        return any(matches(term, subject, now) for term in expression.terms)
    if isinstance(expression, Not):
        return not matches(expression.term, subject, now)
    if isinstance(expression, Search):
        texts = [subject.fields.get(name) for name in SEARCHED]
        return any(
            expression.test(text) for text in (*texts, *subject.fields["tag"]) if text is not None
        )
    if isinstance(expression, TextIs):
        return _text_is(expression, subject)
    if isinstance(expression, Between):
        return _between(expression, subject.fields.get(expression.field.name))
    if isinstance(expression, Has):
        return _has(expression.operand, subject)
    if isinstance(expression, Compare):
        return compare(
            lookup(expression.operand, subject, now), expression.operator, expression.number
        )
    return value_is(expression, _lookup(expression.operand, subject, now))


def lookup(operand: Operand, subject: Subject, now: float) -> Any:
    """The value of `operand` for this run, or None; also what sorting and columns show."""
    value = _lookup(operand, subject, now)
    return None if value is _MISSING else value


def _lookup(operand: Operand, subject: Subject, now: float) -> Any:
    if isinstance(operand, FieldOf):
        if operand.field.name == "age":
            started = subject.fields.get("started")
            return None if started is None else now - started
        return subject.fields.get(operand.field.name)
    if isinstance(operand, Param):
        return subject.config.get(operand.key, _MISSING)
    if isinstance(operand, Summary):
        return subject.summary.get(operand.key, _MISSING)
    if isinstance(operand, Environment):
        return subject.environment.get(operand.path, _MISSING)
    series = (subject.history if operand.stream == "history" else subject.system).get(operand.key)
    if series is not None:
        return aggregate(operand.key, operand.aggregate, series)
    if operand.plain and operand.stream == "history":
        value = subject.summary.get(operand.key)
        return value if is_number(value) else None
    return None


def aggregate(key: str, which: str, series: Aggregates) -> float | int | None:
    """One number of `series`; NaN where no point is finite.

    None: the best of a metric whose direction neither its definition nor its name tells.
    """
    if which == "best":
        goal = better(key, series.goal)
        if goal is None:
            return None
        which = goal
    value = getattr(series, {"min": "minimum", "max": "maximum"}.get(which, which))
    if value is None:
        return math.nan
    return int(value) if isinstance(value, bool) else value


def is_number(value: Any) -> bool:
    """Whether `value` is a number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def compare(value: Any, sign: str, number: int | float) -> bool:
    """`value sign number`; NaN equals NaN and orders with nothing, what is no number fails."""
    if not is_number(value):
        return False
    if sign in ("=", "!="):
        equal = value == number or (math.isnan(value) and math.isnan(number))
        return equal if sign == "=" else not equal
    return bool(_COMPARE[sign](value, number))


def value_is(expression: ValueIs, value: Any) -> bool:
    """Whether a recorded JSON value (`_MISSING` or None: none) passes `expression`."""
    if value is _MISSING:
        return False
    if expression.operator == "!=":
        return not _equal(value, expression)
    if expression.operator in ("=", ":"):
        return _equal(value, expression)
    assert expression.number is not None
    return compare(value, expression.operator, expression.number)


def _equal(value: Any, written: ValueIs) -> bool:
    if isinstance(value, str):
        return written.test is not None and written.test(value)
    if value is None or isinstance(value, bool):
        return written.constant == {None: "null", True: "true", False: "false"}[value]
    if is_number(value):
        return written.number is not None and compare(value, "=", written.number)
    # A list answers for any of its elements, so that `config.layers:mlp` finds ["attn", "mlp"].
    return isinstance(value, list) and any(_equal(inner, written) for inner in value)


def _text_is(expression: TextIs, subject: Subject) -> bool:
    value = subject.fields.get(expression.field.name)
    if expression.field.type is Type.SET:
        return any(expression.test(text) for text in value or ())
    if value is None:
        return False
    return _passes(expression.test, value) is not expression.negated


def _passes(test: TextTest, text: str) -> bool:
    return test(text)


def _between(expression: Between, value: float | None) -> bool:
    if value is None:
        return False
    inside = (expression.start is None or value >= expression.start) and (
        expression.stop is None or value < expression.stop
    )
    return inside is not expression.negated


def _has(operand: Operand, subject: Subject) -> bool:
    if isinstance(operand, FieldOf):
        name = "started" if operand.field.name == "age" else operand.field.name
        value = subject.fields.get(name)
        return value is not None and value not in ((), "")
    if isinstance(operand, Series):
        series = subject.history if operand.stream == "history" else subject.system
        return operand.key in series or (
            operand.plain and operand.stream == "history" and operand.key in subject.summary
        )
    return _lookup(operand, subject, 0.0) is not _MISSING
