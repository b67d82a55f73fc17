"""The envelope against a brute-force oracle: no spike, no point and no step is ever missing from it."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackerlite.readers import Reader
from trackerlite.store.projector import Projector
from unit.journals import SHM, row, run_of, said, start


def oracle(points: list[tuple[int, int, float, float]], bucket: Any) -> dict[str, Any]:
    """What a bucket has to say of the visible points from its first one on."""
    mine = [p for p in points if p[0] >= bucket["index"]][: bucket["count"]]
    finite = [p[3] for p in mine if math.isfinite(p[3])]
    return {
        "index": mine[0][0],
        "count": len(mine),
        "finite": len(finite),
        "step_min": min(p[1] for p in mine),
        "step_max": max(p[1] for p in mine),
        "time_min": min(p[2] for p in mine),
        "time_max": max(p[2] for p in mine),
        "first": finite[0] if finite else math.nan,
        "last": finite[-1] if finite else math.nan,
        "min": min(finite, default=math.nan),
        "max": max(finite, default=math.nan),
    }


def check(
    found: Any, points: list[tuple[int, int, float, float]], resolution: int, total: int
) -> None:
    """`found` covers `points` exactly once, in order, and each bucket is what the oracle says."""
    assert int(found["count"].sum()) == len(points)
    assert (np.diff(found["index"]) > 0).all()
    for bucket in found:
        for name, value in oracle(points, bucket).items():
            assert bucket[name] == value or (value != value and np.isnan(bucket[name])), (
                name,
                bucket,
                value,
            )
    visible_share = len(points) / max(1, total)
    if len(points) >= resolution and visible_share == 1:
        assert len(found) >= resolution


value = st.one_of(
    st.floats(-1e6, 1e6),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e300, -1e300, 7]),
)
# A history: runs of points (how many, first step, a spike somewhere), and rewinds between them.
piece = st.one_of(
    st.tuples(st.just("log"), st.integers(1, 1200), st.lists(value, min_size=1, max_size=12)),
    st.tuples(st.just("rewind"), st.floats(0, 1), st.none()),
    st.tuples(st.just("flush"), st.none(), st.none()),
)


@settings(max_examples=20)
@given(st.lists(piece, min_size=1, max_size=7), st.integers(1, 2000))
def test_any_history(pieces: list[Any], resolution: int) -> None:
    """For any history of points, odd numbers, flushes and rewinds, and any resolution, each bucket is right."""
    with tempfile.TemporaryDirectory(dir=SHM) as folder:
        store = Path(folder) / ".trackerlite"
        data, projector = start(), Projector(store)
        visible: list[tuple[int, int, float, float]] = []
        step = index = 0
        for kind, amount, some in pieces:
            if kind == "log":
                for n in range(amount):
                    number = some[n % len(some)] if n % 7 == 0 else float(n)
                    data += row(1.0 + index, step, {"x": number})
                    visible.append((index, step, 1.0 + index, float(number)))
                    step, index = step + 1, index + 1
            elif kind == "rewind":
                step = int(step * amount)
                data += said(2.0, t="rewind", step=step)
                visible = [p for p in visible if p[1] <= step]
                step += 1
            else:
                projector.project_run(run_of(store, data))
        projector.project_run(run_of(store, data))
        projector.close()
        with Reader.open(store) as reader:
            series = [s for s in reader.series() if s.name == "x"]
            if not visible:
                assert not series
                return
            (info,) = series
            points = reader.points(info.key)
            assert points.index.tolist() == [p[0] for p in visible]
            assert points.step.tolist() == [p[1] for p in visible]
            np.testing.assert_array_equal(points.value, [p[3] for p in visible])
            check(reader.envelope(info.key, resolution), visible, resolution, info.total)
            finite = [p[3] for p in visible if math.isfinite(p[3])]
            assert (info.count, info.finite, info.total) == (len(visible), len(finite), index)
            assert (info.minimum, info.maximum) == (
                min(finite, default=None),
                max(finite, default=None),
            )
            assert (info.first_step, info.last_step) == (visible[0][1], visible[-1][1])
            assert (info.min_step, info.max_step) == (
                min(p[1] for p in visible),
                max(p[1] for p in visible),
            )


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70,000 points with a spike in one and a hole of NaN."""
    store = tmp_path_factory.mktemp("long") / ".trackerlite"
    data = [start()]
    for n in range(70_000):
        number = 1e9 if n == 12_345 else math.nan if 40_000 <= n < 40_300 else math.sin(n / 100)
        data.append(row(float(n), n, {"x": number}))
    projector = Projector(store)
    projector.project_run(run_of(store, b"".join(data)))
    projector.close()
    return store


@pytest.mark.parametrize("resolution", [1, 10, 100, 273, 1000, 4400, 70_000, 10**6])
def test_a_spike_survives_any_zoom(long_run: Path, resolution: int) -> None:
    """At every resolution the one spike is there, with enough buckets and not too many."""
    with Reader.open(long_run) as reader:
        found = reader.envelope(reader.series()[0].key, resolution)
        assert float(np.nanmax(found["max"])) == 1e9
        spiked = found[found["max"] == 1e9]
        assert len(spiked) == 1
        assert spiked["index"][0] <= 12_345 < spiked["index"][0] + spiked["count"][0]
        assert int(found["count"].sum()) == 70_000
        assert int(found["finite"].sum()) == 69_700
        assert len(found) >= min(resolution, 70_000)
        assert len(found) <= max(16 * resolution, 6 * 256)


@pytest.mark.parametrize(
    "window",
    [(0, 70_000), (12_000, 13_000), (39_990, 40_310), (69_990, 70_000), (100, 100), (5, 60_001)],
)
def test_a_window(long_run: Path, window: tuple[int, int]) -> None:
    """Any window holds its points: none of its spikes is missing, and nothing from far outside is in it."""
    with Reader.open(long_run) as reader:
        key = reader.series()[0].key
        found = reader.envelope(key, 100, *window)
        points = reader.points(key, *window)
        finite = points.value[np.isfinite(points.value)]
        if len(finite):
            assert np.nanmax(found["max"]) >= finite.max()
            assert np.nanmin(found["min"]) <= finite.min()
        assert int(found["count"].sum()) >= len(points)
        if len(points):
            assert found["index"][0] <= points.index[0]
            assert found["index"][-1] + found["count"][-1] >= points.index[-1]
