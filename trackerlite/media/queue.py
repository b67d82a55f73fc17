"""Media are written by a thread of their own, so that a large one does not hold up a step."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable

from trackerlite.media import pace
from trackerlite.media.base import Job, Later, Written

Done = Callable[[Written], None]

MOST_WAITING = 256 << 20  # bytes; beyond it the caller does its own work, and so slows down


class MediaQueue:
    """Jobs in the order they came; one thread, started with the first.

    Args:
        failed: told of each job that could not be done.
    """

    def __init__(self, failed: Callable[[Exception], object] = print) -> None:
        self._failed = failed
        self._jobs: deque[tuple[Job, Done, int]] = deque()
        self._waiting = 0
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._hurry = threading.Event()  # no time to rest: the run ends, or much is waiting
        self._pid = os.getpid()

    def door(self, done: Done) -> Later:
        """What a media value gets as `later`: its finished JSON goes to `done`."""

        def later(job: Job, size: int) -> bool:
            if os.getpid() != self._pid:
                return False  # a forked child has the queue, but not its thread
            with self._lock:
                if self._closed or self._waiting + size > MOST_WAITING:
                    return False
                if self._thread is None and not self._begun():
                    return False
                self._jobs.append((job, done, size))
                self._waiting += size
                if self._waiting > MOST_WAITING // 2:
                    self._hurry.set()
                self._lock.notify_all()
            return True

        return later

    def close(self, timeout: float = 60.0) -> int:
        """Wait for what is under way; returns how many jobs were not done in time."""
        end = time.monotonic() + timeout
        with self._lock:
            self._closed = True
            self._hurry.set()
            self._lock.notify_all()
            while (self._jobs or self._waiting) and self._thread is not None:
                left = end - time.monotonic()
                if left <= 0 or not self._thread.is_alive():
                    break
                self._lock.wait(min(left, 0.5))
            return len(self._jobs) + bool(self._waiting and not self._jobs)

    def _begun(self) -> bool:
        thread = threading.Thread(target=self._run, name="trackerlite-media", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the process may have no more threads: it writes by itself
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        pace.begin(self._hurry)
        while True:
            with self._lock:
                while not self._jobs and not self._closed:
                    self._lock.wait()
                if not self._jobs:
                    return
                job, done, size = self._jobs.popleft()
            try:
                written = job()
                if written is not None:
                    done(written)
            except Exception as error:  # a full disk, an odd array: the training goes on
                self._failed(error)
            finally:
                del job, done  # with what they hold
                with self._lock:
                    self._waiting -= size
                    if not self._waiting and not self._closed:
                        self._hurry.clear()
                    self._lock.notify_all()
