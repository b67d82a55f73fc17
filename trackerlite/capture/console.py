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
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trackerlite.capture import known, shell
from trackerlite.capture.lines import LIMIT, Log, Source

_relays: list[_Relay] = []
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
        self._relay: _Relay | None = None
        self._streams: list[_Stream] = []
        self._log: Log | None = None
        self._leave_cells: Callable[[], None] = _nothing

    def start(self) -> Console:
        """Begin; a console that cannot be captured is left exactly as it is."""
        if self._relay is not None or self._streams or self.mode == "off":
            return self
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.mode == "fd":
                self._relay = _Relay(self.path, self.limit)
            else:
                self._log = Log(self.path, self.limit, pause=0)  # nobody would flush it
                self._log.open()
                _logs.add(self._log)
                self._streams = [_Stream("stdout", self._log), _Stream("stderr", self._log)]
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
    if shell.is_typed_into() or "pytest" in sys.modules or _relays:
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


class _Relay:
    """Descriptors 1 and 2 behind pipes, and the process that reads them."""

    def __init__(self, path: Path, limit: int) -> None:
        _flush_python()
        self._pid = os.getpid()
        self.process = 0  # once it has said so
        self._gone = threading.Event()
        self._saved: dict[int, int] = {}
        self._spare: list[int] = []  # reading ends that we keep, or a dead relay would kill prints
        ends: list[int] = []
        ours: list[int] = []
        try:
            reads = []
            for number in (1, 2):
                self._saved[number] = _high(number)
                read, write = _pipe(number)
                reads.append(read)
                ends.append(write)
            self._spare = reads
            control, self._control = os.pipe()
            self._done, done = os.pipe()
            ours = [control, done]
            self._starter = self._spawn(path, limit, control, done, reads)
            for number, write in zip((1, 2), ends, strict=True):
                os.dup2(write, number, inheritable=True)
        except BaseException:
            self._restore()
            raise
        finally:
            for descriptor in (*ends, *ours):
                os.close(descriptor)
        _relays.append(self)
        os.set_blocking(self._control, False)  # a relay that does not listen holds up nobody
        for value in known.learnt():
            self._secret(value)
        known.listeners.append(self._secret)
        self._watcher = threading.Thread(
            target=self._watch, name="trackerlite-console", daemon=True
        )
        self._watcher.start()

    def _spawn(self, path: Path, limit: int, control: int, done: int, reads: list[int]) -> int:
        """Start the relay with exactly these descriptors: 3 control, 4 done, 5 and 6 what was
        printed, 7 and 8 where it goes. Signals meant for the training do not reach it."""
        wanted = [control, done, *reads, self._saved[1], self._saved[2]]
        high = [_high(descriptor) for descriptor in wanted]
        try:
            actions: list[Any] = [
                (os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate(high, 3)
            ]
            script = Path(__file__).with_name("relay.py")
            blocked = {
                getattr(signal, name)
                for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
                if hasattr(signal, name)
            }
            return os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", str(script), str(path.absolute()), str(limit)],
                dict(os.environ),
                file_actions=actions,
                setsigmask=blocked,
            )
        finally:
            for descriptor in high:
                os.close(descriptor)

    def _secret(self, value: str) -> None:
        """What became known as a secret here has to be known there."""
        try:
            os.write(
                self._control, b"secret " + value.encode("utf-8", "replace").hex().encode() + b"\n"
            )
        except OSError:
            pass

    def _watch(self) -> None:
        """Should the relay die before us, take the pipes away from everybody who prints."""
        try:
            os.waitpid(self._starter, 0)  # it has started the relay, and ended
        except ChildProcessError:  # somebody else waits for all children
            pass
        while said := os.read(self._done, 64):
            self.process = int(said)
        self._gone.set()
        if self in _relays and os.getpid() == self._pid:
            self._detach()
            for read, number in zip(self._spare, (1, 2), strict=True):
                os.set_blocking(read, False)
                try:
                    while data := os.read(read, 65536):
                        os.write(number, data)
                except OSError:
                    pass
        os.close(self._done)

    def stop(self, timeout: float) -> None:
        """Give the descriptors back, and wait until all that was printed has arrived."""
        if os.getpid() != self._pid or self not in _relays:
            return  # a forked child keeps printing through its parent's relay
        _flush_python()
        self._detach()
        try:
            os.write(self._control, b"stop\n")
            self._gone.wait(timeout)
        except OSError:
            pass
        for descriptor in (self._control, *self._spare):
            os.close(descriptor)
        self._watcher.join(0.2)  # a background process that still prints keeps its relay

    def _detach(self) -> None:
        if self in _relays:
            _relays.remove(self)
        if self._secret in known.listeners:
            known.listeners.remove(self._secret)
        self._restore()

    def _restore(self) -> None:
        for number, descriptor in self._saved.items():
            try:
                os.dup2(descriptor, number, inheritable=True)
                os.close(descriptor)
            except OSError:
                pass
        self._saved.clear()

    def forget(self) -> None:
        """In a forked child: only the parent's end may tell the relay that the parent is gone."""
        for descriptor in (self._control, self._done):
            try:
                os.close(descriptor)
            except OSError:
                pass


def _after_fork() -> None:
    for relay in _relays:
        relay.forget()
    _relays.clear()
    for log in _logs:
        log.forked()
    known.listeners.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Stream:
    """One of Python's streams, wrapped: what it is and returns stays the same."""

    def __init__(self, name: str, log: Log) -> None:
        self._name, self._log = name, log.source(name[3:])
        self._wrap()

    def _wrap(self) -> None:
        self._original = getattr(sys, self._name)
        while isinstance(self._original, _Tee) and self._original._log is None:
            self._original = self._original._stream  # one of ours that has nothing to do any more
        self._wrapped: Any = None
        if self._original is not None:
            self._wrapped = _Tee(self._original, self._log)
            setattr(sys, self._name, self._wrapped)

    def follow(self) -> None:
        """A cell that kept what it printed for itself (`%%capture`) has put the stream back that
        was there before ours."""
        stream = getattr(sys, self._name)
        while isinstance(stream, _Tee):
            if stream is self._wrapped:
                return
            stream = stream._stream
        if self._wrapped is not None:
            self._wrapped.detach_log()
        self._wrap()

    def stop(self) -> None:
        # Somebody may have wrapped ours since: then it stays, and passes through.
        if self._wrapped is not None:
            self._wrapped.detach_log()
            if getattr(sys, self._name) is self._wrapped:
                setattr(sys, self._name, self._original)
        self._log.end()


class _Tee:
    """Behaves as the stream it wraps; what is written is copied to the log."""

    def __init__(self, stream: Any, log: Source) -> None:
        self.__dict__["_stream"] = stream
        self.__dict__["_log"] = log

    def write(self, text: Any) -> Any:
        written = self._stream.write(text)
        log = self._log
        if log is not None and isinstance(text, str):
            log.feed_text(text)
        return written

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def detach_log(self) -> None:
        self.__dict__["_log"] = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # A `write` that somebody puts in front of ours (IPython does, for each cell) calls
        # ours: put into the stream that ours calls, it would go round for ever.
        if name in ("write", "writelines"):
            self.__dict__[name] = value
        else:
            setattr(self._stream, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__:
            del self.__dict__[name]
        else:
            delattr(self._stream, name)

    def __iter__(self) -> Any:
        return iter(self._stream)


def _pipe(terminal: int) -> tuple[int, int]:
    """(read end, write end). A terminal stays one, or programs would stop colouring, asking
    and drawing bars; its size goes along."""
    if os.isatty(terminal):
        try:
            import fcntl
            import pty
            import termios

            read, write = pty.openpty()
            mode = termios.tcgetattr(write)
            mode[1] &= ~termios.OPOST  # bytes unchanged: the real terminal adds its own returns
            termios.tcsetattr(write, termios.TCSANOW, mode)
            size = fcntl.ioctl(terminal, termios.TIOCGWINSZ, b"\0" * 8)
            fcntl.ioctl(write, termios.TIOCSWINSZ, size)
            return read, write
        except (ImportError, OSError):
            pass
    return os.pipe()


def _high(descriptor: int) -> int:
    """A copy far from the numbers that the relay's own descriptors are put on."""
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 20)


def _flush_python() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
