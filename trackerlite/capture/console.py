"""What a training prints, kept beside its numbers.

    console = Console(folder / "console.log").start()
    …
    console.stop()

File descriptors 1 and 2 are put behind pipes, so that subprocesses and C libraries count
too. The other ends belong to a small process of ours (`relay`), which passes every byte on
unchanged and writes the log. A thread would not do: C code that prints a lot while it holds
the interpreter's lock would wait for a reader that waits for the lock, and the last words
of a process that crashes would stay in the pipe. The relay outlives the crash and ends by
itself. Where the descriptors are not ours to move (pytest, Jupyter, a prompt) Python's streams
are wrapped instead.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable
from pathlib import Path

from trackerlite.capture import known, shell
from trackerlite.capture.descriptors import Relay, running
from trackerlite.capture.lines import LIMIT, Log
from trackerlite.capture.streams import Stream

_logs: weakref.WeakSet[Log] = weakref.WeakSet()  # those that this process writes itself


class Console:
    """Records standard output and error of this process into one file.

    Args:
        path: the log; appended to, so that a resumed run continues it.
        limit: its greatest size in bytes; what goes beyond replaces the middle.
        mode: "fd" (all output), "stream" (Python's own), "off", "auto": the first that is safe.
    """

    def __init__(self, path: str | os.PathLike[str], limit: int = LIMIT, mode: str = "auto"):
        self.path = Path(path)
        self.limit = limit
        self.mode = _safest() if mode == "auto" else mode
        self._relay: Relay | None = None
        self._streams: list[Stream] = []
        self._log: Log | None = None
        self._leave_cells: Callable[[], None] = _nothing

    def start(self) -> Console:
        """Begin; a console that cannot be captured is left exactly as it is."""
        if self._relay is not None or self._streams or self.mode == "off":
            return self
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.mode == "fd":
                self._relay = Relay(self.path, self.limit)
            else:
                self._log = Log(self.path, self.limit, pause=0)  # nobody would flush it
                self._log.open()
                _logs.add(self._log)
                self._streams = [Stream("stdout", self._log), Stream("stderr", self._log)]
                self._leave_cells = shell.at_each_cell(self._follow)
        except (OSError, ValueError, NotImplementedError):
            self.stop()
        return self

    def stop(self, timeout: float = 2.0) -> None:
        """Put everything back and write what is left. Safe to call twice, and after a fork."""
        relay, self._relay = self._relay, None
        if relay is not None:
            relay.stop(timeout)
        self._leave_cells()
        self._leave_cells = _nothing
        streams, self._streams = self._streams, []
        for stream in streams:
            stream.stop()
        if self._log is not None:
            self._log.close()

    def _follow(self) -> None:
        for stream in self._streams:
            stream.follow()

    def __enter__(self) -> Console:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _nothing() -> None:
    pass


def _safest() -> str:
    """Moving descriptors is right unless somebody else already did, or another run does."""
    # What is typed at a prompt is no output, and its echo must not wait for a relay.
    if shell.is_typed_into() or "pytest" in sys.modules or running:
        return "stream"
    if "python" not in Path(sys.executable or "").name or not hasattr(os, "posix_spawn"):
        return "stream"
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is None or stream.fileno() != number:
                return "stream"
        except (OSError, ValueError, AttributeError):
            return "stream"
    return "fd"


def _after_fork() -> None:
    for relay in running:
        relay.forget()
    running.clear()
    for log in _logs:
        log.forked()
    known.listeners.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
