"""`trackerlite sql`: read-only SQL over the store."""

from __future__ import annotations

import csv
import itertools
import sys
from typing import TYPE_CHECKING, Any

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._cells import width
from trackerlite.cli._human import number
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import emit, emit_rows, say
from trackerlite.cli._table import Column, print_table
from trackerlite.readers import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator


@verb(
    examples="""
    trackerlite sql
    trackerlite sql "SELECT name, duration FROM runs ORDER BY duration DESC LIMIT 5"
    trackerlite sql "SELECT key, max(value) FROM metrics GROUP BY key" --csv > best.csv
    """
)
@click.argument("statement", metavar="[SELECT]", required=False)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option(
    "--timeout", type=float, default=60.0, show_default=True, metavar="SECONDS", help="Then stop."
)
@json_option
@dir_option
def command(
    statement: str | None, as_csv: bool, timeout: float, as_json: bool, dir: str | None
) -> int:
    """Answer a SELECT over the store; alone, list the views and their columns.

    Nothing can be changed this way. The views keep their columns from version to
    version; the tables behind them may change.
    """
    from trackerlite.readers.sql import run_sql, views

    with Reader.open(dir) as reader:
        if statement is None:
            found = views(reader)
            if as_json:
                emit(found)
            else:
                print_table(
                    [Column("VIEW", style="bold"), Column("COLUMNS", shrink=20)],
                    [[view, ", ".join(columns)] for view, columns in found.items()],
                )
            return 0
        result = run_sql(reader, statement, timeout)
        if as_json:
            names = _different(result.columns)
            rows = (dict(zip(names, map(_jsonable, row), strict=True)) for row in result.rows)
            return 0 if emit_rows(rows) else NOTHING_MATCHED
        if as_csv:
            return _print_csv(result.columns, result.rows)
        return _print_table(result.columns, result.rows)


def _different(columns: list[str]) -> list[str]:
    """Names that two columns share with a number, so that JSON has both.

    >>> _different(["name", "name", "loss"])
    ['name', 'name_2', 'loss']
    """
    told: list[str] = []
    for name in columns:
        count = 1
        while (unique := name if count == 1 else f"{name}_{count}") in told:
            count += 1
        told.append(unique)
    return told


def _print_csv(columns: list[str], rows: Iterator[tuple[Any, ...]]) -> int:
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_jsonable(value) for value in row])
        count += 1
    return 0 if count else NOTHING_MATCHED


def _print_table(columns: list[str], rows: Iterator[tuple[Any, ...]]) -> int:
    found = list(rows)
    if not found:
        say("No rows.")
        return NOTHING_MATCHED
    numeric = [
        all(isinstance(row[i], (int, float, type(None))) for row in found)
        for i in range(len(columns))
    ]
    on_terminal = width() is not None
    print_table(
        [
            Column(name, right=right, shrink=0 if right else 8)
            for name, right in zip(columns, numeric, strict=True)
        ],
        [[_shown(value, on_terminal) for value in row] for row in itertools.chain(found)],
    )
    return 0


def _shown(value: Any, on_terminal: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return number(value) if on_terminal else repr(value)
    return str(_jsonable(value))


def _jsonable(value: Any) -> Any:
    return f"<{len(value):,} bytes>" if isinstance(value, bytes) else value
