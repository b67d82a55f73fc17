"""The thread beside the training: heartbeats, system metrics, and the projection.

It never touches the training's thread, and whatever goes wrong in it is told
once and costs no row: the journal already has them all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from trackerlite.recording import imports
from trackerlite.text import tell

if TYPE_CHECKING:
    from trackerlite.store.projector import Listener, Projector

HEARTBEAT_EVERY = 10.0
FIRST = 0.05  # seconds that `init` gets to return, before threads take turns with it
_FASTEST, _SLOWEST = 0.1, 1.0


class Recorder:
    """Runs until `stop`.

    Args:
        store, folder: which run to project.
        beat: called every ten seconds, to record that the run lives.
        progress: a number that changes whenever something new was written.
        each: called every round, a few times a second.
        listener: called with each event that is projected.
    """

    def __init__(
        self,
        store: Path,
        folder: Path,
        beat: Callable[[], None],
        progress: Callable[[], int],
        each: Callable[[], None] | None = None,
        listener: Listener | None = None,
    ):
        self.store, self.folder = store, folder
        self._beat, self._progress = beat, progress
        self._each, self._listener = each, listener
        self._stop = threading.Event()
        self._told: set[str] = set()
        self._projector: Projector | None = None
        self._looked = False  # whether there may be a projector here
        self._thread = threading.Thread(target=self._run, name="trackerlite", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # the process may have no more threads
            self._tell(error)

    def stop(self, timeout: float = 30.0) -> None:
        """Project what is left and end the thread, waiting up to `timeout` seconds."""
        self._stop.set()
        if self._thread.ident is None:  # never started
            self._safely(self._project_all)
        elif self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        self._stop.wait(FIRST)
        imports.load()
        beat_at = time.monotonic() + HEARTBEAT_EVERY
        pause, seen = _FASTEST, -1
        while not self._stop.wait(pause):
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + HEARTBEAT_EVERY
                self._safely(self._beat)
            written = self._progress()
            if (written != seen or self._behind) and self._safely(self._project):
                seen = written
            if self._each is not None:
                self._safely(self._each)
            # A fifth of our time for projecting, the training keeps the rest: while both want
            # the interpreter's lock, each of its calls costs it twice as much.
            pause = min(_SLOWEST, max(pause * 1.5, 4 * self._spent))
        self._safely(self._project_all)

    _spent = 0.0
    _behind = False  # whether the last round left something, for the training to have its share

    def _project(self) -> None:
        from trackerlite.store.projector import of_writer

        if not self._looked:
            self._projector, self._looked = of_writer(self.store, self._listener), True
        if self._projector is None:
            return
        start = time.monotonic()
        _, self._behind = self._projector.project_some(self.folder, timeout=1.0)
        self._spent = time.monotonic() - start

    def _project_all(self) -> None:
        """The last projection: worth waiting a little for a lock."""
        try:
            for attempt in range(5):
                try:
                    self._project()
                    while self._behind:
                        self._project()
                    return
                except Exception:
                    if attempt == 4:
                        raise
                    time.sleep(0.2)
        finally:
            if self._projector is not None:
                self._projector.close()

    def _safely(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except Exception as error:  # whatever it is, the training goes on
            self._tell(error)
            return False
        return True

    def _tell(self, error: Exception) -> None:
        kind = type(error).__name__
        if kind in self._told:
            return
        self._told.add(kind)
        tell(
            f"the database of {self.store} could not be updated ({kind}: {error}). "
            "Nothing is lost: the run is in its journal, and the database catches up later."
        )
