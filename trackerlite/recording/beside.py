"""`mode="online"`: a process beside the training that syncs the run while it is recorded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LOG = "sync.log"


def start(store: Path, ref: str, folder: Path, interval: float = 15.0) -> int | None:
    """Follow `ref` (`project/id`) in a process of its own; its pid, None if it could not start.

    What it has to say goes to `sync.log` in the run's folder. It outlives this process, so that the
    end of the run is synced too, and never raises into the caller. Nothing of the replay is
    imported here: it is started by name.
    """
    seconds = f"--interval={interval:g}"
    command = [sys.executable, "-m", "trackerlite.sync", os.fspath(store), ref, seconds]
    try:
        with (folder / LOG).open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=store,
                start_new_session=True,
                close_fds=True,
            )
        return child.pid
    except OSError:
        return None
