"""Scales, smoothing, bands, colours and whole charts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackerlite_tui.curves import cells, palette
from trackerlite_tui.curves.band import band
from trackerlite_tui.curves.chart import Options, draw
from trackerlite_tui.curves.line import FRONT, Band, line
from trackerlite_tui.curves.numbers import duration_label, number
from trackerlite_tui.curves.scale import KINDS, Scale, fit
from trackerlite_tui.curves.smooth import Ema, ema

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANY = st.floats()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KINDS), st.lists(ANY, max_size=6), st.integers(1, 12))
def test_every_scale_has_an_order_and_bounded_ticks(
    kind: str, values: list[float], count: int
) -> None:
    """Whatever the values, an axis runs upwards and its ticks lie on it, few and labelled."""
    scale = fit(kind, [np.array(values, dtype=float)])
    assert scale.low < scale.high
    ticks = scale.ticks(count)
    assert len(ticks) <= 110
    for tick in ticks:
        assert tick.label.strip()
        assert scale.low - abs(scale.low) * 1e-6 <= tick.value or kind in (
            "relative",
            "wall",
            "linear",
        )


@given(
    st.sampled_from(["linear", "log", "symlog"]),
    st.floats(1e-6, 1e6),
    st.floats(1.01, 1e4),
    st.floats(0, 1),
)
def test_inverse_undoes_forward(kind: str, low: float, factor: float, fraction: float) -> None:
    """The value under a place of the axis lies at that place."""
    scale = Scale(kind, low, low * factor)
    assert math.isclose(float(scale.forward([scale.inverse(fraction)])[0]), fraction, abs_tol=1e-6)


def test_a_log_axis_without_positive_values_is_linear() -> None:
    """Asking for a logarithm of nothing but zeros draws a plain axis instead of failing."""
    assert fit("log", [np.array([0.0, -1.0, np.nan])]).kind == "linear"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.312345, "0.3123"),
        (12345.0, "12345"),
        (123456.0, "123.5k"),
        (3, "3"),
        (-2e-7, "-2e-07"),
        (1.5e18, "1.5e+18"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    """A value is written in few characters, with the digits that matter."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5s"), (65, "1m"), (3600, "1h"), (5400, "1h30"), (200000, "2d7h"), (-90, "-1m")],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    """Seconds are shown in the unit that fits."""
    assert duration_label(seconds, 60) == text


def plain_ema(values: list[float], weight: float) -> list[float]:
    """The definition, point by point."""
    total, norm, out = 0.0, 0.0, []
    for value in values:
        if not math.isfinite(value):
            out.append(value)
            continue
        total = weight * total + (1 - weight) * value
        norm = weight * norm + (1 - weight)
        out.append(total / norm)
    return out


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan)), max_size=600),
    st.sampled_from([0.0, 0.3, 0.9, 0.999]),
    st.integers(0, 600),
)
def test_smoothing_equals_its_definition_however_it_is_cut(
    values: list[float], weight: float, cut: int
) -> None:
    """The average of points that come in two pieces is that of all at once, by the plain loop."""
    expected = np.array(plain_ema(values, weight))
    array = np.array(values, dtype=float)
    np.testing.assert_allclose(ema(array, weight), expected, rtol=1e-7, atol=1e-6)
    growing = Ema(weight)
    pieces = np.concatenate([growing.extend(array[:cut]), growing.extend(array[cut:])])
    np.testing.assert_allclose(pieces, expected, rtol=1e-7, atol=1e-6)


def test_a_band_is_the_mean_and_its_spread() -> None:
    """Three runs become their mean and one standard deviation either side, where they exist."""
    runs = [line([0, 10], [v, v + 10]) for v in (1.0, 2.0, 3.0)]
    x, low, centre, high = band(runs, 11)
    np.testing.assert_allclose(centre, 2.0 + x)
    np.testing.assert_allclose(high - centre, np.std([1, 2, 3]))
    np.testing.assert_allclose(centre - low, np.std([1, 2, 3]))


@pytest.mark.parametrize("ink", [palette.DARK_INK, palette.LIGHT_INK])
def test_every_colour_can_be_read(ink: palette.Ink) -> None:
    """Text and lines stand out by at least 4.5 to 1 from the background, a bar and the cursor's row."""
    for color in (*ink.lines, ink.text, ink.dim, ink.accent, ink.good, ink.warn, ink.bad):
        for behind in (ink.background, ink.surface, ink.select):
            assert palette.contrast(color, behind) >= 4.5, (color, behind)
    assert len(set(ink.lines)) == len(ink.lines)


@settings(max_examples=250, deadline=None)
@given(
    st.integers(0, 60),
    st.integers(0, 20),
    st.lists(st.lists(st.tuples(ANY, ANY), max_size=30), max_size=4),
    st.sampled_from(KINDS),
    st.sampled_from(KINDS),
    st.booleans(),
    st.booleans(),
)
def test_a_chart_is_exactly_as_large_as_asked(
    columns: int,
    rows: int,
    series: list[list[tuple[float, float]]],
    x_kind: str,
    y_kind: str,
    plain: bool,
    ascii_: bool,
) -> None:
    """Any data at any size gives rows of just that width and number, without an error."""
    lines = [
        line([p[0] for p in s], [p[1] for p in s], f"run {i}", "#ff0000")
        for i, s in enumerate(series)
    ]
    options = Options(
        title="metric",
        value="1.0",
        x_kind=x_kind,
        y_kind=y_kind,
        ascii_only=ascii_,
        legend=True,
        cursor=1.0,
        marks=((2.0, "A"),),
        ink=palette.NO_INK if plain else palette.DARK_INK,
    )
    drawing = draw(lines, columns, rows, options)
    assert len(drawing.rows) == rows
    for row in drawing.rows:
        assert sum(cells.width(text) for text, _ in row) == columns
        if ascii_:
            assert all(text.isascii() for text, _ in row)


def test_the_front_line_owns_its_cells() -> None:
    """Where lines cross, the one in front keeps its colour and its shape."""
    flat = [0.0, 1.0]
    back, front = (
        line(flat, [0.5, 0.5], color="#111111"),
        line(flat, [0.5, 0.5], color="#eeeeee", layer=FRONT),
    )
    frame = [line(flat, [0, 0], color="#222222"), line(flat, [1, 1], color="#222222")]
    rows = draw([front, back, *frame], 10, 4).rows
    assert "#111111" not in {style for row in rows for _, style in row}
    assert "#eeeeee" in {style for row in rows for _, style in row}


def test_a_bad_value_is_a_gap_with_a_mark() -> None:
    """NaN is neither zero nor joined over: the bottom row shows where it was."""
    y = np.ones(40)
    y[20] = np.nan
    y[0] = 0
    rows = draw([line(np.arange(40), y, color="#aaaaaa")], 40, 4).rows
    bottom = "".join(text for text, _ in rows[-1])
    assert bottom.count("×") == 1
    assert 15 <= bottom.index("×") <= 25


def test_without_colour_markers_tell_lines_apart() -> None:
    """NO_COLOR output has a sign for each line, on the line and in the legend."""
    lines = [line([0, 1], [0, 1], "one"), line([0, 1], [1, 0], "two")]
    rows = draw(lines, 50, 12, Options(ink=palette.NO_INK, legend=True)).rows
    whole = "\n".join("".join(text for text, _ in row) for row in rows)
    assert whole.count("●") >= 2
    assert whole.count("▲") >= 2
    assert {style.replace("bold", "").strip() for row in rows for _, style in row} == {""}


def test_a_cursor_and_the_mouse_agree_on_x() -> None:
    """The column that the cursor is drawn in stands for the cursor's value."""
    drawing = draw([line([0, 100], [0, 1])], 60, 12, Options(cursor=50.0))
    column = next("".join(t for t, _ in row).index("│", drawing.left) for row in drawing.rows[:3])
    assert abs(drawing.value_at(column) - 50) <= 100 / drawing.columns


def test_a_band_is_shaded_between_its_edges() -> None:
    """The area of a band is filled, the rest is not."""
    x = np.array([0.0, 1.0])
    shade = Band(x, np.array([0.4, 0.4]), np.array([0.6, 0.6]), color="#333333")
    rows = draw([line(x, [0, 1])], 30, 10, Options(y_range=(0.0, 1.0)), bands=[shade]).rows
    styled = [i for i, row in enumerate(rows) if any(s == "#333333" for _, s in row)]
    assert styled
    assert min(styled) >= 3
    assert max(styled) <= 6


@pytest.mark.parametrize("kind", KINDS)
@given(value=st.floats(-50, 50))
def test_one_place_is_where_many_are(kind: str, value: float) -> None:
    """A tick stands where a point of its value is drawn, on every kind of axis."""
    scale = Scale(kind, 0.5, 40.0)
    one, many = scale.place(value), float(scale.forward([value])[0])
    assert one == pytest.approx(many, abs=1e-9, nan_ok=True)
