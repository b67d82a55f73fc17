"""What the background threads need, imported where no fork can cut an import in two.

A child that is forked while another thread imports a module finds that module locked for
ever: its own first import of it would never end. So `fork` waits for the import under way.
"""

from __future__ import annotations

import os
import threading
from importlib import import_module

NEEDED = (
    "trackerlite.capture.environment",
    "trackerlite.capture.redact",
    "trackerlite.capture.git",
    "trackerlite.capture.packages",
    "trackerlite.capture.gpus",
    "trackerlite.capture.system",
    "trackerlite.store.filesystem",
    "trackerlite.store.projector",
    "trackerlite.store.states",
    "trackerlite.alarms",
    "psutil",
    "ctypes.util",
    "tempfile",
)
_importing = threading.RLock()


def load() -> None:
    """Import all of it, in the thread that calls; what is not installed is left out."""
    for name in NEEDED:
        with _importing:
            try:
                import_module(name)
            except ImportError:  # whoever needs it will say so
                continue


os.register_at_fork(
    before=_importing.acquire,
    after_in_parent=_importing.release,
    after_in_child=_importing.release,
)
