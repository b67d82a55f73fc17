"""Foreign logs followed while others write them."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trackerlite.errors import NotALog, TrackerliteError
from trackerlite.importers import FORMATS, find
from trackerlite.importers.base import ForeignRun
from trackerlite.importers.write import Imported, Intake
from trackerlite.paths import STORE_NAME
from trackerlite.readers.freshness import in_words
from trackerlite.store.projector import of_writer

POLL = 5.0  # seconds: network file systems tell nobody of their changes
REST = 10.0  # a look that took a second is followed by at least ten without
SOONEST = 0.5


class Follower:
    """Takes what is new in the logs below some folders into a store, look by look.

    Args:
        idle: seconds without growth after which a run counts as finished, unless its log
            says so itself.
        refused: told a sentence for each run that cannot be taken in, once.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        store: Path,
        *,
        project: str | None = None,
        formats: tuple[str, ...] = FORMATS,
        idle: float = 600.0,
    ):
        self._paths, self._store, self._project = paths, store, project
        self._formats, self._idle = formats, idle
        self._intakes: dict[Path, Intake] = {}
        self._states: dict[Path, tuple[Any, ...]] = {}
        self._projector = of_writer(store)
        self._refused: set[Path] = set()
        self.refusals: list[str] = []

    def look(self) -> list[Imported]:
        """Take in what is new everywhere; runs that brought nothing are left out."""
        done = []
        for run in self._find():
            state = _state(run.source)
            if self._states.get(run.source) == state:
                self._rest(run)
                continue
            try:
                intake = self._intake(run)
                intake.run = run
                taken = intake.take()
            except (TrackerliteError, OSError) as error:
                self._refuse(run, error)
                continue
            self._states[run.source] = state
            if taken.new:
                done.append(taken)
                self._project_run(taken.folder)
            self._rest(run)
        return done

    def close(self) -> None:
        """Stop following: runs that are still open count as finished."""
        for intake in self._intakes.values():
            intake.finish()
        if self._projector is not None:
            self._projector.close()

    def _project_run(self, folder: Path) -> None:
        """Show what was taken in at once: readers leave the rows of a living writer to it."""
        if self._projector is None:
            return
        try:
            self._projector.project_run(folder, timeout=1.0)
        except Exception:  # noqa: S110 - it is in its journal, and the next reader projects it
            pass

    def _find(self) -> Iterator[ForeignRun]:
        for path in self._paths:
            try:
                yield from find(path, self._formats)
            except NotALog:
                continue  # nothing yet

    def _intake(self, run: ForeignRun) -> Intake:
        found = self._intakes.get(run.source)
        if found is None:
            found = Intake(run, self._store, project=self._project, live=True)
            self._intakes[run.source] = found
        return found

    def _rest(self, run: ForeignRun) -> None:
        """Finish a run whose log has been silent for long."""
        newest = max((entry[2] for entry in self._states.get(run.source, ())), default=0) / 1e9
        if run.source in self._intakes and time.time() - newest > self._idle:
            self._intakes.pop(run.source).finish()

    def _refuse(self, run: ForeignRun, error: Exception) -> None:
        if run.source not in self._refused:
            self._refused.add(run.source)
            why = in_words(error) if isinstance(error, OSError) else str(error)
            self.refusals.append(why)


def _state(source: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time (ns) of each file of a log: what changes when it grows."""
    paths = [source] if source.is_file() else sorted(source.rglob("*"))
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        if path.is_file():
            found.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(found)


class Changes:
    """Tells when something below some folders has changed; a context."""

    def __init__(self, paths: Sequence[Path]):
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        changed = self._changed = threading.Event()

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                # Looking at files is no change, nor is what we write into a store.
                looked = event.event_type in ("opened", "closed_no_write")
                if not looked and STORE_NAME not in Path(os.fsdecode(event.src_path)).parts:
                    changed.set()

        # It warns of folders that are closed to us, which nobody asked us to follow.
        warnings.filterwarnings("ignore", module="watchdog")
        self._observer = Observer()
        for path in paths:
            folder = path if path.is_dir() else path.parent
            self._observer.schedule(Handler(), str(folder), recursive=path.is_dir())

    def __enter__(self) -> Changes:
        self._observer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._observer.stop()
        self._observer.join()

    def wait(self, spent: float) -> None:
        """Wait for a change, or a while, and longer after a look that took long (`spent`)."""
        time.sleep(max(SOONEST, min(60.0, REST * spent)))
        self._changed.wait(POLL)
        self._changed.clear()
