"""The curves that RUN… and -m KEY mean, read for drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trackerlite.cli._rows import Row, chosen, label, rows
from trackerlite.readers.polyline import along, as_line, polyline
from trackerlite.readers.select import names_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trackerlite.readers import Reader, RunInfo, SeriesInfo


@dataclass(frozen=True)
class Drawn:
    """One metric of one run, ready to draw.

    Attributes:
        name: what to call the run beside the others.
        raw: the values as logged, where `y` is smoothed; else None.
    """

    run: RunInfo
    name: str
    metric: str
    unit: str | None
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    raw: NDArray[np.float64] | None
    exact: bool


def read_lines(
    reader: Reader,
    runs: Sequence[RunInfo],
    patterns: Sequence[str],
    x: str,
    smooth: float,
    samples: int,
    stream: str = "history",
    *,
    as_logged: bool = False,
) -> list[Drawn]:
    """The metrics of `runs` that match `patterns`, by metric and then in the order of `runs`.

    Args:
        as_logged: each corner is a point that was logged, for programs. Else a long line is
            drawn from its envelope, which is quicker and shows the same.

    Raises:
        BadInput: a run has no metric `x`.
    """
    place, names = {run.key: index for index, run in enumerate(runs)}, names_of(runs)
    every = reader.series([run.key for run in runs], stream=stream)
    wanted = [one for one in every if chosen(one, patterns) and one.name != x]
    found = []
    for one in sorted(wanted, key=lambda one: (one.name, place[one.run_key], one.rank)):
        run = runs[place[one.run_key]]
        # Smoothing looks at every point, as W&B does it, as long as that is quick.
        if as_logged:
            points = reader.points(one.key) if smooth else reader.sampled(one, 2 * samples)
            line = as_line(points, exact=len(points) == one.count)
        else:
            line = polyline(reader, one, 250_000 if smooth and one.total <= 500_000 else samples)
        values = line.value
        found.append(
            Drawn(
                run,
                names[run.key],
                label(one),
                one.unit,
                along(reader, run, line, x),
                _smoothed(values, smooth) if smooth else values,
                values if smooth else None,
                line.exact,
            )
        )
    return found


def read_rows(
    reader: Reader,
    run: RunInfo,
    series: Sequence[SeriesInfo],
    x: str,
    smooth: float,
    samples: int | None,
) -> list[Row]:
    """The points of `series` as rows, smoothed and thinned as asked, the x among the values.

    Args:
        x: `step`, or what else each row should also tell: `time`, `wall`, or a metric.
        samples: about how many points of each curve; None: every point.

    Raises:
        BadInput: the run has no metric `x`.
    """
    streams = []
    for one in series:
        if label(one) == x:
            continue
        # Smoothing looks at every point: of some it would be another average.
        every = samples is None or smooth
        some = reader.points(one.key) if every else reader.sampled(one, samples or 1)
        line = as_line(some, exact=len(some) == one.count)
        values = _smoothed(line.value, smooth) if smooth else line.value
        keep = _spread(len(values), samples) if smooth and samples else slice(None)
        there = along(reader, run, line, x)
        streams.append((label(one), line.time[keep], line.step[keep], values[keep], there[keep]))

    def points(name: str, stream: tuple[Any, ...]) -> Iterator[tuple[float, int, str, Any]]:
        for time, step, value, place in zip(*(part.tolist() for part in stream), strict=True):
            if x != "step":
                yield time, int(step), x, place
            yield time, int(step), name, value

    return list(rows(points(name, tuple(stream)) for name, *stream in streams))


def _spread(count: int, samples: int) -> NDArray[np.int64]:
    """At most `samples` places out of `count`, evenly, the first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(samples, count)).round().astype(np.int64))


def _smoothed(values: NDArray[Any], weight: float) -> NDArray[np.float64]:
    from trackerlite_tui.curves.smooth import ema

    return ema(values, weight)
