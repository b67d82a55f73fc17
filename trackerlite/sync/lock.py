"""One syncer per run: an advisory lock, held by a process as long as it lives."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

FOLDER = "sync"


def sync_folder(store: Path) -> Path:
    """Where segments, locks and logs of syncing are; made if need be."""
    folder = store / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


class RunLock:
    """The lock of one run towards one target."""

    def __init__(self, store: Path, target: str, run: str) -> None:
        name = hashlib.sha256(f"{target}\0{run}".encode()).hexdigest()[:24]
        self._store = store
        self.path = store / FOLDER / "locks" / f"{name}.lock"
        self._file: BinaryIO | None = None

    def acquire(self) -> bool:
        """True when it is ours; False when another process syncs this run."""
        sync_folder(self._store)
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        os.pwrite(file.fileno(), f"{os.getpid():<20}\n".encode(), 0)  # no wait for the disk
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def holder(self) -> int | None:
        """The process that holds it, if it said so."""
        try:
            return int(self.path.read_text().strip() or 0) or None
        except (OSError, ValueError):
            return None
