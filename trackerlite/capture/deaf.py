"""Signals that a process does not hear, since its main thread is in C code.

Python calls a handler between two steps of the main thread. Where that waits in a library (an
all-reduce whose peer is gone, a long decomposition), a SIGTERM that would have ended the process
at once is not heard for minutes, and then comes a SIGKILL. What the interpreter does do at once is
write the signal's number into a pipe: a thread reads it, and acts if the handler does not.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

LATE = 0.3  # seconds after which a handler that did not run is not waited for

_write = -1  # the end that the interpreter writes to, while we listen


def listen(late: Callable[[int, float], object]) -> None:
    """Call `late(number, when)` from a thread for each signal, `LATE` seconds after `when` it came.

    Only in the main thread. Nothing is done where somebody else already has the interpreter's pipe
    (an event loop), or where the process may have no more files or threads.
    """
    global _write
    if _write != -1:
        return
    try:
        read, write = os.pipe()
    except OSError:
        return
    os.set_blocking(write, False)
    try:
        earlier = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    except ValueError:  # an interpreter within this process
        earlier = None
    if earlier == -1:
        reader = threading.Thread(
            target=_read, args=(read, late), name="trackerlite-signals", daemon=True
        )
        with suppress(RuntimeError):
            reader.start()
            _write = write
            return
    if earlier is not None:
        signal.set_wakeup_fd(earlier)
    os.close(read)
    os.close(write)


def stop() -> None:
    """Give the pipe up. One that somebody else may put back is left open, or it would be another file's."""
    global _write
    if _write == -1:
        return
    standing = signal.set_wakeup_fd(-1)
    if standing == _write:
        os.close(_write)
    else:
        signal.set_wakeup_fd(standing)
    _write = -1


def die(number: int) -> None:
    """Let the process die of a signal, from any thread; `signal.signal` is for the main one only."""
    with suppress(Exception):
        import ctypes

        ctypes.pythonapi.PyOS_setsig(number, None)
        os.kill(os.getpid(), number)
        time.sleep(1)
    os._exit(128 + number)


def _read(read: int, late: Callable[[int, float], object]) -> None:
    with suppress(OSError):  # a program that closes all files, to become a daemon
        while numbers := os.read(read, 64):
            when = time.monotonic()
            time.sleep(LATE)
            for number in dict.fromkeys(numbers):
                with suppress(Exception):
                    late(number, when)
        os.close(read)


def _after_fork() -> None:
    """What reaches a child is not its parent's; the pipe would tell it so."""
    global _write
    if _write != -1:
        with suppress(ValueError):  # forked from a thread
            signal.set_wakeup_fd(-1)
        _write = -1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
