"""Which runs, in which order, in which groups: filters, sorting and columns over a reader."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from trackerlite import values
from trackerlite.readers.filters import Filter, Subject, lookup, parse_items
from trackerlite.readers.filters.evaluate import aggregate, is_number
from trackerlite.readers.filters.fields import FIELDS
from trackerlite.readers.filters.parser import Item
from trackerlite.readers.filters.syntax import Environment, FieldOf, Operand, Param, Series, Summary
from trackerlite.readers.info import RunInfo
from trackerlite.readers.reader import Reader


def select_runs(
    reader: Reader,
    filter: str | Filter | None = None,
    sort: str | None = None,
    project: str | None = None,
    *,
    trashed: bool = False,
    now: float | None = None,
) -> list[RunInfo]:
    """The runs that pass `filter`, newest first or as `sort` says.

    Args:
        filter: in the filter language, parsed or not.
        sort: fields, config keys or metrics, comma-separated; `-` before one puts the
            largest first. A run that has no such value comes last either way.
        now: Unix seconds that ages are counted from; default: the clock's.

    Raises:
        FilterError: `filter` or `sort` cannot be understood.
        FilterTimeout: a regular expression took too long.
    """
    parsed = Filter(filter) if isinstance(filter, str) else filter
    items = parse_items(sort) if sort else []
    now = time.time() if now is None else now
    runs = reader.runs(project, trashed=trashed)
    if parsed is not None and not parsed.everything:
        live = {run.key: run for run in runs if run.state in ("running", "killed", "dead")}
        passed = set(parsed.compile(now).keys(reader.connection, live))
        runs = [run for run in runs if run.key in passed]
    # Python's sort keeps the order of equals, so the least important comes first.
    for item in reversed(items):
        column = column_of(reader, runs, item.operand, now)
        runs = sorted(runs, key=lambda run: _place(column.get(run.key), item.descending))
    return runs


@dataclass(frozen=True)
class Group:
    """Runs that share the values of what they were grouped by."""

    values: tuple[Any, ...]
    label: str
    runs: tuple[RunInfo, ...]


def group_runs(
    reader: Reader, runs: Sequence[RunInfo], by: str, *, now: float | None = None
) -> list[Group]:
    """`runs` in groups of equal values, smallest value first; those without one form the last.

    Args:
        by: fields, config keys or metrics, comma-separated.

    Raises:
        FilterError: `by` cannot be understood.
    """
    now = time.time() if now is None else now
    items = parse_items(by)
    columns = [column_of(reader, runs, item.operand, now) for item in items]
    found: dict[tuple[str, ...], list[RunInfo]] = {}
    told: dict[tuple[str, ...], tuple[Any, ...]] = {}
    for run in runs:
        row = tuple(column.get(run.key) for column in columns)
        identity = tuple(_identity(value) for value in row)
        found.setdefault(identity, []).append(run)
        told.setdefault(identity, row)
    labels = {identity: _label(items, row) for identity, row in told.items()}
    shared = Counter(labels.values())
    groups = [
        Group(
            told[identity],
            # 0.1 and "0.1" are two groups: then texts are told from numbers by their quotes.
            _label(items, told[identity], quoted=shared[labels[identity]] > 1),
            tuple(members),
        )
        for identity, members in found.items()
    ]
    return sorted(groups, key=lambda group: [_place(value, False) for value in group.values])


def columns_of(
    reader: Reader, runs: Sequence[RunInfo], items: Iterable[Item], now: float | None = None
) -> list[dict[int, Any]]:
    """For each item its values by `RunInfo.key`; a run without one is left out."""
    now = time.time() if now is None else now
    return [column_of(reader, runs, item.operand, now) for item in items]


def column_of(
    reader: Reader, runs: Sequence[RunInfo], operand: Operand, now: float
) -> dict[int, Any]:
    """The values of one operand by `RunInfo.key`, read for all runs at once; no points are read."""
    keys = [run.key for run in runs]
    if isinstance(operand, FieldOf):
        return _field(reader, runs, operand.field.name, now)
    if isinstance(operand, Param):
        return _present(reader.params(keys, operand.key), operand.key)
    if isinstance(operand, Summary):
        return _present(reader.summaries(keys, operand.key), operand.key)
    if isinstance(operand, Environment):
        flat = {key: values.flatten(reader.environment(key)) for key in keys}
        return _present(flat, operand.path)
    return _metric(reader, keys, operand)


def _present(found: dict[int, dict[str, Any]], name: str) -> dict[int, Any]:
    return {key: row[name] for key, row in found.items() if row.get(name) is not None}


def _field(reader: Reader, runs: Sequence[RunInfo], name: str, now: float) -> dict[int, Any]:
    if name in ("artifact", "alert"):
        words: dict[int, list[str]] = {}
        for key, word in _artifacts(reader) if name == "artifact" else _alerts(reader):
            words.setdefault(key, []).append(word)
        return {run.key: ", ".join(words[run.key]) for run in runs if run.key in words}
    column = {run.key: lookup(FieldOf(FIELDS[name]), Subject(fields_of(run)), now) for run in runs}
    if name == "tag":
        column = {key: ", ".join(tags) or None for key, tags in column.items()}
    return {key: value for key, value in column.items() if value is not None}


def _artifacts(reader: Reader) -> Iterable[tuple[int, str]]:
    return ((artifact.run_key, artifact.name) for artifact in reader.artifacts())


def _alerts(reader: Reader) -> Iterable[tuple[int, str]]:
    return ((alert.run_key, alert.title) for alert in reader.alerts())


def _metric(reader: Reader, keys: Sequence[int], operand: Series) -> dict[int, Any]:
    column: dict[int, Any] = {}
    logged = set()
    for series in reader.series(keys, stream=operand.stream, names=[operand.key]):
        if series.lane == "":
            logged.add(series.run_key)
            value = aggregate(operand.key, operand.aggregate, series)
            if value is not None:
                column[series.run_key] = value
    if operand.plain and operand.stream == "history" and len(logged) < len(keys):
        others = reader.summaries([key for key in keys if key not in logged], operand.key)
        column |= {k: v for k, v in _present(others, operand.key).items() if is_number(v)}
    return column


def names_of(runs: Iterable[RunInfo]) -> dict[int, str]:
    """What to call each run beside the others, by `RunInfo.key`: the id joins a name that several share."""
    runs = list(runs)
    shared = Counter(run.name for run in runs)
    return {
        run.key: f"{run.name} ({run.id})"
        if shared[run.name] > 1 and run.name != run.id
        else run.name
        for run in runs
    }


def fields_of(run: RunInfo) -> dict[str, Any]:
    """The built-in fields of a run, for `Subject.fields`, without artifacts and alerts."""
    return {
        "name": run.name,
        "id": run.id,
        "project": run.project,
        "group": run.group,
        "job_type": run.job_type,
        "notes": run.notes,
        "host": run.host,
        "state": run.state,
        "tag": run.tags,
        "artifact": (),
        "alert": (),
        "duration": run.duration,
        "started": run.started,
        "ended": run.ended,
        "steps": run.steps,
        "exit_code": run.exit_code,
    }


def subjects(reader: Reader, runs: Sequence[RunInfo]) -> dict[int, Subject]:
    """Runs as plain data for `Filter.matches`, by `RunInfo.key`: many filters on one snapshot."""
    keys = [run.key for run in runs]
    params, summaries = reader.params(keys), reader.summaries(keys)
    streams: dict[str, dict[int, dict[str, Any]]] = {"history": {}, "system": {}}
    for stream, by_run in streams.items():
        for series in reader.series(keys, stream=stream):
            if series.lane == "":
                by_run.setdefault(series.run_key, {})[series.name] = series
    words: dict[str, dict[int, list[str]]] = {"artifact": {}, "alert": {}}
    for name, pairs in (("artifact", _artifacts(reader)), ("alert", _alerts(reader))):
        for key, word in pairs:
            words[name].setdefault(key, []).append(word)
    return {
        run.key: Subject(
            fields_of(run) | {name: tuple(found.get(run.key, ())) for name, found in words.items()},
            config=params.get(run.key, {}),
            summary=summaries.get(run.key, {}),
            environment=values.flatten(reader.environment(run.key)),
            history=streams["history"].get(run.key, {}),
            system=streams["system"].get(run.key, {}),
        )
        for run in runs
    }


def _place(value: Any, descending: bool) -> tuple[int, float | str]:
    """A sorting key: numbers, then texts, then the rest, then NaN, then nothing at all."""
    if value is None:
        return (4, 0.0)
    if is_number(value) or isinstance(value, bool):
        number = float(value) if abs(value) < 1e308 else math.copysign(math.inf, value)
        if math.isnan(number):
            return (3, 0.0)
        return (0, -number if descending else number)
    text = value if isinstance(value, str) else values.dumps(value)
    rank = 1 if isinstance(value, str) else 2
    folded = text.casefold()
    if not descending:
        return (rank, folded)
    # Texts turn round by turning every character round, a shorter one behind its extensions.
    return (rank, "".join(chr(0x10FFFF - ord(c)) for c in folded) + "\U0010ffff")


def _identity(value: Any) -> str:
    """Equal for values that make one group: 1 and 1.0 do; 1, true and "1" do not."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        value = float(value)
    return values.dumps(value)


def _label(items: Sequence[Item], row: Sequence[Any], quoted: bool = False) -> str:
    return ", ".join(
        f"{item.text}={value if isinstance(value, str) and not quoted else values.dumps(value)}"
        if value is not None
        else f"no {item.text}"
        for item, value in zip(items, row, strict=True)
    )
