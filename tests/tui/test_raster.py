"""The rasteriser against a plain loop, and the numbers around it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackerlite_tui.curves import braille
from trackerlite_tui.curves.line import line, thin, unfold
from trackerlite_tui.curves.raster import spans

WIDTH, HEIGHT = 24, 16
# Eighths are exact in binary, so the loop and the arrays round alike.
PLACES = st.integers(-80, 8 * WIDTH + 80).map(lambda v: v / 8)
HEIGHTS = st.one_of(
    st.integers(-40, 8 * HEIGHT + 40).map(lambda v: v / 8),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
POLYLINES = st.lists(st.tuples(PLACES, HEIGHTS), max_size=40).map(
    lambda p: sorted(p, key=lambda q: q[0])
)


def centre_rows(a: float, b: float) -> list[int]:
    """Rows whose centre lies in [a, b); the middle row when there is none."""
    low, high = min(a, b), max(a, b)
    rows = [r for r in range(-1, HEIGHT + 1) if low <= r + 0.5 < high]
    return rows or [math.floor((low + high) / 2)]


def plain(points: list[tuple[float, float]]) -> list[tuple[int, int] | None]:
    """Each column's lowest and highest row, by the rule, one segment and column at a time."""
    lit: list[set[int]] = [set() for _ in range(WIDTH)]
    before: tuple[float, float] | None = None
    for x, y in points:
        if not math.isfinite(y):
            before = None
            continue
        if 0 <= x < WIDTH and 0 <= y < HEIGHT:
            lit[math.floor(x)].add(math.floor(y))
        if before is not None:
            ax, ay = before
            for column in range(WIDTH):
                left, right = max(ax, column), min(x, column + 1)
                same = math.floor(ax) == math.floor(x) == column
                if same:
                    inside = 0 <= ay < HEIGHT and 0 <= y < HEIGHT
                    if not inside and max(ay, y) >= 0 and min(ay, y) < HEIGHT:
                        lit[column].update(centre_rows(ay, y))
                elif math.floor(ax) <= column <= math.floor(x) and ax < x:
                    if max(ay, y) < 0 or min(ay, y) >= HEIGHT:
                        continue
                    slope = (y - ay) / (x - ax)
                    lit[column].update(
                        centre_rows(ay + slope * (left - ax), ay + slope * (right - ax))
                    )
        before = (x, y)
    seen = [{r for r in rows if 0 <= r < HEIGHT} for rows in lit]
    return [(min(rows), max(rows)) if rows else None for rows in seen]


@settings(max_examples=400, deadline=None)
@given(st.lists(POLYLINES, min_size=1, max_size=3))
def test_spans_equal_a_plain_loop(polylines: list[list[tuple[float, float]]]) -> None:
    """Every line covers in every column just the rows that a plain loop finds."""
    arrays = [
        (np.array([p[0] for p in one], float), np.array([p[1] for p in one], float))
        for one in polylines
    ]
    drawn = spans(arrays, WIDTH, HEIGHT)
    for index, points in enumerate(polylines):
        expected = plain(points)
        got = [
            (int(a), int(b)) if b >= a else None
            for a, b in zip(drawn.low[index], drawn.high[index], strict=True)
        ]
        assert got == expected


@settings(max_examples=200, deadline=None)
@given(POLYLINES)
def test_gaps_are_the_columns_of_bad_values(points: list[tuple[float, float]]) -> None:
    """A NaN or Inf is reported at its column and nowhere else."""
    x, y = np.array([p[0] for p in points], float), np.array([p[1] for p in points], float)
    expected = sorted({math.floor(a) for a, b in points if not math.isfinite(b) and 0 <= a < WIDTH})
    assert spans([(x, y)], WIDTH, HEIGHT).gaps[0].tolist() == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), min_size=8, max_size=8))
def test_cells_light_exactly_the_span(spans_: list[tuple[int, int]]) -> None:
    """A braille cell has the dots of its span, each in its place, and no other."""
    low = np.array([[a for a, _ in spans_]], dtype=np.int64)
    high = np.array([[b for _, b in spans_]], dtype=np.int64)
    bits, owner = braille.cells(low, high, 4)
    rows = braille.text(bits)
    lit = {
        (4 * r + dot_row, 2 * c + dot_column)
        for r, row in enumerate(rows)
        for c, char in enumerate(row)
        if char != " "
        for dot_row, dot_column in braille.dots(char)
    }
    assert lit == {(r, c) for c, (a, b) in enumerate(spans_) for r in range(a, b + 1)}
    assert ((owner >= 0) == (bits > 0)).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 60))
def test_thinning_changes_no_dot(seed: int, columns: int) -> None:
    """A line thinned for a width is drawn the same at that width, dot for dot."""
    rng = np.random.default_rng(seed)
    y = rng.normal(0, 4, 3000).cumsum() % 97
    y[rng.integers(0, 3000, 5)] = np.nan
    x = np.arange(3000.0)
    few_x, few_y = thin(x, y, columns, 0, 2999)
    assert few_x.size <= 5 * columns + 10

    def drawn(a: np.ndarray, b: np.ndarray) -> tuple[list[int], list[int]]:
        found = spans([(a / 2999 * (columns - 1) + 0.5, b / 2.1)], columns, 48)
        return found.low.tolist(), found.high.tolist()

    many, few = drawn(x, y), drawn(few_x, few_y)
    assert np.mean(np.array(many) != np.array(few)) < 0.05  # a gap may swallow its neighbours' join
    whole = np.where(np.isfinite(y), y, 5.0)
    assert drawn(x, whole) == drawn(*thin(x, whole, columns, 0, 2999))


def test_a_spike_survives_the_envelope() -> None:
    """One high point among a million is still there after folding and unfolding."""
    dtype = [
        ("count", "u4"),
        ("finite", "u4"),
        ("first", "f8"),
        ("last", "f8"),
        ("min", "f8"),
        ("max", "f8"),
    ]
    buckets = np.zeros(1000, dtype=dtype)
    buckets["count"] = buckets["finite"] = 1000
    buckets["max"][617] = 42.0
    x, y = unfold(buckets, np.arange(1000), np.arange(1000) + 0.9)
    assert y.max() == 42.0
    assert (np.diff(x) >= 0).all()


def test_a_bucket_with_a_bad_value_ends_in_a_gap() -> None:
    """Of a bucket that holds a NaN the good points are drawn and the gap is marked."""
    dtype = [
        ("count", "u4"),
        ("finite", "u4"),
        ("first", "f8"),
        ("last", "f8"),
        ("min", "f8"),
        ("max", "f8"),
    ]
    buckets = np.array(
        [(3, 2, 1, 2, 1, 2), (1, 1, 5, 5, 5, 5), (2, 0, np.nan, np.nan, np.nan, np.nan)], dtype
    )
    x, y = unfold(buckets, [0, 1, 2], [0.5, 1, 3])
    assert np.isnan(y).tolist() == [False] * 4 + [True, False, True]
    assert x.tolist() == [0, 0.25, 0.25, 0.5, 0.5, 1, 3]


def test_lines_are_put_in_order_of_x() -> None:
    """Steps that go back are drawn where they belong, a missing x is left out."""
    made = line([3, 1, np.nan, 2], [30, 10, 0, 20])
    assert made.x.tolist() == [1, 2, 3]
    assert made.y.tolist() == [10, 20, 30]
    with pytest.raises(ValueError, match="x has 1 values and y has 2"):
        line([1], [1, 2])
