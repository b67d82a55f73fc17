"""Lines to draw, and curves in a few characters."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest

import trackerlite as tl
from query.worlds import Entry, GeneratedRun
from trackerlite.errors import BadInput
from trackerlite.readers import Reader
from trackerlite.readers.polyline import along, polyline
from trackerlite.readers.sparkline import ASCII_BARS, sparkline, sparklines
from trackerlite.store.projector import Projector

COUNT = 20_000


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one run of 20,000 points, one spike and one NaN in it."""
    store = tmp_path_factory.mktemp("long") / ".trackerlite"
    rng = random.Random(3)
    start = {"t": "run", "id": "long", "project": "p", "started": 1_000.0, "name": "long"}
    entries = [Entry(1_000.0, record=start)]
    for step in range(COUNT):
        value = 1000.0 if step == 7_777 else math.nan if step == 15_000 else rng.random()
        entries.append(Entry(1_000.0 + step * 0.5, step, {"loss": value, "epoch": step // 100}))
    projector = Projector(store)
    projector.project_run(GeneratedRun("long", "p", entries).write(store))
    projector.close()
    return store


def test_a_thinned_line_keeps_its_spike_and_its_gap(long: Path) -> None:
    """However few points are left, the least, the greatest and the gaps are among them."""
    with Reader.open(long) as reader:
        series = reader.series(names=["loss"])[0]
        whole = reader.points(series.key).value
        for samples in (10, 100, 1_000, 5_000):
            line = polyline(reader, series, samples)
            assert not line.exact
            assert len(line.value) <= samples * 6
            assert np.nanmax(line.value) == 1000.0
            assert np.nanmin(line.value) == np.nanmin(whole)
            assert np.isnan(line.value).sum() == 1
            assert line.value[0] == whole[0]
            assert line.value[-1] == whole[-1]
            assert (np.diff(line.step) >= 0).all()
            assert (np.diff(line.time) >= 0).all()


def test_sampled_points_are_points_that_were_logged(long: Path) -> None:
    """However few are asked for, each is a logged point at its own step; extremes, gaps and ends stay."""
    with Reader.open(long) as reader:
        series = reader.series(names=["loss"])[0]
        whole = reader.points(series.key)
        for most in (1, 2, 7, 100, 999, 5_000, COUNT - 1):
            some = reader.sampled(series, most)
            assert len(some) <= 1.1 * most + 5
            assert (np.diff(some.index) > 0).all()
            for name in ("step", "time", "value"):
                there, logged = getattr(some, name), getattr(whole, name)
                assert np.array_equal(there, logged[some.index], equal_nan=name == "value")
            assert {0, 7_777, 15_000, COUNT - 1} <= set(some.index.tolist())
            assert np.nanargmin(whole.value) in some.index
            assert np.diff(some.index).max() <= 3 * COUNT / max(1, most // 2)
        assert len(reader.sampled(series, COUNT)) == COUNT


def test_sampled_points_of_a_rewound_run(tmp_path: Path) -> None:
    """What a rewind hid is in no sample, and a falling curve is told falling."""
    with tl.init(project="p", id="back", dir=tmp_path) as run:
        for step in range(9_000):
            run.log({"loss": 9_000.0 - step if step < 4_000 else 1e6}, step=step)
    with tl.init(project="p", id="back", dir=tmp_path, resume_from="back?_step=3999") as run:
        for step in range(4_000, 8_000):
            run.log({"loss": 9_000.0 - step}, step=step)
    found = tl.Api(tmp_path).run("back").metric("loss", samples=50)
    assert found["step"][[0, -1]].tolist() == [0, 7_999]
    assert (found["value"] == 9_000.0 - found["step"]).all()
    assert (np.diff(found["value"]) < 0).all()


def test_a_line_that_rises_or_falls_stays_one(tmp_path: Path) -> None:
    """Thinning draws no zigzag into a curve that only rises, or only falls."""
    store = tmp_path / ".trackerlite"
    start = {"t": "run", "id": "a", "project": "p", "started": 1_000.0}
    entries = [Entry(1_000.0, record=start)]
    entries += [Entry(1_000.0 + n, n, {"up": n / 7, "down": -n / 7}) for n in range(5_000)]
    projector = Projector(store)
    projector.project_run(GeneratedRun("a", "p", entries).write(store))
    projector.close()
    with Reader.open(store) as reader:
        for series in reader.series():
            change = np.diff(polyline(reader, series, 50).value)
            assert (change >= 0).all() if series.name == "up" else (change <= 0).all()


def test_a_short_line_is_whole(long: Path) -> None:
    """A line that is short enough anyway is every point as it was logged."""
    with Reader.open(long) as reader:
        series = reader.series(names=["loss"])[0]
        line = polyline(reader, series, COUNT)
        points = reader.points(series.key)
        assert line.exact
        assert np.array_equal(line.value, points.value, equal_nan=True)
        assert np.array_equal(line.step, points.step)


def test_axes(long: Path) -> None:
    """A line can be drawn along steps, time since the start, the clock, or another metric."""
    with Reader.open(long) as reader:
        run = reader.run("long")
        line = polyline(reader, reader.series(names=["loss"])[0], COUNT)
        assert along(reader, run, line, "step")[-1] == COUNT - 1
        assert along(reader, run, line, "time")[-1] == pytest.approx((COUNT - 1) * 0.5)
        assert along(reader, run, line, "wall")[0] == 1_000.0
        assert along(reader, run, line, "epoch")[-1] == (COUNT - 1) // 100
        with pytest.raises(BadInput, match="no metric 'nothing'"):
            along(reader, run, line, "nothing")


def test_sparklines(long: Path) -> None:
    """A curve in a few characters shows its spike, whatever its length, and runs without it have none."""
    with Reader.open(long) as reader:
        drawn = sparklines(reader, reader.runs(), "loss", width=10)
        assert len(drawn) == 1
        assert next(iter(drawn.values())).count("▁") == 9
        assert sparklines(reader, reader.runs(), "absent") == {}


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([], ""), ([1.0], "▁"), ([2, 2], "▁▁"), ([0, 7], "▁█"), ([math.nan], "·"), ([math.inf, 1, 2], "·▁█"),
     ([-1.7e308, 1.7e308], "▁█"), (list(range(8)), "▁▂▃▄▅▆▇█")],
)  # fmt: skip
def test_sparkline(values: list[float], drawn: str) -> None:
    """Every number has its bar, from lowest to highest; what is not finite is a gap."""
    assert sparkline(values) == drawn
    assert set(sparkline(values, ascii_only=True)) <= {*ASCII_BARS, " "}
