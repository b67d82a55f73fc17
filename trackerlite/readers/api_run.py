"""A recorded run, for scripts and notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trackerlite import values
from trackerlite.errors import BadInput
from trackerlite.readers.familiar import OF_RUN, Familiar, missing, refuse
from trackerlite.readers.history import AXES, History, merged
from trackerlite.readers.info import RunInfo, SeriesInfo
from trackerlite.readers.reader import Reader
from trackerlite.text import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trackerlite.artifacts import Artifact

_NAMED = 12  # so many names are told in an error


class Flat(dict[str, Any]):
    """Dotted keys, which are also found as the nested dicts they were given as.

    >>> config = Flat({"lora.r": 8, "lora.alpha": 16, "lr": 1e-4})
    >>> config["lora.r"], config["lora"]["r"], "lora" in config, list(config)
    (8, 8, True, ['lora.r', 'lora.alpha', 'lr'])
    """

    def __missing__(self, key: str) -> Any:
        inner = {k[len(key) + 1 :]: v for k, v in self.items() if k.startswith(f"{key}.")}
        if not inner:
            raise KeyError(key)
        return values.nest(inner)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or any(k.startswith(f"{key}.") for k in self)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or of what begins with it; else `default`."""
        try:
            return self[key]
        except KeyError:
            return default


class ApiRun(Familiar):
    """One recorded run: what `RunInfo` has (id, project, name, state, tags, started …), and its data.

    Attributes:
        info: its identity and state.
    """

    def __init__(self, reader: Reader, info: RunInfo):
        self._reader = reader
        self.info = info

    def __getattr__(self, name: str) -> Any:
        if name in _OF_INFO:
            return getattr(self.info, name)
        if name.startswith("_"):
            raise AttributeError(name)
        raise missing("run", name, OF_RUN, dir(self))

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_OF_INFO})

    def __repr__(self) -> str:
        return f"<Run {self.info.ref} {self.info.name!r} {self.info.state}>"

    @property
    def config(self) -> dict[str, Any]:
        """The config, flat with dotted keys; `config["lora"]["r"]` is found as well."""
        return Flat(self._reader.params([self.info.key])[self.info.key])

    @property
    def summary(self) -> dict[str, Any]:
        """Last values of metrics, and what was set by hand."""
        return Flat(self._reader.summaries([self.info.key])[self.info.key])

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
    ) -> History:
        """One metric, a system metric ("system.cpu") as well, as arrays of one length.

        Its columns are `step` (int64), `time` (float64, s since 1970) and `value`: float64, or int64
        where all are whole and float64 could not hold one. What forked processes logged under the
        same name is among it, in the order of time.

        Args:
            samples: about how many points: the first, the last, and of each stretch the least, the
                greatest and one that is not finite, each with its own step and time.
                None: every point, in the order it was logged.
            abandoned: instead every point that was logged behind a step that the run went back to.

        Raises:
            BadInput: the run has no such metric.
        """
        import numpy as np

        key, samples = str(key), _samples(samples)
        found = self._series([key], abandoned) or self._series([key], abandoned, "system")
        parts = [self._read(one, samples, abandoned) for one in found if one.rank == rank]
        if not parts:
            if abandoned and self._series([key]):
                nothing = {"step": np.empty(0, np.int64), "time": np.empty(0), "value": np.empty(0)}
                return History(nothing)
            raise BadInput(self._without(key, rank, found))
        if len(parts) == 1:
            return History(parts[0])
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = np.argsort(whole["time"], kind="stable")
        return History({name: column[order] for name, column in whole.items()})

    def history(
        self,
        keys: Sequence[str] | None = None,
        x: str = "_step",
        samples: int | None = None,
        rank: int = 0,
        **theirs: Any,
    ) -> History:
        """Several metrics as one table, a row per step: calls of one step merged, NaN where none.

        Args:
            keys: which metrics; default all of the rank.
            x: "_step", "_time", "_runtime" (s since the start), or a metric: what rows are sorted by.
            samples: about how many points per metric, spikes kept, each with its x. None: all.

        Raises:
            BadInput: the run has no such metric.
        """
        refuse("run.history()", theirs)
        if isinstance(keys, int):
            raise BadInput(f"keys={keys} has to be names of metrics; write samples={keys}.")
        keys, samples = [keys] if isinstance(keys, str) else keys, _samples(samples)
        listed = self._series(keys)
        wanted = (
            list(keys) if keys is not None else sorted({s.name for s in listed if s.rank == rank})
        )
        if x not in AXES and x not in wanted:
            wanted = [x, *wanted]
        of_name: dict[str, list[SeriesInfo]] = {}
        for series in listed:
            if series.rank == rank:
                of_name.setdefault(series.name, []).append(series)
        metrics = {
            key: self._read(of_name[key][0], samples)
            if len(of_name.get(key, ())) == 1
            else self.metric(key, samples, rank)
            for key in wanted
        }
        if samples is not None and x in metrics and len(metrics) > 1:
            metrics[x] = _at(self.metric(x, None, rank), metrics, x)
        return merged(metrics, self.info.started or 0.0, x)

    def scan_history(
        self,
        keys: Sequence[str] | None = None,
        min_step: int | None = None,
        max_step: int | None = None,
        **theirs: Any,
    ) -> Iterator[dict[str, Any]]:
        """Row by row what was logged, numbers with every digit, texts and media too; in little memory.

        A row has `_step`, `_timestamp` (s since 1970), `_runtime` (s) and what was logged at the step;
        metrics of rank *r* are called "rank*r*/…".

        Args:
            keys: only rows that have all of these, with nothing else.
            min_step, max_step: only steps from the first on, and below the second.
        """
        refuse("run.scan_history()", theirs)
        return self._rows([keys] if isinstance(keys, str) else keys, min_step, max_step)

    def _rows(
        self, wanted: Sequence[str] | None, min_step: int | None, max_step: int | None
    ) -> Iterator[dict[str, Any]]:
        from trackerlite.readers.history_rows import HistoryRows

        rows = HistoryRows(self._reader.connection, self.info.key)
        after = None if min_step is None else min_step - 1
        for step, moment, logged in rows.streamed(after, max_step):
            row = {
                "_step": step,
                "_timestamp": moment,
                "_runtime": moment - (self.info.started or 0.0),
            }
            row |= logged
            if wanted is None:
                yield row
            elif all(key in row for key in wanted):
                yield {key: row[key] for key in wanted}

    def logged_artifacts(self) -> list[Artifact]:
        """The artifacts it made, each version once, oldest first."""
        return self._artifacts("output")

    def used_artifacts(self) -> list[Artifact]:
        """The artifacts it used, each version once, oldest first."""
        return self._artifacts("input")

    def _artifacts(self, use: str) -> list[Artifact]:
        from trackerlite.artifacts import Artifact, Registry
        from trackerlite.errors import ArtifactNotFound

        store, found = self._reader.path, dict[str, Artifact]()
        registry = Registry(store)
        for one in self._reader.artifacts(self.info.key):
            name = f"{one.body.get('project') or self.info.project}/{one.name}:{one.version}"
            if one.use == use and name not in found:
                try:
                    found[name] = Artifact._from(registry.get("", name), store)
                except ArtifactNotFound:  # `gc` has freed it
                    continue
        return list(found.values())

    def _without(self, key: str, rank: int, of_others: Sequence[SeriesInfo]) -> str:
        """Why there is no metric `key`, and what there is."""
        if of_others:
            ranks = " or ".join(map(str, sorted({series.rank for series in of_others})))
            return (
                f"Run {self.info.ref} has no metric {key!r:.80} of rank {rank}; rank={ranks} has it"
            )
        if self._reader.series([self.info.key], stream="value", names=[key]):
            return (
                f"What run {self.info.ref} logged as {key!r:.80} is no number: run.scan_history() has it, "
                "row by row."
            )
        system = {s.name for s in self._reader.series([self.info.key], stream="system")}
        known = self.metrics
        if len(known) > _NAMED:
            there = f"it has {len(known):,}, which run.metrics names"
        else:
            there = f"it has: {', '.join(known) or 'none'}"
        near = nearest(key, [*AXES, *known, *system])
        return f"Run {self.info.ref} has no metric {key!r:.80}; {there}.{near}"

    def _series(
        self,
        names: Sequence[str] | None = None,
        abandoned: bool = False,
        stream: str = "history",
    ) -> list[SeriesInfo]:
        return self._reader.series([self.info.key], stream, names, abandoned)

    def _read(
        self, series: SeriesInfo, samples: int | None, abandoned: bool = False
    ) -> dict[str, NDArray[Any]]:
        from trackerlite.readers.exact import exact_values

        if samples is None or abandoned:
            points = self._reader.points(series.key, abandoned=abandoned)
        else:
            points = self._reader.sampled(series, samples)
        value = exact_values(self._reader, series.key, points)
        return {"step": points.step, "time": points.time, "value": value}


_OF_INFO = {*RunInfo._fields, "duration", "ref"}


def _at(
    axis: Mapping[str, NDArray[Any]], metrics: Mapping[str, Mapping[str, NDArray[Any]]], x: str
) -> dict[str, NDArray[Any]]:
    """The points of the axis `x` at the steps that there are of the other metrics."""
    import numpy as np

    steps = np.concatenate([metric["step"] for key, metric in metrics.items() if key != x])
    there = np.isin(axis["step"], steps)
    return {name: column[there] for name, column in axis.items()}


def _samples(given: object) -> int | None:
    if given is None or (isinstance(given, int) and given > 0):
        return given
    raise BadInput(
        f"samples={given!r:.80} has to be a number of points, 1 or more, or None for all."
    )
