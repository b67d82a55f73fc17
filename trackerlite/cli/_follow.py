"""What a run recorded since it was last looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackerlite.cli._rows import Row, label, matches, points_of, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackerlite.readers import Reader


class Follower:
    """Hands out the rows and alerts that are new since the last call.

    Args:
        run_key: RunInfo.key of the run.
        patterns: the keys wanted; all if empty.
    """

    def __init__(self, reader: Reader, run_key: int, patterns: Sequence[str]):
        self._reader = reader
        self._run_key = run_key
        self._patterns = patterns
        self._next_index: dict[int, int] = {}
        self._values = 0
        self._alerts = 0

    def rows(self) -> list[Row]:
        """New rows, numbers and other values together."""
        streams: list[list[tuple[float, int, str, Any]]] = []
        for series in self._reader.series([self._run_key]):
            if not matches(series.name, self._patterns):
                continue
            points = self._reader.points(series.key, self._next_index.get(series.key, 0))
            if len(points.index):
                self._next_index[series.key] = int(points.index[-1]) + 1
                streams.append(list(points_of(label(series), points)))
        values = self._reader.values(self._run_key)
        fresh, self._values = values[self._values :], len(values)
        streams.append(
            [(v.time, v.step, v.name, v.value) for v in fresh if matches(v.name, self._patterns)]
        )
        return list(rows(streams))

    def alerts(self) -> list[Any]:
        """New alerts."""
        found = list(self._reader.alerts(self._run_key))
        fresh, self._alerts = found[self._alerts :], len(found)
        return fresh
