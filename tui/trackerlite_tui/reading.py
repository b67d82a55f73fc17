"""One look at a store after another: what was read, and what a screen asks of it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trackerlite_tui import syncing
from trackerlite_tui.known import Known, shown, shown_name
from trackerlite_tui.snapshot import (
    BandCurve,
    Curve,
    CurveKey,
    DetailKey,
    MetricName,
    Own,
    Snapshot,
    Wants,
)
from trackerlite_tui.strands import ranked

if TYPE_CHECKING:
    from trackerlite.readers import Reader, RunInfo, SeriesInfo
    from trackerlite_tui.bandload import BandLoader
    from trackerlite_tui.curveload import CurveLoader

_BATCH = 0.05  # seconds of loading before what there is is shown
_STREAMS = ("history", "system")
_FEW = 200  # runs whose metrics can be listed in no time
_SPARE = 200  # curves kept for who comes back to them
_NAMES = 4.0  # seconds between two listings of all metrics


def _never(_: Wants) -> bool:
    return False


class Reading:
    """Reads what is wanted, keeps what does not change, posts a `Snapshot` whenever there is more.

    Args:
        post: takes a snapshot.
        first: what was read before.
        numbers: set once NumPy may be loaded.
        moved: whether the person no longer looks at what `Wants` asks: its curves are left unread.
        changed: whether something else is wanted by now: what can wait is not read.
    """

    def __init__(
        self,
        post: Callable[[Snapshot], None],
        *,
        first: Snapshot | None = None,
        numbers: threading.Event | None = None,
        moved: Callable[[Wants], bool] = _never,
        changed: Callable[[Wants], bool] = _never,
    ) -> None:
        self._post, self._numbers = post, numbers
        self._moved, self._changed = moved, changed
        self.snapshot = first or Snapshot()
        self.unfinished = False  # the last reading was left: the person was elsewhere
        self._reading = 0
        self._unsent = False
        self._details: dict[DetailKey, tuple[Any, Any]] = {}
        # What each curve was loaded as, and the curve: those wanted last, and some from before.
        self._loaded: OrderedDict[CurveKey, tuple[tuple[Any, ...], Curve]] = OrderedDict()
        self.forget()

    def forget(self) -> None:
        """Read all anew: another reader may have another database, with other keys for the same runs."""
        self._loader: CurveLoader | None = None
        self._banded: BandLoader | None = None
        self._loaded.clear()
        self._details.clear()
        self._known = Known()
        self._listed_for: tuple[Any, ...] = ()
        self._names_at = 0.0
        self._names_for: tuple[int, ...] = ()
        self._names_of: tuple[int, ...] = ()

    def begin_anew(self) -> None:
        """Forget the runs as well: the keys they had mean others now."""
        self.forget()
        self.snapshot = Snapshot(self.snapshot.stamp, behind=self.snapshot.behind)

    @property
    def open_ended(self) -> bool:
        """Whether something may come without anybody's doing here: a run is live, or there is none yet."""
        runs = self.snapshot.runs
        return not runs or any(run.state == "running" for run in runs)

    def tell(self, **changes: Any) -> None:
        """Post the snapshot with some parts changed."""
        self._send(replace(self.snapshot, **changes))

    def _send(self, snapshot: Snapshot) -> None:
        self._unsent = False
        self.snapshot = replace(snapshot, stamp=self.snapshot.stamp + 1)
        self._post(self.snapshot)

    def read(self, reader: Reader, wants: Wants) -> None:
        """Read the runs, and what `wants` asks about them."""
        self._reading += 1
        runs = tuple(reader.runs(trashed=wants.trashed))
        first = not self.snapshot.runs
        matching, error = self._match(reader, wants)
        base = replace(
            self.snapshot,
            at=time.time(),
            problem="",
            runs=runs,
            matching=matching,
            filter_error=error,
            filter_hint=self._hint(reader, wants, runs) if matching == frozenset() else "",
            filtered_by=wants.filter,
            alerts=tuple(reader.alerts()),
            store=str(reader.path),
        )
        if first:
            self._send(base)
        else:
            self.snapshot = replace(base, stamp=self.snapshot.stamp)
        self.snapshot = replace(self.snapshot, synced=syncing.words(reader, runs))
        self.read_wanted(reader, wants)

    def read_wanted(self, reader: Reader, wants: Wants) -> None:
        """What `wants` asks about the runs that are known."""
        runs = self.snapshot.runs
        base = replace(
            self.snapshot,
            statistics=self._known.statistics(reader, runs, wants),
            config=self._known.config(reader, runs, wants),
            names=self._names(reader, runs, wants),
        )
        base = replace(base, own=self._own(reader, base, wants))
        listing = (self._reading, wants.listed, wants.streams, wants.names)
        listed: Mapping[CurveKey, SeriesInfo] = self.snapshot.series
        if listing != self._listed_for:
            self._listed_for = listing
            listed = {
                (one.run_key, stream, shown_name(one)): one
                for stream in (wants.streams if wants.listed else ())
                for one in reader.series(wants.listed, stream=stream, names=wants.names)
                if shown(one)
            }
        self.snapshot = replace(base, series=listed, listed=wants.listed, loading=False)
        self._unsent = True
        self._read_details(reader, wants, runs)
        self._read_curves(reader, wants)
        if self._unsent:
            self._send(self.snapshot)
        # The configs of runs that are not on the screen wait until all that is has been shown.
        while wants.config and self._known.waiting and not self._changed(wants):
            self.tell(config=self._known.more(reader))

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
            return self.snapshot.matching, (
                problem.reason,
                problem.start,
                max(problem.end, problem.start + 1),
            )

    def _hint(self, reader: Reader, wants: Wants, runs: tuple[RunInfo, ...]) -> str:
        """What somebody may have meant whose filter no run passes; of many runs it is dear."""
        known = self.snapshot
        if known.filtered_by == wants.filter and len(known.runs) == len(runs):
            return known.filter_hint
        from trackerlite.readers.filters import Filter, FilterError
        from trackerlite.readers.nearest import hints

        try:
            return " ".join(hints(reader, Filter(wants.filter).operands(), None, time.time()))
        except FilterError:  # while it is being typed
            return ""

    def _names(
        self, reader: Reader, runs: tuple[RunInfo, ...], wants: Wants
    ) -> tuple[MetricName, ...]:
        """The metrics of what is drawn and of the newest runs; dear, so not at every change."""
        newest = tuple(run.key for run in runs[:_FEW])
        keys = tuple({*wants.listed, *newest})
        now = time.monotonic()
        fresh = newest == self._names_of and now - self._names_at < _NAMES
        if self.snapshot.names and (fresh or (keys == self._names_for and not self.open_ended)):
            return self.snapshot.names
        self._names_at, self._names_for, self._names_of = now, keys, newest
        from trackerlite.readers.direction import better

        return tuple(
            MetricName(one.name, one.stream, one.runs, better(one.name, one.goal), one.unit)
            for one in reader.names(keys, _STREAMS)
        )

    def _own(self, reader: Reader, base: Snapshot, wants: Wants) -> Own | None:
        """Which metrics the drawn runs have, read again with the names of all; of many runs it is dear."""
        known = self.snapshot.own
        if not wants.own:
            return known
        if len(wants.listed) > _FEW:
            return None
        if (
            known
            and (known.runs, known.every_rank) == (wants.listed, wants.ranks)
            and base.names is self.snapshot.names
        ):
            return known
        if not wants.listed:
            return Own((), frozenset(), {}, wants.ranks)
        found = reader.names(wants.listed, _STREAMS, wants.ranks)
        names = frozenset((one.stream, one.name) for one in found)
        return Own(wants.listed, names, reader.ranks(wants.listed), wants.ranks)

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
        self.tell(details=out)

    def _along(self, series: SeriesInfo, axis: str) -> SeriesInfo | None:
        """The metric on the x axis: what the same process logged, else the run's."""
        listed, stream = self.snapshot.series, series.stream
        own = listed.get((series.run_key, stream, ranked(axis, series.rank)))
        return own or listed.get((series.run_key, stream, axis))

    def _read_curves(self, reader: Reader, wants: Wants) -> None:
        self.unfinished = False
        if not wants.curves and not wants.bands:
            return
        if self._numbers is not None and not self._numbers.is_set():
            self._send(self.snapshot)
            self._numbers.wait(2.0)
        from trackerlite_tui.bandload import BandLoader
        from trackerlite_tui.curveload import CurveLoader

        if self._loader is None or self._banded is None:
            self._loader = CurveLoader(reader)
            self._banded = BandLoader(self._loader)
        started = {run.key: run.started or 0.0 for run in self.snapshot.runs}
        curves = {
            key: self.snapshot.curves[key] for key in wants.curves if key in self.snapshot.curves
        }
        sent = time.monotonic()
        changed = False
        for key in wants.curves:
            series = self.snapshot.series.get(key) or self.snapshot.statistics.get((key[0], key[2]))
            if series is None:
                continue
            x_series = self._along(series, wants.axis)
            form = (
                series.key, series.count, series.total, wants.dots, wants.axis, wants.window, wants.smoothing, wants.afar,
                x_series.count if x_series else 0,
            )  # fmt: skip
            kept = self._loaded.get(key)
            if kept is None or kept[0] != form:
                curve = self._loader.load(series, wants, started.get(key[0], 0.0), x_series)
                kept = self._loaded[key] = form, curve
            self._loaded.move_to_end(key)
            if curves.get(key) is kept[1]:
                continue
            curves[key] = kept[1]
            changed = True
            self.unfinished = self._moved(wants)
            if self.unfinished:
                break
            # What is on the screen already comes all at once; what is not, as soon as it can.
            if key not in self.snapshot.curves and time.monotonic() - sent > _BATCH:
                self.tell(curves=dict(curves), axis=wants.axis)
                sent = time.monotonic()
        while len(self._loaded) > len(wants.curves) + _SPARE:
            self._loaded.popitem(last=False)
        if (
            changed
            or curves.keys() != self.snapshot.curves.keys()
            or self.snapshot.axis != wants.axis
        ):
            self.tell(curves=curves, axis=wants.axis)
        bands: dict[tuple[str, str], tuple[BandCurve, ...]] = {}
        before = self.snapshot.bands
        for metric in wants.bands:
            made = self._banded.load(
                metric, wants, self.snapshot.series, started, lambda: self._moved(wants)
            )
            if made is None:
                self.unfinished = True
                return
            bands[metric] = made
            if before.get(metric) is not made:
                later = {other: before[other] for other in wants.bands if other in before}
                self.tell(bands={**later, **bands}, axis=wants.axis)
