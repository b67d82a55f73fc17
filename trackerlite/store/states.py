"""Whether the process behind a run that calls itself running is still there."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path

from trackerlite.store.journals import journals_of

SILENT = 60.0  # seconds without a heartbeat


def now_gone(
    store: Path,
    folder: str,
    host: str | None,
    boot: str | None,
    pid: int | None,
    heartbeat: float | None,
) -> str | None:
    """`killed` or `dead` for a run that says running and is not; None while it may be.

    On the machine it ran on, its journal's lock and its pid tell at once. After a
    reboot, or when it was silent for a minute and holds no lock, it was killed. On
    another machine a minute of silence makes it dead: unknown, and not heard of.
    """
    silent = heartbeat is None or time.time() - heartbeat > SILENT
    # A listing of runs that have ended needs neither.
    import socket

    from trackerlite.journal.files import is_being_written

    if host == socket.gethostname():
        if any(is_being_written(j.path) for j in journals_of(store / folder)):
            return None
        if is_of_earlier_boot(host, boot):
            return "killed"
        return "killed" if silent or not _is_there(pid) else None
    return "dead" if silent else None


def is_of_earlier_boot(host: str | None, boot: str | None) -> bool:
    """Whether what ran there and then ran on this machine, before it was started last."""
    import socket

    return bool(boot) and boot != boot_id() and host == socket.gethostname()


@cache
def boot_id() -> str:
    """What tells this boot of this machine from every other, or ""."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def _is_there(pid: int | None) -> bool:
    if not pid:
        return True  # another program's, and never told: then only silence tells
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
