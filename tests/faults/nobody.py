"""Somebody who has no right to write, nor to read what is not open to all."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


def as_nobody(action: Callable[[], Any], errors: Path) -> int:
    """Run `action` in a child without root's rights; its exit status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            stderr = os.open(errors, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o666)
            os.dup2(stderr, 2)
            sys.stderr = os.fdopen(2, "w", buffering=1)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            os.environ.pop("TRACKERLITE_SILENT", None)
            action()
            status = 0
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1]
