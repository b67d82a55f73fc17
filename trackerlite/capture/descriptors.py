"""Descriptors 1 and 2 behind pipes, whose other ends the process of `relay` reads."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from trackerlite.capture import known

running: list[Relay] = []


class Relay:
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
        running.append(self)
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
        if self in running and os.getpid() == self._pid:
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
        if os.getpid() != self._pid or self not in running:
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
        if self in running:
            running.remove(self)
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
