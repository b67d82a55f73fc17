"""Rows in order: one per step, merged as W&B merges them, whatever order they were logged in."""

from __future__ import annotations

import math
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trackerlite as tl
from trackerlite.readers import Reader, history_rows
from trackerlite.readers.history_rows import HistoryRows
from trackerlite.readers.series_points import OutOfOrder

Calls = list[tuple[int, dict[str, Any]]]
numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.integers(-(2**63), 2**63 - 1), st.just(-0.0)
)
calls = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.dictionaries(st.sampled_from("abc"), numbers, min_size=1, max_size=3),
    ),
    max_size=40,
)


def logged(store: Path, some: Calls, **options: Any) -> str:
    with tl.init(project="p", dir=store, **options) as run:
        for step, values in some:
            run.log(values, step=step)
    return str(run.id)


def merged(some: Calls) -> list[tuple[int, dict[str, Any]]]:
    """The oracle: a dict of dicts."""
    rows: dict[int, dict[str, Any]] = {}
    for step, values in some:
        rows.setdefault(step, {}).update(values)
    return sorted(rows.items())


def read(rows: HistoryRows, **bounds: Any) -> list[tuple[int, dict[str, Any]]]:
    while True:
        try:
            return [(row.step, row.values) for row in rows.iterate(**bounds)]
        except OutOfOrder:
            continue


def same(ours: Any, theirs: Any) -> bool:
    """Equal to the bit: NaN is NaN, -0.0 is not 0.0, 1 is not 1.0."""
    return repr(ours) == repr(theirs)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(some=calls, chunk=st.integers(1, 7))
def test_any_order_of_steps_gives_the_merged_rows(
    some: Calls, chunk: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Repeated and returning steps, any number, chunks of any size: equal to a dict of dicts."""
    store = tmp_path_factory.mktemp("store")
    logged(store, some)
    with Reader.open(store) as reader:
        rows = HistoryRows(reader.connection, reader.runs()[0].key)
        rows._chunk = chunk
        got = [(s, dict(sorted(v.items()))) for s, v in read(rows)]
        assert same(got, [(s, dict(sorted(v.items()))) for s, v in merged(some)])
        assert rows.tally() == (len(got), got[-1][0] if got else None)
        assert rows.tally(5)[0] == sum(step <= 5 for step, _ in got)


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[], HistoryRows]:
    readers = []

    def go() -> HistoryRows:
        reader = Reader.open(tmp_path)
        readers.append(reader)
        return HistoryRows(reader.connection, reader.runs()[0].key)

    return go


def test_marks_read_on_where_a_pass_ended(
    tmp_path: Path, opened: Callable[[], HistoryRows]
) -> None:
    """What was logged since the marks is read, and nothing else; late steps are counted."""
    run = logged(tmp_path, [(i, {"a": float(i)}) for i in range(100)])
    rows = opened()
    assert len(read(rows)) == 100
    marks = rows.marks()
    logged(tmp_path, [(100, {"a": 1.0, "b": 2.0}), (101, {"b": 3.0})], id=run, resume="must")
    rows = opened()
    assert rows.visible_before(marks)
    assert read(rows, after=99, start=marks) == [(100, {"a": 1.0, "b": 2.0}), (101, {"b": 3.0})]
    assert rows.late == 0
    logged(tmp_path, [(50, {"c": 1.0}), (102, {"b": 4.0})], id=run, resume="must")
    rows = opened()
    assert [step for step, _ in read(rows, after=99, start=marks)] == [100, 101, 102]
    assert rows.late == 1


def test_marks_know_of_a_rewind(tmp_path: Path, opened: Callable[[], HistoryRows]) -> None:
    """After points behind the marks were rewound, the marks are not trusted."""
    run = logged(tmp_path, [(i, {"a": float(i)}) for i in range(100)])
    rows = opened()
    read(rows)
    marks = rows.marks()
    with tl.init(project="p", dir=tmp_path, resume_from=f"{run}?_step=49") as again:
        again.log({"a": 7.0}, step=50)
    rows = opened()
    assert not rows.visible_before(marks)
    assert read(rows)[49:] == [(49, {"a": 49.0}), (50, {"a": 7.0})]


def test_a_limit_ends_where_marks_can_go_on(
    tmp_path: Path, opened: Callable[[], HistoryRows]
) -> None:
    """A pass in pieces gives the same rows as one pass."""
    logged(tmp_path, [(i, {"a": float(i), **({"b": 1.0} if i % 3 else {})}) for i in range(500)])
    rows = opened()
    rows._chunk = 40
    pieces: list[Any] = []
    marks, after = None, None
    while True:
        part = list(rows.iterate(after=after, start=marks, limit=100))
        pieces += part
        marks, after = rows.marks(), part[-1].step
        if not rows.more:
            break
    assert [r.step for r in pieces] == list(range(500))


def test_rows_take_the_time_of_their_latest_call(
    tmp_path: Path, opened: Callable[[], HistoryRows]
) -> None:
    """A merged row's time is that of the last call in it."""
    logged(tmp_path, [(0, {"a": 1.0}), (0, {"b": 2.0}), (1, {"a": 2.0})])
    rows = list(opened().iterate())
    assert rows[0].time <= rows[1].time
    assert set(rows[0].values) == {"a", "b"}


def test_memory_stays_bounded(
    tmp_path: Path, opened: Callable[[], HistoryRows], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading 20,000 rows out of order holds a small part of them at any moment."""
    steps = list(range(20_000))
    random.Random(7).shuffle(steps)
    logged(tmp_path, [(step, {"a": math.pi * step}) for step in steps])
    monkeypatch.setattr(history_rows, "BUDGET", 2_000)
    rows = opened()
    rows._columns[0].points.sorted = True
    with pytest.raises(OutOfOrder):
        list(rows.iterate())
    tracemalloc.start()
    assert sum(1 for _ in rows.iterate()) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000
