"""The store's lock: one advisory lock around every write transaction and checkpoint.

SQLite 3.7.0–3.51.2 can corrupt a WAL database when two connections write or
checkpoint at the same instant. Under this lock they never do.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trackerlite.errors import StoreBusy

_held: set[int] = set()
_threads: dict[str, threading.Lock] = {}
_guard = threading.Lock()


@contextmanager
def store_lock(store: Path, timeout: float = 10.0) -> Iterator[None]:
    """Hold `store`'s lock, waiting for it up to `timeout` seconds.

    Raises:
        StoreBusy: it was not free in time.
        OSError: the lock file cannot be made (a read-only store).
    """
    until = time.monotonic() + timeout
    path = str(store / "trackerlite.lock")
    with _guard:
        mine = _threads.setdefault(path, threading.Lock())
    if not mine.acquire(timeout=max(0.0, timeout)):
        raise StoreBusy(_sentence(store, timeout))
    fd = -1
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        _held.add(fd)
        pause = 0.001
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise StoreBusy(_sentence(store, timeout)) from None
                time.sleep(pause)
                pause = min(pause * 2, 0.05)
        yield
    finally:
        if fd >= 0:
            _held.discard(fd)
            try:
                fcntl.flock(fd, fcntl.LOCK_UN)  # at once, also where a forked child shares it
            except OSError:
                pass
            os.close(fd)
        mine.release()


def _sentence(store: Path, timeout: float) -> str:
    return (
        f"Another process has held the lock of {store} for more than {timeout:g} s. "
        "Nothing is lost: runs go on recording into their journals. Try again later."
    )


def _after_fork() -> None:
    global _guard
    for fd in _held:
        try:
            os.close(fd)
        except OSError:
            pass
    _held.clear()
    _threads.clear()
    _guard = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
