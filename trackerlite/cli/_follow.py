"""What a run recorded since it was last looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackerlite.cli._rows import Row, chosen, last_starts, matches, points_of, rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trackerlite.readers import Reader, ValueRow


class Follower:
    """Hands out the rows and alerts that are new since the last call.

    Args:
        run_key: RunInfo.key of the run.
        patterns: the keys wanted; all if empty.
        last: the most rows that the first call hands out; only so much is read for them.
    """

    def __init__(self, reader: Reader, run_key: int, patterns: Sequence[str], last: int):
        self._reader = reader
        self._run_key = run_key
        self._patterns = patterns
        self._values = self._logged_values = 0
        self._alerts = 0
        self._last: int | None = last
        wanted = [s for s in reader.series([run_key]) if chosen(s, patterns)]
        self._next_index = (
            last_starts(reader, wanted, last) if last else {s.key: s.total for s in wanted}
        )

    def rows(self) -> list[Row]:
        """New rows, numbers and other values together."""
        streams: list[list[tuple[float, int, str, Any]]] = []
        for series in self._reader.series([self._run_key]):
            if not chosen(series, self._patterns):
                continue
            points = self._reader.points(series.key, self._next_index.get(series.key, 0))
            if len(points.index):
                self._next_index[series.key] = int(points.index[-1]) + 1
                streams.append(list(points_of(self._reader, series, points)))
        streams.append(
            [
                (v.time, v.step, v.name, v.value)
                for v in self._fresh_values()
                if matches(v.name, self._patterns)
            ]
        )
        found = list(rows(streams))
        if self._last is not None:
            found, self._last = found[-self._last :] if self._last else [], None
        return found

    def _fresh_values(self) -> list[ValueRow]:
        """Texts and the like, read only when there are more of them than there were."""
        logged = sum(s.total for s in self._reader.series([self._run_key], stream="value"))
        if logged == self._logged_values:
            return []
        self._logged_values = logged
        values = self._reader.values(self._run_key)
        fresh, self._values = values[self._values :], len(values)
        return fresh

    def alerts(self) -> list[Any]:
        """New alerts."""
        found = list(self._reader.alerts(self._run_key))
        fresh, self._alerts = found[self._alerts :], len(found)
        return fresh
