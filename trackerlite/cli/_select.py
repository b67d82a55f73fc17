"""Columns of a listing that are asked for by name: fields, config keys, metrics, curves."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trackerlite.cli import _human
from trackerlite.cli._runs import STATE_STYLES
from trackerlite.cli._table import Column
from trackerlite.readers.filters import Filter, Item, parse_items
from trackerlite.readers.filters.fields import Type
from trackerlite.readers.filters.syntax import FieldOf
from trackerlite.readers.select import columns_of

if TYPE_CHECKING:
    from trackerlite.readers import Reader, RunInfo

# What the listing shows anyway.
_SHOWN = {"state", "id", "name", "project", "started", "age", "duration", "steps", "tag"}


@dataclass(frozen=True)
class Wanted:
    """Columns of a listing beside or in place of the usual ones.

    Attributes:
        items: what each column shows.
        curves: metrics to draw as sparklines.
        alone: whether these are all the columns there are.
    """

    items: tuple[Item, ...]
    curves: tuple[str, ...]
    alone: bool

    def columns(self) -> list[Column]:
        """The headings and manners of the columns."""
        return [_column(item) for item in self.items] + [
            Column(name, drop=6, style="cyan") for name in self.curves
        ]

    def read(self, reader: Reader, runs: Sequence[RunInfo], now: float) -> list[Mapping[int, Any]]:
        """Each column's values by `RunInfo.key`, as they are."""
        found: list[Mapping[int, Any]] = list(columns_of(reader, runs, self.items, now))
        if self.curves:
            from trackerlite.readers.sparkline import sparklines

            plain_only = "utf" not in (sys.stdout.encoding or "").lower()
            found += [sparklines(reader, runs, name, 12, plain_only) for name in self.curves]
        return found

    def cell(self, index: int, value: Any, now: float) -> str:
        """One value on its way to a table."""
        if value is None:
            return ""
        if index >= len(self.items):
            return str(value)
        operand = self.items[index].operand
        kind = operand.field.type if isinstance(operand, FieldOf) else None
        if kind is Type.MOMENT:
            return _human.ago(value, now)
        if kind is Type.DURATION:
            return _human.duration(value)
        if isinstance(value, float):
            return _human.number(value)
        return _human.value(value, 60)


def wanted(
    columns: str | None, curves: Sequence[str], parsed: Filter | None, sort: str | None
) -> Wanted:
    """The columns named, or the usual ones and what the filter and the sorting are about.

    Raises:
        FilterError: `columns` or `sort` cannot be understood.
    """
    if columns is not None:
        return Wanted(tuple(parse_items(columns)), tuple(curves), alone=True)
    about: list[Item] = list(parse_items(sort)) if sort else []
    about += parsed.operands() if parsed else []
    return Wanted(tuple(_unseen(about)), tuple(curves), alone=False)


def _unseen(items: Iterable[Item]) -> Iterable[Item]:
    told = set()
    for item in items:
        operand = item.operand
        if operand not in told and not (
            isinstance(operand, FieldOf) and operand.field.name in _SHOWN
        ):
            told.add(operand)
            yield item


def _column(item: Item) -> Column:
    if isinstance(item.operand, FieldOf):
        if item.operand.field.name == "state":
            return Column(item.text, style=STATE_STYLES.get)
        if item.operand.field.type in (Type.TEXT, Type.SET):
            return Column(item.text, shrink=8)
    return Column(item.text, right=True, shrink=8)
