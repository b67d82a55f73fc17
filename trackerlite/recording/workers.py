"""A child of multiprocessing: what it died of, if anything."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

_pid = 0  # of the child that is watched
_error: BaseException | None = None


def watch(end: Callable[[], None]) -> None:
    """Call `end` when this process, if it is such a child, comes to its end: where it was forked it ends
    without what runs at exit before Python 3.13, and with it from then on; its finalizers always run."""
    global _pid, _error
    processes = sys.modules.get("multiprocessing.process")
    if processes is None or processes.parent_process() is None or is_one():
        return
    from multiprocessing.util import Finalize

    _pid, _error = os.getpid(), None
    Finalize(None, end, exitpriority=0)
    _note_printed()
    with suppress(AttributeError, RuntimeError):
        threading._register_atexit(_note_code)  # type: ignore[attr-defined]


def is_one() -> bool:
    """Whether this process is a child that is watched."""
    return _pid == os.getpid()


def died_of() -> BaseException | None:
    """What ends it: still being handled, or, since Python 3.13, over by the time that finalizers run."""
    return sys.exc_info()[1] or _error


def _note_printed() -> None:
    """The last that is heard of an exception is that multiprocessing prints it."""
    import traceback

    printing = traceback.print_exc

    def print_exc(*how: object, **more: object) -> None:
        global _error
        if sys._getframe(1).f_code.co_name == "_bootstrap":
            _error = sys.exc_info()[1]
        printing(*how, **more)  # type: ignore[arg-type]

    traceback.print_exc = print_exc


def _note_code() -> None:
    """An exit code is known only to the function that waits for the last threads."""
    global _error
    frame = sys._getframe()
    while frame.f_code.co_name != "_bootstrap":
        if frame.f_back is None:
            return
        frame = frame.f_back
    code = frame.f_locals.get("exitcode")
    if code and _error is None:
        _error = SystemExit(code)
