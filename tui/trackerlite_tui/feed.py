"""The thread that reads the store. It knows nothing of widgets: it posts snapshots."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trackerlite.errors import TrackerliteError
from trackerlite_tui.reading import Reading
from trackerlite_tui.snapshot import Job, Snapshot, Wants

if TYPE_CHECKING:
    from trackerlite.readers import Reader

Done = Callable[[Exception | None], None]

_POLL = 0.12  # seconds between two looks at the store's version
_LIVE = 0.5  # seconds between two live redraws, at least
_SHARE = 26  # so many times what one costs: with the looking all of it takes a twentieth of a core
_MOST = 2.0  # but not longer
_QUIET = 0.03  # seconds without another wish before it is fulfilled
_RETRY = 1.0
_BEHIND = 5.0  # seconds between two looks for what nobody projects
_ALONE = 15.0  # the same where no run is live, but a new one would be seen only so


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
        self._open, self._live = open_reader, live
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._wants = Wants()
        self._jobs: list[tuple[Job, Done]] = []
        self._stopped = False
        self._refresh = False
        self._reading_cost = 0.0
        #: processor seconds that the last snapshot took to paint, as whoever painted it says
        self.painting_cost = 0.0
        self._reading = Reading(
            post, first=first, numbers=numbers, moved=self._moved, changed=self._changed
        )

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
                with self._open() as reader:
                    self._reading.forget()
                    self._follow(reader)
            except TrackerliteError as problem:
                self._fail(str(problem))
            except Exception as problem:  # the screen must say so, whatever it is
                self._fail(f"The store cannot be read: {type(problem).__name__}: {problem}")

    def _fail(self, sentence: str) -> None:
        if self._stopped:
            return
        self._reading.tell(problem=sentence, loading=False)
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
            between = _BEHIND if self._reading.open_ended else _ALONE if reader.alone else math.inf
            if jobs or self._refresh or now - looked_at > between:
                self._refresh, looked_at = False, now
                self._catch_up(reader)
            current = reader.version()
            changed = current != version
            if reader.generation != generation:
                generation = reader.generation
                self._reading.begin_anew()
            if (
                jobs
                or seen is None
                or (changed and now - read_at >= self._rest())
                or self._ages(now - read_at)
            ):
                version, seen, read_at = current, wants, now
                began = time.thread_time()
                self._reading.read(reader, wants)
                self._reading_cost = time.thread_time() - began
            elif wants != seen or self._reading.unfinished:
                if not _same_runs(wants, seen):
                    self._reading.read(reader, wants)
                elif not self._quiet():
                    continue
                else:
                    self._reading.read_wanted(reader, wants)
                seen = wants
            wait = _POLL if self._reading.open_ended or changed else 4 * _POLL
            self._wake.wait(wait)
            self._wake.clear()

    def _rest(self) -> float:
        """Seconds between two live redraws."""
        return max(self._live, min(_MOST, _SHARE * (self._reading_cost + self.painting_cost)))

    def _catch_up(self, reader: Reader) -> None:
        """Project what nobody projects; where that cannot be, what is seen may not be all."""
        behind = reader.refresh() or ""
        if behind != self._reading.snapshot.behind:
            self._reading.tell(behind=behind)

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

    def _ages(self, since: float) -> bool:
        """A run may die without writing: look at states now and then."""
        return since > 10.0 and self._reading.open_ended

    def _changed(self, wants: Wants) -> bool:
        """Something else is wanted by now."""
        with self._lock:
            return self._stopped or self._wants != wants or bool(self._jobs)

    def _moved(self, wants: Wants) -> bool:
        """The person is somewhere else by now."""
        if self._stopped:
            return True
        with self._lock:
            now = self._wants
        return (now.curves[:1], now.bands, now.axis) != (wants.curves[:1], wants.bands, wants.axis)
