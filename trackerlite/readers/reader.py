"""The reader: everything the terminal UI, the command line, sync and `Api` know of a store."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from trackerlite import paths
from trackerlite.errors import StoreError, StoreNotFound
from trackerlite.readers.freshness import as_it_was, catch_up, closed, in_words
from trackerlite.readers.info import (
    AlertInfo,
    ArtifactInfo,
    DamageInfo,
    NameInfo,
    Points,
    RunInfo,
    SeriesInfo,
    ValueRow,
)
from trackerlite.readers.runs import Runs
from trackerlite.store import connect, summary
from trackerlite.store.filesystem import database_path
from trackerlite.store.numbers import number
from trackerlite.text import tell

_SERIES_COLUMNS = (
    "key, run_key, name, stream, lane, rank, total, points, finite, first, last, last_kind, minimum, min_at, "
    "maximum, max_at, total_value, first_step, last_step, min_step, max_step, first_time, last_time, goal, unit, "
    "step_metric, alarm, hidden"
)


class Reader:
    """A view of one store that never writes to it. Close it, or use it in a `with`.

    One reader belongs to one thread at a time.
    """

    def __init__(self, path: Path, connection: connect.Connection, database: Path):
        self.path = path
        self.database = database
        self.connection = connection
        self._identity = connect.identity(database)
        self._written = connect.written(database)
        #: counts the databases it went on in: the keys of one mean nothing in the next
        self.generation = 0

    @classmethod
    def open(cls, dir: str | os.PathLike[str] | None = None, *, refresh: bool = True) -> Reader:
        """Open the store in or above this folder, or in `dir`.

        Args:
            refresh: first project what dead writers left behind. A store that cannot
                be written (read-only, locked for long) is read as it is.

        Raises:
            StoreNotFound, StoreTooNew, StoreDamaged.
            StoreError: we may not read it.
        """
        path = paths.existing_store(dir)
        try:
            database = database_path(path)
            trouble = catch_up(path) if refresh else None
            there = database.is_file()
        except PermissionError as error:
            raise StoreError(f"The runs in {path} cannot be read: {in_words(error)}.") from error
        if not there:
            trouble = trouble or closed(path)
            if trouble:
                raise StoreError(f"The runs in {path} cannot be read: {trouble}.")
            raise StoreNotFound(
                f"The store {path} holds no run yet. Run a script that calls trackerlite.init(), or `trackerlite demo`."
            )
        reader = cls(path, connect.open_reader(database), database)
        if trouble:
            tell(as_it_was(path, trouble))
        return reader

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Close it; who leaves because the database cannot be read is told what to do.

        Raises:
            StoreDamaged, StoreError: in place of SQLite's error.
        """
        self.close()
        if isinstance(error, sqlite3.Error):
            raise connect.unreadable(self.database, error) from error

    def version(self) -> int:
        """A number that changes whenever anybody committed anything; cheap to ask."""
        self._follow()
        found = int(self.connection.execute("PRAGMA data_version").fetchone()[0])
        return found + (self.generation << 32)

    @property
    def alone(self) -> bool:
        """Whether no writer projects into this database, so that only `refresh` brings news.

        So it is with a store that we may only read, and with one on a network file system.
        """
        return self.database.parent != self.path or not os.access(self.path, os.W_OK)

    def _follow(self, rewritten: bool = False) -> None:
        """Go on in the new database where the old one was deleted, replaced or `rewritten`."""
        now = connect.identity(self.database)
        if now is None:
            paths.existing_store(self.path)  # or say that all of it is gone
        if now is None or (now == self._identity and not rewritten):
            return
        fresh = connect.open_reader(self.database)
        self.connection.close()
        self.connection, self._identity, self._written = fresh, now, connect.written(self.database)
        self.generation += 1

    def refresh(self) -> str | None:
        """Project what nobody else projects; return a sentence if that was not possible."""
        trouble = catch_up(self.path)
        self.database = database_path(self.path)  # another one since somebody writes there again
        unseen = self.connection.immutable and connect.written(self.database) != self._written
        self._follow(rewritten=unseen)
        return as_it_was(self.path, trouble) if trouble else None

    # -- runs -------------------------------------------------------------------------

    @property
    def _runs(self) -> Runs:
        return Runs(self.path, self.connection)

    def runs(self, project: str | None = None, *, trashed: bool = False) -> list[RunInfo]:
        """All runs, the newest first.

        Args:
            trashed: those in the trash instead of those that are not.
        """
        return self._runs.listed(project, trashed)

    def run(self, ref: str, *, trashed: bool = False) -> RunInfo:
        """The run meant by `ref`: an id, a unique prefix of one, or a name; `project/` may lead.

        Raises:
            RunNotFound, AmbiguousRun.
        """
        return self._runs.called(ref, trashed)

    def run_in(self, folder: Path) -> RunInfo:
        """The run whose files are in `folder`.

        Raises:
            RunNotFound: the store knows no run there.
        """
        return self._runs.in_folder(folder)

    def environment(self, run_key: int) -> dict[str, Any]:
        """What was captured about a run: host, python, packages, git, command line, …"""
        row = self.connection.execute(
            "SELECT environment FROM run WHERE key=?", (run_key,)
        ).fetchone()
        parsed: dict[str, Any] = json.loads(row[0]) if row else {}
        return parsed

    def params(
        self, run_keys: Iterable[int] | None = None, name: str | None = None
    ) -> dict[int, dict[str, Any]]:
        """The config of some runs (default: all), flat with dotted keys, by run key.

        Args:
            name: only this key.
        """
        found: dict[int, dict[str, Any]] = {key: {} for key in run_keys or ()}
        clause, bound = summary.of(run_keys, name)
        query = f"SELECT run_key, key, json FROM param {clause}"  # noqa: S608
        for run_key, key, text in self.connection.execute(query, bound):
            found.setdefault(run_key, {})[key] = json.loads(text)
        return found

    def summaries(
        self, run_keys: Iterable[int] | None = None, name: str | None = None
    ) -> dict[int, dict[str, Any]]:
        """The summary of some runs (default: all), by run key: as the view `summary`, parsed.

        Args:
            name: only this key.
        """
        return summary.read(self.connection, run_keys, name)

    # -- metrics ----------------------------------------------------------------------

    def series(
        self,
        run_keys: Iterable[int] | None = None,
        stream: str = "history",
        names: Iterable[str] | None = None,
        abandoned: bool = False,
    ) -> list[SeriesInfo]:
        """The metrics of some runs (default: all) that have a visible point.

        Args:
            stream: "history", "system", or "value" (what is no number).
            names: only these.
            abandoned: those that have a point hidden by a rewind instead.
        """
        clause, bound = ["stream = ?", "points < total" if abandoned else "points > 0"], [stream]
        if names is not None:
            wanted = list(names)
            clause.append(f"name IN ({','.join('?' * len(wanted))})")
            bound += wanted
        among = summary.among("run_key", run_keys).replace("WHERE", "AND")
        # The + keeps SQLite from walking all runs' metrics in the order of their names.
        rows = self.connection.execute(
            f"SELECT {_SERIES_COLUMNS} FROM series WHERE {' AND '.join(clause)} {among} ORDER BY +name, rank, lane",  # noqa: S608
            bound,
        )
        return [_series_info(row) for row in rows]

    def names(
        self,
        run_keys: Iterable[int],
        streams: Sequence[str] = ("history",),
        every_rank: bool = False,
    ) -> list[NameInfo]:
        """The metrics that some runs have, by name, without hidden ones.

        Args:
            every_rank: also what other ranks than 0 logged and rank 0 did not.
        """
        of_ranks = "" if every_rank else "AND rank = 0 "
        among = summary.among("run_key", run_keys).replace("WHERE", "AND")
        # Distinct first, then counted: COUNT(DISTINCT) makes a tree of its own for each name.
        rows = self.connection.execute(
            "SELECT name, stream, COUNT(*), MIN(goal), MIN(unit) FROM ("  # noqa: S608
            "SELECT run_key, name, stream, MIN(goal) AS goal, MIN(unit) AS unit FROM series "
            f"WHERE stream IN ({','.join('?' * len(streams))}) AND points > 0 {of_ranks}AND hidden = 0 "
            f"AND lane NOT LIKE 'fork%' {among} GROUP BY run_key, stream, name) "
            "GROUP BY name, stream ORDER BY name, stream",
            streams,
        )
        return [NameInfo(*row) for row in rows]

    def ranks(self, run_keys: Iterable[int]) -> dict[int, tuple[int, ...]]:
        """Which ranks logged numbers, by run key, of those runs that several processes recorded."""
        among = summary.among("run_key", run_keys).replace("WHERE", "AND")
        found: dict[int, set[int]] = {}
        for key, rank in self.connection.execute(
            f"SELECT DISTINCT run_key, rank FROM series WHERE rank > 0 AND points > 0 AND stream <> 'value' {among}"  # noqa: S608
        ):
            found.setdefault(key, {0}).add(rank)
        return {key: tuple(sorted(ranks)) for key, ranks in found.items()}

    def points(
        self, series_key: int, start: int = 0, stop: int | None = None, *, abandoned: bool = False
    ) -> Points:
        """The visible points of a series, by index from `start` up to before `stop`.

        `abandoned`: instead those that were logged behind a step that the run went back to.
        """
        from trackerlite.readers import curves  # NumPy: only where arrays are asked for

        return curves.points(self.connection, series_key, start, stop, abandoned=abandoned)

    def envelope(
        self, series_key: int, resolution: int = 1000, start: int = 0, stop: int | None = None
    ) -> Any:
        """A series from afar, as a structured array of `readers.ENVELOPE`.

        At least `resolution` buckets where there are that many points, at most 16 times
        as many; every spike is in the bucket's `min` and `max`.
        """
        from trackerlite.readers import curves

        return curves.envelope(self.connection, series_key, resolution, start, stop)

    def sampled(self, series: SeriesInfo, most: int) -> Points:
        """About `most` points of a series that tell its shape: spikes, gaps and both ends are there.

        Each is a point that was logged, with its own step and time.
        """
        from trackerlite.readers import sampling

        return sampling.sampled(self.connection, series.key, series.total, most)

    def values(self, run_key: int, name: str | None = None) -> list[ValueRow]:
        """What a run logged that is no number, in order of logging.

        A medium whose file took a moment is told a second time, complete: it is given out once.
        """
        clause, bound = "", [run_key]
        if name is not None:
            clause = "AND series.name = ?"
            bound.append(name)  # type: ignore[arg-type]
        rows = self.connection.execute(
            "SELECT series.name, value.step, value.time, series.rank, value.json FROM series JOIN value "  # noqa: S608
            "ON value.key >= series.key << 40 AND value.key < (series.key + 1) << 40 "
            "WHERE series.run_key = ? AND series.stream = 'value' "
            f"AND (value.mark IS NULL OR value.mark < 16) {clause} ORDER BY value.time, value.step, series.name",
            bound,
        )
        found: list[ValueRow] = []
        places: dict[tuple[Any, ...], int] = {}
        for name_, step, time, rank, text in rows:
            row = ValueRow(name_, step, time, rank, json.loads(text))
            place = len(found)
            if row.files:
                place = places.setdefault((name_, rank, step, row.files), place)
            found[place : place + 1] = [row]
        return found

    # -- the rest ---------------------------------------------------------------------

    def alerts(self, run_key: int | None = None) -> list[AlertInfo]:
        """The alerts of one run or all, oldest first."""
        among = summary.among("run_key", None if run_key is None else [run_key])
        query = f"SELECT run_key, time, step, title, text, level, metric FROM alert {among} ORDER BY time"  # noqa: S608
        return [AlertInfo(*row) for row in self.connection.execute(query)]

    def artifacts(self, run_key: int | None = None) -> list[ArtifactInfo]:
        """The artifacts of one run or all, oldest first."""
        among = summary.among("run_key", None if run_key is None else [run_key])
        query = (
            "SELECT run_key, time, use, name, type, version, digest, size, body "  # noqa: S608
            f"FROM artifact {among} ORDER BY time, key"
        )
        return [
            ArtifactInfo(run_key, time, use, name, kind, version, digest, size, json.loads(body))
            for run_key, time, use, name, kind, version, digest, size, body in self.connection.execute(
                query
            )
        ]

    def damage(self) -> list[DamageInfo]:
        """The damaged ranges that the projector met."""
        rows = self.connection.execute(
            "SELECT journal.path, start, stop, reason FROM damage JOIN journal ON journal.key = journal_key "
            "ORDER BY journal.path, start"
        )
        return [
            DamageInfo(self.path / path, start, stop, reason) for path, start, stop, reason in rows
        ]


def _series_info(row: tuple[Any, ...]) -> SeriesInfo:
    (
        key, run_key, name, stream, lane, rank, total, points, finite, first, last, last_kind, minimum, min_at,
        maximum, max_at, total_value, first_step, last_step, min_step, max_step, first_time, last_time, goal, unit,
        step_metric, alarm, hidden,
    ) = row  # fmt: skip
    if stream != "value":
        first = float("nan") if first is None else first
        last = number(last, last_kind)
    return SeriesInfo(
        key, run_key, name, stream, lane, rank, total, points, finite, first, last, minimum, min_at, maximum,
        max_at, total_value / finite if finite and total_value is not None else None, first_step, last_step, min_step, max_step, first_time,
        last_time, goal, unit, step_metric, alarm, bool(hidden),
    )  # fmt: skip
