"""`Api`: the store for scripts and notebooks, as NumPy arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from trackerlite.errors import BadInput
from trackerlite.readers.info import RunInfo, SeriesInfo
from trackerlite.readers.reader import Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AXES = ("_step", "_time", "_runtime")


class Api:
    """Reads a store.

    Args:
        dir: the store, or a folder in or below the one it is in.

    >>> import trackerlite as tl
    >>> with tl.init(project="demo", id="first") as run:
    ...     for step in range(3):
    ...         _ = run.log({"loss": 1.0 / (step + 1)})
    >>> api = tl.Api()
    >>> api.run("demo/first").metric("loss")["value"].round(2).tolist()
    [1.0, 0.5, 0.33]
    """

    def __init__(self, dir: str | os.PathLike[str] | None = None):
        self._reader = Reader.open(dir)

    def runs(
        self,
        project: str | None = None,
        filter: str | None = None,
        sort: str | None = None,
    ) -> list[ApiRun]:
        """The runs that match, newest first or as `sort` says.

        Args:
            filter: in the filter language, e.g. "val/f1>0.9 tag:lora".
            sort: a field, metric or config key; a leading "-" sorts downwards.
        """
        self._reader.refresh()
        if filter is None and sort is None:
            found = self._reader.runs(project)
        else:
            from trackerlite.readers.select import select_runs

            found = select_runs(
                self._reader,
                filter=_text("filter", filter or "") or None,
                sort=_text("sort", sort or "") or None,
                project=project,
            )
        return [ApiRun(self._reader, info) for info in found]

    def run(self, ref: str) -> ApiRun:
        """One run, by id, unique prefix or name; `project/` may lead.

        Raises:
            RunNotFound, AmbiguousRun.
        """
        self._reader.refresh()
        return ApiRun(self._reader, self._reader.run(_text("run", ref)))

    def compare(self, runs: Sequence[ApiRun | str] | ApiRun | str) -> Any:
        """What differs between runs: the object behind `trackerlite diff`."""
        from trackerlite.readers.compare import compare

        runs = [runs] if isinstance(runs, (str, ApiRun)) else runs
        infos = [r.info if isinstance(r, ApiRun) else self._reader.run(r) for r in runs]
        return compare(self._reader, infos)

    def close(self) -> None:
        """Close the store."""
        self._reader.close()


class ApiRun:
    """One recorded run.

    Attributes:
        info: its identity and state.
    """

    def __init__(self, reader: Reader, info: RunInfo):
        self._reader = reader
        self.info = info

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.info, name)

    def __repr__(self) -> str:
        return f"<Run {self.info.ref} {self.info.name!r} {self.info.state}>"

    @property
    def config(self) -> dict[str, Any]:
        """The config, flat with dotted keys."""
        return self._reader.params([self.info.key])[self.info.key]

    @property
    def summary(self) -> dict[str, Any]:
        """Last values of metrics, and what was set by hand."""
        return self._reader.summaries([self.info.key])[self.info.key]

    @property
    def metrics(self) -> list[str]:
        """The names of its metrics."""
        return sorted({s.name for s in self._series()})

    @property
    def environment(self) -> dict[str, Any]:
        """Host, python, packages, git, command line, …"""
        return self._reader.environment(self.info.key)

    def metric(
        self, key: str, samples: int | None = None, rank: int = 0, *, abandoned: bool = False
    ) -> dict[str, NDArray[np.generic]]:
        """One metric as arrays `step` (int64), `time` (float64, s) and `value` (float64).

        What forked processes logged under the same name is among it, in the order of time.

        Args:
            samples: about how many points: the first, the last, and of each stretch the least, the
                greatest and one that is not finite, each with its own step and time.
                None: every point, in the order it was logged.
            abandoned: instead every point that was logged behind a step that the run went back to.

        Raises:
            BadInput: the run has no such metric.
        """
        import numpy as np

        found = self._series([str(key)], abandoned)
        parts = [
            self._sampled(series, samples, abandoned) for series in found if series.rank == rank
        ]
        if not parts:
            if abandoned and self._series([str(key)]):
                return {"step": np.empty(0, np.int64), "time": np.empty(0), "value": np.empty(0)}
            known = ", ".join(self.metrics[:12]) or "none"
            of = f" of rank {rank}" if found else ""
            raise BadInput(f"Run {self.info.ref} has no metric {key!r:.80}{of}; it has: {known}.")
        step, time, value = parts[0]
        if len(parts) > 1:
            step, time, value = map(np.concatenate, zip(*parts, strict=True))
            order = np.argsort(time, kind="stable")
            step, time, value = step[order], time[order], value[order]
        return {"step": step, "time": time, "value": value}

    def history(
        self, keys: Sequence[str] | None = None, x: str = "_step", samples: int | None = None
    ) -> History:
        """Several metrics as one table, a row per step: calls of one step merged, NaN where none.

        Args:
            keys: which metrics; default all.
            x: "_step", "_time", "_runtime" (s since the start), or a metric: what rows are sorted by.
            samples: about how many points per metric; spikes are kept. None: all.
        """
        import numpy as np

        keys = [keys] if isinstance(keys, str) else keys
        wanted = list(keys) if keys is not None else self.metrics
        if x not in _AXES and x not in wanted:
            wanted = [x, *wanted]
        columns = {key: self.metric(key, samples) for key in wanted}
        steps = _union([np.asarray(c["step"], np.int64) for c in columns.values()])
        times = np.full(len(steps), np.nan)
        table: dict[str, NDArray[np.generic]] = {"_step": steps, "_time": times}
        for key, column in columns.items():
            values = np.full(len(steps), np.nan)
            at = np.searchsorted(steps, column["step"])
            values[at] = column["value"]  # of several at one step the last stays
            times[at] = column["time"]
            table[key] = values
        table["_runtime"] = times - (self.info.started or 0.0)
        order = np.argsort(table[x], kind="stable")
        return History({name: column[order] for name, column in table.items()})

    def _series(
        self, names: Sequence[str] | None = None, abandoned: bool = False
    ) -> list[SeriesInfo]:
        return self._reader.series([self.info.key], names=names, abandoned=abandoned)

    def _sampled(
        self, series: SeriesInfo, samples: int | None, abandoned: bool = False
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        if samples is None or abandoned:
            points = self._reader.points(series.key, abandoned=abandoned)
        else:
            points = self._reader.sampled(series, samples)
        return points.step, points.time, points.value


def _text(what: str, given: object) -> str:
    if not isinstance(given, str):
        raise BadInput(f"{what}={given!r:.80} has to be a text.")
    return given


def _union(steps: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The different values of all arrays, rising; quick where one array holds them so already."""
    import numpy as np

    if not steps:
        return np.empty(0, np.int64)
    first = steps[0]
    if all(np.array_equal(first, other) for other in steps[1:]) and (np.diff(first) > 0).all():
        return first
    joined = np.sort(np.concatenate(steps), kind="stable")
    return joined[np.r_[True, joined[1:] != joined[:-1]]] if len(joined) else joined


class History(dict[str, Any]):
    """Columns by name: `_step`, `_time`, `_runtime` and the metrics, as arrays of one length."""

    def rows(self) -> Iterator[dict[str, Any]]:
        """Row by row, as dicts of Python numbers."""
        names = list(self)
        for row in zip(*(column.tolist() for column in self.values()), strict=True):
            yield dict(zip(names, row, strict=True))

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame`, where pandas is installed."""
        import pandas

        return pandas.DataFrame(dict(self))

    def to_polars(self) -> Any:
        """A `polars.DataFrame`, where polars is installed."""
        import polars

        return polars.DataFrame(dict(self))
