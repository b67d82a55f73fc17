"""The curves that RUN… and -m KEY mean, read for drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trackerlite.cli._rows import label, matches
from trackerlite.readers.polyline import along, polyline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trackerlite.readers import Reader, RunInfo


@dataclass(frozen=True)
class Drawn:
    """One metric of one run, ready to draw.

    Attributes:
        raw: the values as logged, where `y` is smoothed; else None.
    """

    run: RunInfo
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
) -> list[Drawn]:
    """The metrics of `runs` that match `patterns`, by metric and then in the order of `runs`.

    Raises:
        BadInput: a run has no metric `x`.
    """
    place = {run.key: index for index, run in enumerate(runs)}
    every = reader.series([run.key for run in runs], stream=stream)
    wanted = [one for one in every if matches(one.name, patterns) and one.name != x]
    found = []
    for one in sorted(wanted, key=lambda one: (one.name, place[one.run_key], one.rank)):
        run = runs[place[one.run_key]]
        # Smoothing looks at every point, as W&B does it, as long as that is quick.
        line = polyline(reader, one, 250_000 if smooth and one.total <= 500_000 else samples)
        values = line.value
        found.append(
            Drawn(
                run,
                label(one),
                one.unit,
                along(reader, run, line, x),
                _smoothed(values, smooth) if smooth else values,
                values if smooth else None,
                line.exact,
            )
        )
    return found


def _smoothed(values: NDArray[Any], weight: float) -> NDArray[np.float64]:
    from trackerlite_tui.curves.smooth import ema

    return ema(values, weight)
