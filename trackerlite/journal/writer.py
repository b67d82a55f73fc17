"""The writer: one process, one append-only file, one `write` per acknowledgement.

`append` returns True when the whole record is in the kernel's hands: from then on
SIGKILL cannot lose it. Nothing waits in a user-space buffer. A timer syncs to
disk every second, for the power cut.

When a write fails (full disk, file-size limit, lost permission) the file is cut
back to its last whole record, or left for a new one, so that no later record can
become unreachable; the record waits in a bounded backlog and is tried again
before anything newer. What no longer fits is dropped and counted.
"""

from __future__ import annotations

import errno
import os
import threading
import time
import weakref
from collections import deque
from pathlib import Path

from trackerlite.errors import JournalError
from trackerlite.journal import events
from trackerlite.journal.files import create, restore
from trackerlite.journal.framing import frame
from trackerlite.text import tell

SYNC_EVERY = 1.0
BACKLOG_BYTES = 8 * 1024 * 1024

_writers: weakref.WeakSet[JournalWriter] = weakref.WeakSet()


class JournalWriter:
    """Appends framed records to a journal of its own in `folder`.

    Args:
        folder: made if it is not there. Other journals in it are left alone.
        durable: sync to disk on every append, not once a second.

    Raises:
        JournalError: the first file could not be created.
    """

    def __init__(self, folder: Path, *, durable: bool = False):
        self.folder = folder
        self.durable = durable
        self.dropped = 0
        self.written = 0
        self.lock = threading.RLock()
        self._fd = -1
        self._size = 0
        self._dirty = False
        self._failing = False
        self._warned = False
        self._deleted = False
        self._retry_at = 0.0
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._dropped_told = 0
        self._note = b""  # the latest record of how many were dropped
        self._wake = threading.Event()
        self._timer: threading.Thread | None = None
        self._sync_at = 0.0  # where there is no timer
        self._closed = False
        self._begin_file()
        _writers.add(self)

    # -- the one thing it is for ------------------------------------------------------

    def append(self, record: bytes) -> bool:
        """Write one framed record; True once it is whole in the kernel's hands."""
        with self.lock:
            return self.append_locked(record)

    def append_locked(self, record: bytes) -> bool:
        """`append` for who holds `lock`."""
        if self._failing and not self._recover():
            self._keep(record)
            return False
        try:
            written = os.write(self._fd, record)
            if written != len(record):
                self._write_rest(record, written)
        except OSError as error:
            self._fail(error, record)
            return False
        self._size += written
        self.written += 1
        if self.durable:
            return self._sync_now()
        self._dirty = True
        if self._timer is None:
            self._start_timer()
        return True

    def _write_rest(self, record: bytes, written: int) -> None:
        """Go on after a short write (they come silently when a disk fills up)."""
        view = memoryview(record)
        done = written
        while done < len(record):
            more = os.write(self._fd, view[done:])
            if more == 0:
                raise OSError(errno.ENOSPC, "the file system takes no more bytes")
            done += more
        self._size += len(record) - written

    # -- when writing fails -----------------------------------------------------------

    def _fail(self, error: OSError, record: bytes) -> None:
        """Leave the file whole, keep the record for later, and say so once."""
        self._cut_back()
        self._keep(record)
        self._retry_at = time.monotonic() + 0.1
        self._failing = True
        if not self._warned:
            self._warned = True
            tell(
                f"cannot write to {self.folder} ({error.strerror or error}). The training goes on; "
                f"up to {BACKLOG_BYTES >> 20} MiB of records wait in memory and are written as soon as "
                "there is room, what does not fit is counted as dropped. Free some space or quota."
            )

    def _cut_back(self) -> None:
        """End the file at its last whole record; failing that, leave it for a new one."""
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            self._close_file()

    def _recover(self) -> bool:
        """Write what waits; True once nothing waits any more."""
        if time.monotonic() < self._retry_at:
            return False
        if not self._drain():
            self._cut_back()
            # This file may be the problem (a size limit, a lost mount): try another.
            self._close_file()
            try:
                self._begin_file()
            except JournalError:
                self._retry_at = time.monotonic() + 1.0
                return False
            begun = self._size
            if not self._drain():
                if self._size == begun:  # else it holds records that were waiting
                    self._discard_empty_file()
                self._retry_at = time.monotonic() + 1.0
                return False
        self._failing = False
        self._tell_dropped()
        if self._warned:
            self._warned = False
            tell(f"writing to {self.folder} works again; {self.dropped} records were dropped.")
        return not self._failing

    def _tell_dropped(self) -> None:
        """Record how many were dropped since it was last recorded."""
        count = self.dropped - self._dropped_told
        if count:
            note = events.record({"t": "dropped", "count": count})
            before = self.dropped
            self._note = frame(events.event(time.time(), 0, note))
            self.append(self._note)
            if self.dropped == before:  # written, or waiting to be
                self._dropped_told = before
            self.dropped = before  # the note itself is no row of anybody

    def _drain(self) -> bool:
        if self._fd < 0:
            return False
        while self._backlog:
            record = self._backlog[0]
            try:
                written = os.write(self._fd, record)
                if written != len(record):
                    self._write_rest(record, written)
            except OSError:
                self._cut_back()
                return False
            self._size += written
            self.written += 1
            self._backlog.popleft()
            self._backlog_bytes -= len(record)
            self._dirty = True
        return True

    def _keep(self, record: bytes) -> None:
        if self._backlog_bytes + len(record) > BACKLOG_BYTES:
            self.dropped += 1
            return
        self._backlog.append(record)
        self._backlog_bytes += len(record)

    @property
    def waiting(self) -> int:
        """Records that could not be written yet and wait in memory."""
        return len(self._backlog)

    # -- files ------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The file being written."""
        return self._path

    def _begin_file(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fd, path = create(self.folder)
        except OSError as error:
            raise JournalError(
                error.errno,
                f"No journal could be created in {self.folder} ({error.strerror or error}); "
                "choose another folder with dir= or $TRACKERLITE_DIR",
            ) from error
        self._fd, self._path, self._size = fd, path, 0
        first = frame(events.version_event(time.time()))
        try:
            if os.write(fd, first) != len(first):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._size = 0
            self._discard_empty_file()
            raise JournalError(
                error.errno, f"No journal could be begun in {self.folder} ({error.strerror})"
            ) from error
        self._size = len(first)

    def _restore(self) -> None:
        """Somebody deleted the file: all that is in it goes into a new one, and so does what comes."""
        deleted = self._path
        try:
            fd, self._path = restore(self._fd, self.folder)
        except OSError as error:
            if not self._deleted:
                tell(
                    f"the journal {deleted} was deleted, and cannot be written anew ({error.strerror or error}). "
                    "What was logged is lost when the process ends, unless there is room before."
                )
            self._deleted = True
            return
        os.close(self._fd)
        self._fd, self._deleted = fd, False
        tell(
            f"the journal {deleted} was deleted while it is written; all of it is in {self._path}."
        )

    def _discard_empty_file(self) -> None:
        """Remove a file that holds no record, so that retries leave none behind."""
        self._close_file()
        try:
            self._path.unlink()
        except OSError:
            pass

    def _close_file(self) -> None:
        if self._fd >= 0:
            try:
                os.close(self._fd)
            except OSError:
                pass
            self._fd = -1

    # -- to disk ----------------------------------------------------------------------

    def _start_timer(self) -> None:
        timer = threading.Thread(target=self._sync_loop, name="trackerlite-sync", daemon=True)
        try:
            timer.start()
            self._timer = timer
        except RuntimeError:  # the process may have no more threads: sync from here, as often
            if time.monotonic() >= self._sync_at:
                self._sync_at = time.monotonic() + SYNC_EVERY
                self.sync()

    def _sync_loop(self) -> None:
        while not self._wake.wait(SYNC_EVERY):
            if self._failing:
                with self.lock:
                    if self._failing:
                        self._recover()
            if self._dirty:
                self.sync()

    def sync(self) -> None:
        """Bring what was written to the disk itself, without holding up `append`."""
        with self.lock:
            if self._fd < 0:
                return
            self._dirty = False
            try:
                if os.fstat(self._fd).st_nlink == 0:
                    self._restore()
                fd = os.dup(self._fd)
            except OSError:
                return
        try:
            _datasync(fd)
        except OSError as error:
            self._sync_failed(error)
        finally:
            os.close(fd)

    def _sync_now(self) -> bool:
        try:
            _datasync(self._fd)
        except OSError as error:
            self._sync_failed(error)
            return False
        return True

    def _sync_failed(self, error: OSError) -> None:
        """After a failed sync the kernel may have thrown pages away: trust a new file only."""
        tell(
            f"the disk under {self.folder} failed to sync ({error.strerror or error}); what was logged in the "
            "last second may not survive a power cut. A new journal was begun."
        )
        with self.lock:
            self._close_file()
            try:
                self._begin_file()
            except JournalError:
                self._failing = True

    def close(self) -> None:
        """Write what waits, sync, and close. Further appends are dropped and counted."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        with self.lock:
            if self._failing:
                self._retry_at = 0.0
                self._recover()
        self.sync()
        with self.lock:
            self.dropped += sum(record is not self._note for record in self._backlog)
            self._backlog.clear()
            self._close_file()
            self._failing = True
            self._retry_at = float("inf")

    # -- fork -------------------------------------------------------------------------

    def forked(self) -> None:
        """In a child of `fork`: leave the parent's file and write one of this child's own.

        It lies in a folder of its own, since TensorBoard follows one writer per folder.
        """
        self.lock = threading.RLock()
        self._wake = threading.Event()
        self._timer = None
        self._close_file()
        self.folder = self.folder / f"fork-{os.getpid()}"
        self.dropped = self.written = self._dropped_told = self._backlog_bytes = 0
        self._backlog.clear()
        if not self._closed:
            self._failing = True  # the first append begins the new file
            self._retry_at = 0.0


def _datasync(fd: int) -> None:
    getattr(os, "fdatasync", os.fsync)(fd)


def _after_fork() -> None:
    for writer in list(_writers):
        writer.forked()


os.register_at_fork(after_in_child=_after_fork)
