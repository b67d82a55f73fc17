"""How a run ends when nobody calls `finish`: the process exits, raises, or is told to stop."""

from __future__ import annotations

import atexit
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from trackerlite.recording.run import Run

_runs: weakref.WeakSet[Run] = weakref.WeakSet()
_exception: BaseException | None = None
_exit_code: int | None = None
_installed = False
_earlier_signal: dict[int, Any] = {}


def watch(run: Run) -> None:
    """Finish `run` properly however the process ends, as far as the process can tell."""
    global _installed
    _runs.add(run)
    if not _installed:
        _installed = True
        atexit.register(_at_exit)
        earlier_hook = sys.excepthook

        def note(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            global _exception
            _exception = error
            earlier_hook(kind, error, trace)

        sys.excepthook = note
        sys.exit = _noting(sys.exit)
    if threading.current_thread() is threading.main_thread():
        _watch_signal(signal.SIGTERM)


def _watch_signal(number: int) -> None:
    """Mark the runs preempted on this signal, then do what would have been done without us."""
    current = signal.getsignal(number)
    if current in (_on_signal, signal.SIG_IGN, None):
        return  # ours already, ignored on purpose, or not Python's
    _earlier_signal[number] = current
    signal.signal(number, _on_signal)


def _on_signal(number: int, frame: FrameType | None) -> None:
    earlier = _earlier_signal.get(number)
    name = signal.Signals(number).name
    for run in list(_runs):
        if callable(earlier):
            run.mark_preempting(name)  # the handler decides whether the process ends
        else:
            run._end("preempted", 128 + number, name, patience=0.5)
    if callable(earlier):
        earlier(number, frame)
    else:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


def _noting(leave: Callable[..., NoReturn]) -> Callable[..., NoReturn]:
    """`sys.exit`, with the code kept: nothing tells it to what runs at exit."""

    def leaving(status: Any = None, /) -> NoReturn:
        global _exit_code
        _exit_code = exit_code(SystemExit(status))
        leave(status)

    return leaving


def exit_code(error: SystemExit) -> int:
    """The code the process ends with: 1 for words, as the interpreter has it."""
    if error.code is None:
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1


def forget(run: Run) -> None:
    """The run is finished."""
    _runs.discard(run)


def _at_exit() -> None:
    for run in list(_runs):
        if _exception is None:
            run.finish(_exit_code)
        else:
            run._end("failed", 1, describe(_exception))


def describe(error: BaseException) -> str:
    """An exception as a reason: its type and its words, without secrets."""
    from trackerlite.capture.redact import redact_text

    text = str(error)
    return redact_text(f"{type(error).__name__}: {text}" if text else type(error).__name__)[:500]
