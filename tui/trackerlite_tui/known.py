"""What was read of runs and need not be read again: a finished run stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trackerlite_tui.snapshot import Wants
from trackerlite_tui.strands import ranked

if TYPE_CHECKING:
    from trackerlite.readers import Reader, RunInfo, SeriesInfo

_AT_ONCE = 60  # configs read before the first curves: about what a screen shows
_MORE = 250

Stamp = tuple[Any, ...]


def shown_name(series: SeriesInfo) -> str:
    """A metric's name as the screen lists it; other ranks stand apart."""
    return ranked(series.name, series.rank)


def shown(series: SeriesInfo) -> bool:
    """Whether a metric is for people: not hidden, not a forked child's."""
    return not series.hidden and not series.lane.startswith("fork")


def stamp(run: RunInfo) -> Stamp:
    """Changes whenever a run may have."""
    return (run.state, run.steps, run.ended, run.heartbeat)


class Known:
    """Configs and statistics by run, each with the stamp it was read at."""

    def __init__(self) -> None:
        self._config: dict[int, tuple[Stamp, Mapping[str, Any]]] = {}
        self._statistics: dict[tuple[int, str], SeriesInfo] = {}
        self._read: dict[tuple[int, str], Stamp] = {}
        self._stamps: dict[int, Stamp] = {}
        self.waiting: list[int] = []
        # What was handed out last, and for which runs: the same answer is the same object.
        self._config_for: object = None
        self._known_config: dict[int, Mapping[str, Any]] = {}
        self._statistics_for: tuple[Any, ...] = ()
        self._known_statistics: dict[tuple[int, str], SeriesInfo] = {}

    def config(
        self, reader: Reader, runs: Sequence[RunInfo], wants: Wants
    ) -> dict[int, Mapping[str, Any]]:
        """The configs that are known; those on the screen are read now, others `wait`."""
        if self._config_for is runs:
            return self._known_config
        if wants.config:
            self._stamps = {run.key: stamp(run) for run in runs}
            due = [
                key for key, at in self._stamps.items() if self._config.get(key, (None,))[0] != at
            ]
            urgent = set(wants.listed)
            due.sort(key=lambda key: key not in urgent)
            self._take(reader, due[:_AT_ONCE])
            self.waiting = due[_AT_ONCE:]
            self._config_for, self._known_config = runs, self._values()
        return self._known_config

    def more(self, reader: Reader) -> dict[int, Mapping[str, Any]]:
        """Read some of those that wait."""
        self._take(reader, self.waiting[:_MORE])
        self.waiting = self.waiting[_MORE:]
        self._known_config = self._values()
        return self._known_config

    def _values(self) -> dict[int, Mapping[str, Any]]:
        return {key: values for key, (_, values) in self._config.items()}

    def _take(self, reader: Reader, keys: Sequence[int]) -> None:
        if keys:
            for key, values in reader.params(keys).items():
                self._config[key] = self._stamps[key], values

    def statistics(
        self, reader: Reader, runs: Sequence[RunInfo], wants: Wants
    ) -> dict[tuple[int, str], SeriesInfo]:
        """Last, best and the like of the columns' metrics; only runs that went on are read."""
        if (
            self._statistics_for
            and self._statistics_for[0] is runs
            and self._statistics_for[1] == wants.columns
        ):
            return self._known_statistics
        for name in wants.columns:
            due = {run.key: stamp(run) for run in runs}
            due = {key: at for key, at in due.items() if self._read.get((key, name)) != at}
            if not due:
                continue
            every = None if len(due) == len(runs) else due
            for one in reader.series(every, names=[name]):
                if not one.rank and shown(one):
                    self._statistics[one.run_key, one.name] = one
            self._read.update({(key, name): at for key, at in due.items()})
        columns = set(wants.columns)
        self._statistics_for = runs, wants.columns
        self._known_statistics = {
            key: one for key, one in self._statistics.items() if key[1] in columns
        }
        return self._known_statistics
