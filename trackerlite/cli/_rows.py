"""Points of several series as rows: what was logged together, and at the same step, together."""

from __future__ import annotations

import heapq
import math
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trackerlite.readers import Points, Reader, SeriesInfo


class Row(NamedTuple):
    """Values logged at one step, one after another; a later value of a key replaces an earlier."""

    step: int
    time: float
    values: dict[str, Any]


def as_dict(row: Row) -> dict[str, Any]:
    """A row as one JSON object: the keys of its metrics, which may be called step or time, and
    two that no metric has, named as W&B and `export` name them."""
    return {"_step": row.step, "_timestamp": row.time, **row.values}


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether `name` equals or, with `*?[]`, matches one of `patterns`; anything does if none."""
    return not patterns or any(name == p or fnmatchcase(name, p) for p in patterns)


def chosen(series: SeriesInfo, patterns: Sequence[str]) -> bool:
    """Whether `patterns` ask for `series`, by its name or as it is labelled (`loss [rank 1]`)."""
    return matches(series.name, patterns) or label(series) in patterns


def label(series: SeriesInfo) -> str:
    """A series' name, with its rank where that is not 0."""
    return f"{series.name} [rank {series.rank}]" if series.rank else series.name


def points_of(
    reader: Reader, series: SeriesInfo, points: Points
) -> Iterator[tuple[float, int, str, Any]]:
    """(time, step, label, value) of each of some `points` of a series, as Python numbers."""
    from trackerlite.readers.exact import exact_values

    name, values = label(series), exact_values(reader, series.key, points).tolist()
    for time, step, value in zip(points.time.tolist(), points.step.tolist(), values, strict=True):
        yield time, step, name, value


def last_starts(reader: Reader, series: Sequence[SeriesInfo], count: int) -> dict[int, int]:
    """For each series, by its key, the index from which on all of the last `count` rows is read.

    As many points of each are enough as a rule: a row takes one of a series, or none. More are
    where a key was logged several times at a step, or a rewind hid some.
    """
    reach = count + 1
    while True:
        starts = {one.key: max(0, one.total - reach) for one in series}
        streams, complete_after = [], -math.inf
        for one in series:
            points = reader.points(one.key, starts[one.key])
            if starts[one.key]:
                complete_after = max(complete_after, points.time[0] if len(points) else math.inf)
            streams.append(points_of(reader, one, points))
        found = sum(row.time > complete_after for row in rows(streams))
        if found >= count or not any(starts.values()):
            return starts
        reach *= 4


def rows(streams: Iterable[Iterable[tuple[float, int, str, Any]]]) -> Iterator[Row]:
    """Rows from streams of (time, step, name, value), each in the order of recording.

    Neighbours in time with the same step become one row, as W&B merges them. A step
    that comes back later is a row of its own: nothing is dropped.
    """
    current: Row | None = None
    for time, step, name, value in heapq.merge(*streams, key=lambda item: item[0]):
        if current is None or current.step != step:
            if current is not None:
                yield current
            current = Row(step, time, {})
        current.values[name] = value
    if current is not None:
        yield current
