"""What people change about a run afterwards: tags, notes, name, trash.

Edits are records too, in a journal of their own beside the run's, so that the
store can be rebuilt with them. Several people may edit at once: the file is locked
while a record is appended.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trackerlite import values
from trackerlite.capture.redact import redact_name, redact_text
from trackerlite.errors import JournalError
from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.reader import JournalReader
from trackerlite.readers.info import RunInfo
from trackerlite.store.journals import EDITS_FILE


def add_tags(run: RunInfo, tags: Iterable[str]) -> None:
    """Tag a run."""
    _append(run.folder, t="tags", add=[_name(t) for t in tags])


def remove_tags(run: RunInfo, tags: Iterable[str]) -> None:
    """Untag a run."""
    _append(run.folder, t="tags", remove=[_name(t) for t in tags])


def set_notes(run: RunInfo, text: str | None) -> None:
    """Replace a run's notes."""
    _append(run.folder, t="notes", text=redact_text(text) if text else text)


def rename(run: RunInfo, name: str) -> str:
    """Give a run another display name; its id and files keep theirs. Returns the name without secrets."""
    name = _name(name)
    _append(run.folder, t="name", text=name)
    return name


def trash(run: RunInfo) -> None:
    """Put a run in the trash: hidden, not deleted."""
    _append(run.folder, t="trash", trashed=True)


def restore(run: RunInfo) -> None:
    """Take a run out of the trash."""
    _append(run.folder, t="trash", trashed=False)


def _name(text: str) -> str:
    return redact_name(values.encodable(text))


def _append(folder: Path, **record: Any) -> None:
    """Append one record and bring it to disk; a person asked for it and waits."""
    path = folder / EDITS_FILE
    body = events.record(values.jsonable(record))
    try:
        fd = os.open(
            path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666
        )
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            end = _whole_end(path)
            os.ftruncate(fd, end)  # an editor that was killed may have left half a record
            now = time.time()
            data = frame(events.event(now, 0, body))
            if end == 0:
                data = frame(events.version_event(now)) + data
            if os.write(fd, data) != len(data):
                os.ftruncate(fd, end)
                raise OSError(28, "no space left on the device")
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise JournalError(
            error.errno,
            f"The change could not be saved in {path} ({error.strerror or error}); nothing was changed",
        ) from error


def _whole_end(path: Path) -> int:
    reader = JournalReader(path)
    for _ in reader.read():
        pass
    return reader.offset
