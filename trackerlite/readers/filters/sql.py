"""From a filter's tree to SQL over the store's tables, every value of the user's bound.

The statement's text is made of the literals in this module and nothing else. What
SQL cannot judge (regular expressions, wildcards, lists) calls back through the one
function `tl_test(n, text)`. The meaning is that of `evaluate.matches`, run by run:
every condition is 0 or 1, never NULL.
"""

# This module's work is to put SQL together; that no text of a user's gets into it is
# what `bind` is for, and what tests/query holds it to with 100,000 filters.
# ruff: noqa: S608

from __future__ import annotations

import json
import math

from trackerlite.readers.direction import guess
from trackerlite.readers.filters.evaluate import compare, value_is
from trackerlite.readers.filters.fields import SEARCHED, Type
from trackerlite.readers.filters.patterns import Contains, Exact, TextTest, Whole
from trackerlite.readers.filters.query import Callback, Query, SqlValue
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
from trackerlite.values import flatten

# How each field reads in SQL; `r` is the run's row.
_COLUMNS = {
    "name": "r.name",
    "id": "r.id",
    "project": "r.project",
    "group": "r.run_group",
    "job_type": "r.job_type",
    "notes": "r.notes",
    "host": "r.host",
    "state": "tl_state(r.key, r.state)",
    "duration": "tl_duration(r.key, MAX(0, COALESCE(r.ended, r.heartbeat, r.started) - r.started))",
    "started": "r.started",
    "ended": "tl_ended(r.key, r.ended)",
    "steps": "r.last_step",
    "exit_code": "r.exit_code",
}
# A set's rows, and the column that holds the word.
_SETS = {
    "tag": ("SELECT 1 FROM tag AS t WHERE t.run_key = r.key AND t.present = 1", "t.tag"),
    "artifact": ("SELECT 1 FROM artifact AS t WHERE t.run_key = r.key", "t.name"),
    "alert": ("SELECT 1 FROM alert AS t WHERE t.run_key = r.key", "t.title"),
}
_AGGREGATES = {
    "last": "s.last",
    "first": "s.first",
    "min": "s.minimum",
    "max": "s.maximum",
    "mean": "s.total_value / NULLIF(s.finite, 0)",
    "count": "s.points",
}
# `define_metric(summary="min")` makes `loss.min` a summary value of its own.
_SUMMARIES = {
    "min": ("s.minimum", "s.summary LIKE '%\"min\"%'"),
    "max": ("s.maximum", "s.summary LIKE '%\"max\"%'"),
    "mean": (_AGGREGATES["mean"], "s.summary LIKE '%\"mean\"%'"),
    "first": ("s.first", "s.summary LIKE '%\"first\"%'"),
    "best": (
        "CASE s.goal WHEN 'max' THEN s.maximum ELSE s.minimum END",
        "s.summary LIKE '%\"best\"%'",
    ),
}
_ORDERINGS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "=": "=", ":": "=", "!=": "<>"}
_KEEPS_LAST = "(s.summary IS NULL OR s.summary LIKE '%\"last\"%')"


def compile_filter(expression: Expression, now: float) -> Query:
    """The SQL condition that `expression` stands for.

    Args:
        expression: a parsed filter.
        now: Unix seconds that ages are counted from.
    """
    compiler = _Compiler(now)
    return Query(compiler.render(expression), compiler.bound, compiler.callbacks)


class _Compiler:
    def __init__(self, now: float) -> None:
        self.now = now
        self.bound: dict[str, SqlValue] = {}
        self.callbacks: list[Callback] = []

    def bind(self, value: SqlValue) -> str:
        """A placeholder for `value`; the only way for a value to get into the statement."""
        name = f"p{len(self.bound)}"
        self.bound[name] = value
        return f":{name}"

    def call(self, function: Callback, column: str) -> str:
        self.callbacks.append(function)
        return f"tl_test({self.bind(len(self.callbacks) - 1)}, {column})"

    def render(self, node: Expression) -> str:
        if isinstance(node, (And, Or)):
            word, empty = (" AND ", "1") if isinstance(node, And) else (" OR ", "0")
            terms = [self.render(term) for term in node.terms]
            return f"({word.join(terms)})" if terms else empty
        if isinstance(node, Not):
            return f"(NOT {self.render(node.term)})"
        if isinstance(node, Search):
            texts = [f"({self.text(_COLUMNS[name], node.test)})" for name in SEARCHED]
            return f"(({' OR '.join(texts)} OR {self.member('tag', node.test)}) IS TRUE)"
        if isinstance(node, TextIs):
            return self.text_is(node)
        if isinstance(node, Between):
            return self.between(node)
        if isinstance(node, Has):
            return self.has(node.operand)
        if isinstance(node, Compare):
            return self.compare(node)
        return self.value_is(node)

    # --- texts

    def text(self, column: str, test: TextTest) -> str:
        """`test` on the text in `column`; NULL or 0 where that is NULL."""
        if isinstance(test, Exact):
            return f"{column} = {self.bind(test.text)}"
        if isinstance(test, Whole):
            return f"tl_fold({column}) = {self.bind(test.word)}"
        if isinstance(test, Contains):
            return f"instr(tl_fold({column}), {self.bind(test.needle)}) > 0"
        return self.call(test, column)

    def member(self, name: str, test: TextTest) -> str:
        rows, column = _SETS[name]
        return f"EXISTS ({rows} AND {self.text(column, test)})"

    def text_is(self, node: TextIs) -> str:
        if node.field.type is Type.SET:
            return self.member(node.field.name, node.test)
        column = _COLUMNS[node.field.name]
        passes = self.text(column, node.test)
        if node.negated:
            return f"(({column} IS NOT NULL AND NOT ({passes})) IS TRUE)"
        return f"(({passes}) IS TRUE)"

    # --- numbers and times

    def column(self, name: str) -> str:
        return f"({self.bind(self.now)} - r.started)" if name == "age" else _COLUMNS[name]

    def between(self, node: Between) -> str:
        column = self.column(node.field.name)
        bounds = []
        if node.start is not None:
            bounds.append(f"{column} >= {self.bind(node.start)}")
        if node.stop is not None:
            bounds.append(f"{column} < {self.bind(node.stop)}")
        inside = " AND ".join(bounds)
        return f"((NOT ({inside})) IS TRUE)" if node.negated else f"(({inside}) IS TRUE)"

    def compare(self, node: Compare) -> str:
        if isinstance(node.operand, FieldOf):
            column = self.column(node.operand.field.name)
            if math.isnan(node.number):  # no field is ever NaN
                return f"({column} IS NOT NULL)" if node.operator == "!=" else "0"
            return f"(({column} {_ORDERINGS[node.operator]} {self.bind(node.number)}) IS TRUE)"
        series = node.operand
        column, known = self.aggregate(series)
        logged = self.series(series.stream, series.key)
        passes = self.logged_number(column, node.operator, node.number)
        exists = f"EXISTS (SELECT 1 FROM {logged} AND {known} AND {passes})"
        if not series.plain or series.stream != "history":
            return exists
        rows = self.stored(Summary(series.key))
        given = self.judged(
            rows,
            number=self.recorded_number(node.operator, node.number),
            text="0",
            other=lambda text: compare(json.loads(text), node.operator, node.number),
        )
        return f"(CASE WHEN EXISTS (SELECT 1 FROM {logged}) THEN {exists} ELSE {given} END)"

    def series(self, stream: str, key: str) -> str:
        """`series AS s WHERE …`: the visible series of that name, of the run's main process."""
        return (
            f"series AS s WHERE s.run_key = r.key AND s.stream = {self.bind(stream)} "
            f"AND s.name = {self.bind(key)} AND s.lane = '' AND s.points > 0"
        )

    @staticmethod
    def aggregate(series: Series) -> tuple[str, str]:
        """The column of an aggregate, and the condition under which there is one."""
        if series.aggregate != "best":
            return _AGGREGATES[series.aggregate], "1"
        fallback = {"min": "'min'", "max": "'max'", None: "NULL"}[guess(series.key)]
        goal = f"(CASE WHEN s.goal IN ('min', 'max') THEN s.goal ELSE {fallback} END)"
        column = f"(CASE {goal} WHEN 'min' THEN s.minimum ELSE s.maximum END)"
        return column, f"{goal} IS NOT NULL"

    def logged_number(self, column: str, operator: str, number: int | float) -> str:
        """A metric's number against `number`; NULL in the column stands for NaN."""
        if math.isnan(number):
            return {"=": f"{column} IS NULL", "!=": f"{column} IS NOT NULL"}.get(operator, "0")
        passes = f"{column} {_ORDERINGS[operator]} {self.bind(number)}"
        return f"({column} IS NULL OR {passes})" if operator == "!=" else f"({passes}) IS TRUE"

    # --- recorded values

    def recorded_number(self, operator: str, number: int | float | None) -> str:
        """A config or summary number (NaN is none: it is kept as text) against `number`."""
        if number is None or math.isnan(number):
            return "1" if operator == "!=" else "0"
        return f"v.value {_ORDERINGS[operator]} {self.bind(number)}"

    def stored(self, operand: Param | Summary) -> str:
        """A table `v(value, json)` of a config or summary key: one row, or none."""
        key = self.bind(operand.key)
        if isinstance(operand, Param):
            return f"(SELECT value, json FROM param WHERE run_key = r.key AND key = {key}) AS v"
        # A summary shows what the script set, or what was logged after that.
        choices = [
            "SELECT value, json, at, 1 AS given FROM summary_value "
            f"WHERE run_key = r.key AND key = {key}",
            "SELECT s.last, CASE WHEN s.last IS NULL THEN 'NaN' WHEN s.last_kind IS NOT 3 "
            "THEN 'number' WHEN s.last THEN 'true' ELSE 'false' END, s.last_time, 0 "
            f"FROM {self.series('history', operand.key)} AND {_KEEPS_LAST}",
            "SELECT s.last, (SELECT json FROM value WHERE key >= s.key << 40 "
            "AND key < (s.key + 1) << 40 AND (mark IS NULL OR mark < 16) "
            "ORDER BY key DESC LIMIT 1), s.last_time, 0 "
            f"FROM {self.series('value', operand.key)} AND {_KEEPS_LAST}",
        ]
        name, _, which = operand.key.rpartition(".")
        if name and which in _SUMMARIES:
            column, kept = _SUMMARIES[which]
            choices.append(
                f"SELECT {column}, 'number', s.last_time, 0 FROM {self.series('history', name)} "
                f"AND ({column}) IS NOT NULL AND {kept}"
            )
        union = " UNION ALL ".join(choices)
        return f"(SELECT * FROM ({union}) ORDER BY at DESC, given DESC LIMIT 1) AS v"

    def judged(self, rows: str, *, number: str, text: str, other: Callback) -> str:
        """Whether there is a value and it passes, judged by what it is."""
        return (
            f"EXISTS (SELECT 1 FROM {rows} WHERE v.json IS NOT NULL AND CASE "
            "WHEN typeof(v.value) IN ('integer', 'real') AND v.json NOT IN ('true', 'false') "
            f"THEN {number} WHEN substr(v.json, 1, 1) = '\"' THEN {text} "
            f"ELSE {self.call(other, 'v.json')} END)"
        )

    def value_is(self, node: ValueIs) -> str:
        if isinstance(node.operand, Environment):
            path = node.operand.path

            def judge(text: str) -> bool:
                flat = flatten(json.loads(text))
                return path in flat and value_is(node, flat[path])

            return self.call(judge, "r.environment")
        text = "0" if node.test is None else self.text("v.value", node.test)
        return self.judged(
            self.stored(node.operand),
            number=self.recorded_number(node.operator, node.number),
            text=f"NOT ({text})" if node.operator == "!=" else text,
            other=lambda found: value_is(node, json.loads(found)),
        )

    def has(self, operand: Operand) -> str:
        if isinstance(operand, FieldOf):
            name = operand.field.name
            if operand.field.type is Type.SET:
                return f"EXISTS ({_SETS[name][0]})"
            return f"(({self.column(name)} <> '') IS TRUE)"
        if isinstance(operand, Environment):
            path = operand.path
            return self.call(lambda text: path in flatten(json.loads(text)), "r.environment")
        if isinstance(operand, Series):
            logged = f"EXISTS (SELECT 1 FROM {self.series(operand.stream, operand.key)})"
            if not operand.plain or operand.stream != "history":
                return logged
            return f"({logged} OR {self.has(Summary(operand.key))})"
        return f"EXISTS (SELECT 1 FROM {self.stored(operand)} WHERE v.json IS NOT NULL)"
