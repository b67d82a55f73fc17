"""The thread that reads the store. It knows nothing of widgets: it posts snapshots."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trackerlite.errors import TrackerliteError
from trackerlite_tui import syncing
from trackerlite_tui.known import Known, shown, shown_name
from trackerlite_tui.snapshot import (
    BandCurve,
    CurveKey,
    DetailKey,
    Job,
    MetricName,
    Snapshot,
    Wants,
)

if TYPE_CHECKING:
    from trackerlite.readers import Reader, RunInfo, SeriesInfo
    from trackerlite_tui.bandload import BandLoader
    from trackerlite_tui.curveload import CurveLoader

Done = Callable[[Exception | None], None]

_POLL = 0.12  # seconds between two looks at the store's version
_LIVE = 0.5  # seconds between two live redraws
_BATCH = 0.05  # seconds of loading before what there is is shown
_QUIET = 0.03  # seconds without another wish before it is fulfilled
_RETRY = 1.0
_BEHIND = 5.0  # seconds between two looks for what nobody projects
_ALONE = 15.0  # the same where no run is live, but a new one would be seen only so
_NAMES = 4.0  # seconds between two listings of all metrics


def _same_runs(wants: Wants, before: Wants) -> bool:
    """Whether the same runs are asked for, in other respects."""
    return (wants.filter, wants.trashed) == (before.filter, before.trashed)


class Feed(threading.Thread):
    """Polls a store and posts a `Snapshot` whenever something to be seen has changed.

    Args:
        open_reader: opens the store; called in this thread, again after a failure.
        post: takes a snapshot; must be quick and safe to call from this thread.
    """

    def __init__(
        self,
        open_reader: Callable[[], Reader],
        post: Callable[[Snapshot], None],
        live: float = _LIVE,
        numbers: threading.Event | None = None,
        first: Snapshot | None = None,
    ) -> None:
        super().__init__(name="trackerlite-feed", daemon=True)
        self._open, self._post, self._live = open_reader, post, live
        self._numbers = numbers  # set once the first frame is on the screen: NumPy may load
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._wants = Wants()
        self._jobs: list[tuple[Job, Done]] = []
        self._stopped = False
        self._until = math.inf  # when to stop reading, in the time of `time.monotonic`
        self._refresh = False
        self._snapshot = first or Snapshot()
        self._loader: CurveLoader | None = None
        self._banded: BandLoader | None = None
        self._listed_for: tuple[Any, ...] = ()
        self._reading = 0
        self._unsent = False
        self._left = False  # the last reading was left unfinished: the person was elsewhere
        self._loaded: dict[CurveKey, tuple[Any, ...]] = {}
        self._details: dict[DetailKey, tuple[Any, Any]] = {}
        self._known = Known()
        self._names_at = 0.0
        self._names_for: tuple[int, ...] = ()

    # -- called from other threads -------------------------------------------------------

    def want(self, wants: Wants) -> None:
        """Say what the screen needs from now on."""
        with self._lock:
            if wants == self._wants:
                return
            self._wants = wants
        self._wake.set()

    def refresh(self) -> None:
        """Look for what nobody projects, and read everything again."""
        self._refresh = True
        self._wake.set()

    def do(self, job: Job, done: Done) -> None:
        """Run an edit or an export in this thread, then read the store again."""
        with self._lock:
            self._jobs.append((job, done))
        self._wake.set()

    def stop(self, wait: float = 1.0) -> None:
        """End the thread."""
        self._stopped = True
        self._wake.set()
        if self.is_alive():
            self.join(wait)

    # -- the thread ----------------------------------------------------------------------

    def run(self) -> None:
        """Open, follow, and after a failure say so and open again."""
        while not self._stopped:
            try:
                with self.open() as reader:
                    self._follow(reader)
            except TrackerliteError as problem:
                self._fail(str(problem))
            except Exception as problem:  # the screen must say so, whatever it is
                self._fail(f"The store cannot be read: {type(problem).__name__}: {problem}")

    def open(self) -> Reader:
        """A new reader; what was loaded through an older one is loaded again."""
        reader = self._open()
        self._forget()
        return reader

    def _forget(self) -> None:
        """Read all anew: another database has other keys for the same runs."""
        self._loader = None
        self._loaded.clear()
        self._details.clear()
        self._known = Known()
        self._listed_for = ()
        self._names_at = 0.0

    def read(self, reader: Reader, wants: Wants) -> None:
        """Read once what `wants` asks, in the caller's thread, for one who does not start this one."""
        self._wants = wants
        self._read(reader, wants)

    def read_wanted(self, reader: Reader, wants: Wants, until: float) -> None:
        """As `read`, but of the runs that are known, and no longer than some monotonic time."""
        self._wants, self._until = wants, until
        self._read_wanted(reader, wants)
        self._until = math.inf

    def _fail(self, sentence: str) -> None:
        if self._stopped:
            return
        self._send(replace(self._snapshot, problem=sentence, loading=False))
        self._wake.wait(_RETRY)
        self._wake.clear()

    def _follow(self, reader: Reader) -> None:
        seen: Wants | None = None
        looked_at = time.monotonic() - _ALONE + 1.0  # for what nobody projects
        read_at = 0.0
        version = -1
        generation = reader.generation
        while not self._stopped:
            wants, jobs = self._take()
            for job, done in jobs:
                self._work(reader, job, done)
            now = time.monotonic()
            between = _BEHIND if self._open_ended() else _ALONE if reader.alone else math.inf
            if jobs or self._refresh or now - looked_at > between:
                self._refresh, looked_at = False, now
                self._catch_up(reader)
            current = reader.version()
            changed = current != version
            if reader.generation != generation:
                generation = reader.generation
                self._forget()
                self._snapshot = Snapshot(self._snapshot.stamp, behind=self._snapshot.behind)
            if (
                jobs
                or seen is None
                or (changed and now - read_at >= self._live)
                or self._ages(now - read_at)
            ):
                version, seen, read_at = current, wants, now
                self._read(reader, wants)
            elif wants != seen or self._left:
                if not _same_runs(wants, seen):
                    self._read(reader, wants)
                elif not self._quiet():
                    continue
                else:
                    self._read_wanted(reader, wants)
                seen = wants
            wait = _POLL if self._open_ended() or changed else 4 * _POLL
            self._wake.wait(wait)
            self._wake.clear()

    def _catch_up(self, reader: Reader) -> None:
        """Project what nobody projects; where that cannot be, what is seen may not be all."""
        behind = reader.refresh() or ""
        if behind != self._snapshot.behind:
            self._send(replace(self._snapshot, behind=behind))

    def _quiet(self) -> bool:
        """Whether the person has stopped moving: loading holds up the next key."""
        self._wake.clear()
        return not self._wake.wait(_QUIET)

    def _take(self) -> tuple[Wants, list[Any]]:
        with self._lock:
            jobs, self._jobs = self._jobs, []
            return self._wants, jobs

    def _work(self, reader: Reader, job: Job, done: Done) -> None:
        try:
            job(reader)
        except Exception as problem:  # shown to whoever asked for the edit
            done(problem)
        else:
            done(None)

    def _open_ended(self) -> bool:
        return any(run.state == "running" for run in self._snapshot.runs) or not self._snapshot.runs

    def _ages(self, since: float) -> bool:
        """A run may die without writing: look at states now and then."""
        return since > 10.0 and self._open_ended()

    # -- one reading ---------------------------------------------------------------------

    def _read(self, reader: Reader, wants: Wants) -> None:
        self._reading += 1
        runs = tuple(reader.runs(trashed=wants.trashed))
        first = not self._snapshot.runs
        matching, error = self._match(reader, wants)
        base = replace(
            self._snapshot,
            at=time.time(),
            problem="",
            runs=runs,
            matching=matching,
            filter_error=error,
            filtered_by=wants.filter,
            alerts=tuple(reader.alerts()),
            store=str(reader.path),
        )
        if first:
            self._send(base)
        else:
            self._snapshot = replace(base, stamp=self._snapshot.stamp)
        self._snapshot = replace(self._snapshot, synced=syncing.words(reader, runs))
        self._read_wanted(reader, wants)

    def _read_wanted(self, reader: Reader, wants: Wants) -> None:
        """What `wants` asks about the runs that are known."""
        runs = self._snapshot.runs
        base = replace(
            self._snapshot,
            statistics=self._known.statistics(reader, runs, wants),
            config=self._known.config(reader, runs, wants),
            names=self._names(reader, runs, wants),
        )
        listing = (self._reading, wants.listed, wants.streams, wants.names)
        listed: Mapping[CurveKey, SeriesInfo] = self._snapshot.series
        if listing != self._listed_for:
            self._listed_for = listing
            listed = {
                (one.run_key, stream, shown_name(one)): one
                for stream in (wants.streams if wants.listed else ())
                for one in reader.series(wants.listed, stream=stream, names=wants.names)
                if shown(one)
            }
        self._snapshot = replace(base, series=listed, loading=False)
        self._unsent = True
        self._read_details(reader, wants, runs)
        self._read_curves(reader, wants)
        if self._unsent:
            self._send(self._snapshot)
        # The configs of runs that are not on the screen wait until all that is has been shown.
        while (
            wants.config
            and self._known.waiting
            and self._until == math.inf
            and not self._stopped
            and not self._changed(wants)
        ):
            self._send(replace(self._snapshot, config=self._known.more(reader)))

    def _match(
        self, reader: Reader, wants: Wants
    ) -> tuple[frozenset[int] | None, tuple[str, int, int] | None]:
        if not wants.filter.strip():
            return None, None
        from trackerlite.readers.filters import FilterError
        from trackerlite.readers.select import select_runs

        try:
            passing = select_runs(reader, wants.filter, trashed=wants.trashed)
            return frozenset(run.key for run in passing), None
        except FilterError as problem:
            return self._snapshot.matching, (
                problem.reason,
                problem.start,
                max(problem.end, problem.start + 1),
            )

    def _names(
        self, reader: Reader, runs: tuple[RunInfo, ...], wants: Wants
    ) -> tuple[MetricName, ...]:
        """The metrics of what is drawn and of the newest runs; dear, so not at every change."""
        keys = tuple({*wants.listed, *(run.key for run in runs[:200])})
        now = time.monotonic()
        fresh = now - self._names_at < (_NAMES if self._snapshot.names else 0)
        if self._snapshot.names and (fresh or (keys == self._names_for and not self._open_ended())):
            return self._snapshot.names
        self._names_at, self._names_for = now, keys
        from trackerlite.readers.direction import better

        return tuple(
            MetricName(one.name, one.stream, one.runs, better(one.name, one.goal), one.unit)
            for one in reader.names(keys, ("history", "system"))
        )

    def _read_details(self, reader: Reader, wants: Wants, runs: tuple[RunInfo, ...]) -> None:
        if not wants.details:
            return
        from trackerlite_tui import details

        by_key = {run.key: run for run in runs}
        out = {}
        for key in wants.details:
            try:
                out[key] = details.load(reader, key, by_key, self._details)
            except Exception as problem:  # one pane's trouble must not empty the others
                out[key] = problem
        self._send(replace(self._snapshot, details=out))

    def _read_curves(self, reader: Reader, wants: Wants) -> None:
        self._left = False
        if not wants.curves and not wants.bands:
            return
        if self._numbers is not None and not self._numbers.is_set():
            self._send(self._snapshot)
            self._numbers.wait(2.0)
        from trackerlite_tui.bandload import BandLoader
        from trackerlite_tui.curveload import CurveLoader

        if self._loader is None or self._banded is None:
            self._loader = CurveLoader(reader)
            self._banded = BandLoader(self._loader)
        started = {run.key: run.started or 0.0 for run in self._snapshot.runs}
        curves = {
            key: self._snapshot.curves[key] for key in wants.curves if key in self._snapshot.curves
        }
        sent = time.monotonic()
        changed = False
        for key in wants.curves:
            series = self._snapshot.series.get(key) or self._snapshot.statistics.get(
                (key[0], key[2])
            )
            if series is None:
                continue
            x_series = self._snapshot.series.get((key[0], key[1], wants.axis))
            form = (
                series.key, series.count, series.total, wants.dots, wants.axis, wants.window, wants.smoothing, wants.afar,
                x_series.count if x_series else 0,
            )  # fmt: skip
            if self._loaded.get(key) == form and key in curves:
                continue
            curves[key] = self._loader.load(series, wants, started.get(key[0], 0.0), x_series)
            self._loaded[key] = form
            changed = True
            self._left = self._moved(wants)
            if self._left:
                break
            # What is on the screen already comes all at once; what is not, as soon as it can.
            if key not in self._snapshot.curves and time.monotonic() - sent > _BATCH:
                self._send(replace(self._snapshot, curves=dict(curves), axis=wants.axis))
                sent = time.monotonic()
        if (
            changed
            or curves.keys() != self._snapshot.curves.keys()
            or self._snapshot.axis != wants.axis
        ):
            self._send(replace(self._snapshot, curves=curves, axis=wants.axis))
        bands: dict[tuple[str, str], tuple[BandCurve, ...]] = {}
        before = self._snapshot.bands
        for metric in wants.bands:
            made = self._banded.load(
                metric, wants, self._snapshot.series, started, lambda: self._moved(wants)
            )
            if made is None:
                self._left = True
                return
            bands[metric] = made
            if before.get(metric) is not made:
                later = {other: before[other] for other in wants.bands if other in before}
                self._send(replace(self._snapshot, bands={**later, **bands}, axis=wants.axis))

    def _changed(self, wants: Wants) -> bool:
        with self._lock:
            return self._wants != wants or bool(self._jobs)

    def _moved(self, wants: Wants) -> bool:
        """The person is somewhere else by now, or there is no more time."""
        if self._stopped or time.monotonic() > self._until:
            return True
        with self._lock:
            now = self._wants
        return (now.curves[:1], now.bands, now.axis) != (wants.curves[:1], wants.bands, wants.axis)

    def _send(self, snapshot: Snapshot) -> None:
        self._unsent = False
        self._snapshot = replace(snapshot, stamp=self._snapshot.stamp + 1)
        self._post(self._snapshot)
