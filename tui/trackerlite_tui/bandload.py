"""Many runs as bands, made in the feed's thread: the screen gets three lines for a thousand runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from trackerlite_tui.curveload import stamps
from trackerlite_tui.curves.band import grid_over, resample, spread
from trackerlite_tui.snapshot import RELATIVE, STEP, WALL, BandCurve, CurveKey, Wants

if TYPE_CHECKING:
    from trackerlite.readers import SeriesInfo
    from trackerlite_tui.curveload import CurveLoader

_PLACES = 160
_KEPT = 20_000  # rows of _PLACES numbers of four bytes
Series = Mapping[CurveKey, "SeriesInfo"]
Form = tuple[Any, ...]


class BandLoader:
    """Remembers each run's curve on the metric's grid, so that a live run costs only itself."""

    def __init__(self, loader: CurveLoader) -> None:
        self._loader = loader
        self._rows: dict[tuple[int, str], tuple[Form, Any]] = {}
        self._made: dict[tuple[str, str], tuple[Form, tuple[BandCurve, ...]]] = {}

    def load(
        self,
        metric: tuple[str, str],
        wants: Wants,
        series: Series,
        started: Mapping[int, float],
        leave: Callable[[], bool],
    ) -> tuple[BandCurve, ...] | None:
        """One band for each group of `wants`; None when `leave` said so meanwhile."""
        stream, name = metric
        keys = [
            key for _, members in wants.groups for key in members if (key, stream, name) in series
        ]
        infos = {key: series[key, stream, name] for key in keys}
        look = (wants.axis, wants.window, wants.smoothing, wants.band, wants.groups)
        form = (look, tuple((info.key, info.count, info.total) for info in infos.values()))
        kept = self._made.get(metric)
        if kept is not None and kept[0] == form:
            return kept[1]
        if not infos:
            return ()
        whole = self._reach(infos, wants, series, stream, started)
        grid = grid_over(*(wants.window or whole), _PLACES)
        grid_form = (wants.axis, wants.smoothing, float(grid[0]), float(grid[-1]))
        rows: dict[int, Any] = {}
        for key, info in infos.items():
            row_form = (info.key, info.count, info.total, *grid_form)
            found = self._rows.get((key, name))
            if found is None or found[0] != row_form:
                x_series = series.get((key, stream, wants.axis))
                x, y = self._loader.trace(info, wants, started.get(key, 0.0), x_series, _PLACES)
                found = row_form, resample(x, y, grid).astype(np.float32)
                if len(self._rows) >= _KEPT:
                    self._rows.clear()
                self._rows[key, name] = found
                if leave():
                    return None
            rows[key] = found[1]
        stamp = next(stamps)
        made = []
        for place, (label, members) in enumerate(wants.groups):
            table = [rows[key] for key in members if key in rows]
            if table:
                edges = spread(np.array(table), wants.band)
                made.append(BandCurve(label, len(table), grid, *edges, stamp, place, whole))
        self._made[metric] = form, tuple(made)
        return tuple(made)

    def _reach(
        self,
        infos: Mapping[int, SeriesInfo],
        wants: Wants,
        series: Series,
        stream: str,
        started: Mapping[int, float],
    ) -> tuple[float, float]:
        """Where all runs begin and end, as their statistics tell it."""
        ends: list[float] = []
        for key, info in infos.items():
            if wants.axis == STEP:
                ends += [float(info.min_step or 0), float(info.max_step or 0)]
            elif wants.axis in (RELATIVE, WALL):
                shift = started.get(key, 0.0) if wants.axis == RELATIVE else 0.0
                ends += [(info.first_time or 0.0) - shift, (info.last_time or 0.0) - shift]
            else:
                other = series.get((key, stream, wants.axis))
                if other is not None and other.minimum is not None and other.maximum is not None:
                    ends += [other.minimum, other.maximum]
        return min(ends, default=0.0), max(ends, default=1.0)
