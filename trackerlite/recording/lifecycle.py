"""How a run ends when nobody calls `finish`: the process exits, raises, or is told to stop."""

from __future__ import annotations

import atexit
import builtins
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from trackerlite.capture import shell, signals
from trackerlite.recording import workers
from trackerlite.recording.harmless import told

if TYPE_CHECKING:
    from trackerlite.recording.run import Run

_runs: weakref.WeakSet[Run] = weakref.WeakSet()
_exception: BaseException | None = None
_before: BaseException | None = None
_exit: tuple[int, dict[str, int]] | None = None  # its code, and the step of each run at that moment
_installed = False
_listening: list[Callable[[], None]] = []
#: by id: the step of a run behind the last cell that logged, and what that cell raised, in words: the
#: error itself would keep all that its frames hold, on the GPU as well
_cells: dict[str, tuple[int, str | None]] = {}


def watch(run: Run) -> None:
    """Finish `run` properly however the process ends, as far as the process can tell."""
    global _installed, _before
    _runs.add(run)
    if not _installed:
        _installed = True
        atexit.register(_at_exit)
        shell.after_each_cell(_after_cell)
        _before = _last_printed()
        earlier_hook = sys.excepthook

        def note(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            global _exception
            _exception = error
            earlier_hook(kind, error, trace)

        sys.excepthook = note
        sys.exit = _noting(sys.exit)
        quitter = type(getattr(builtins, "exit", None))
        if quitter.__module__ == "_sitebuiltins":  # the `exit` and `quit` of scripts without sys
            _note_quitting(quitter)
    workers.watch(_at_worker_end)
    if not _listening:
        _listening.append(signals.watch(_on_signal))


def _at_worker_end() -> None:
    for run in list(_runs):
        run.__exit__(None, workers.died_of(), None)


def _on_signal(name: str, fate: signals.Fate) -> None:
    """A scheduler's warning: the runs are preempted from now on."""
    for run in list(_runs):
        if fate == "dies":
            run._end("preempted", 128 + signal.Signals[name], name, patience=0.5)
        else:
            run._preempt(name, heeded=fate == "listens")


def _noting(leave: Callable[..., NoReturn]) -> Callable[..., NoReturn]:
    """`sys.exit`, with the code kept: nothing tells it to what runs at exit."""

    def leaving(status: Any = None, /) -> NoReturn:
        _note_leaving(status)
        leave(status)

    return leaving


def _note_quitting(quitter: Any) -> None:
    """The same for `exit(3)`, which does not call `sys.exit`."""
    leave = quitter.__call__

    def leaving(self: Any, code: Any = None) -> NoReturn:
        _note_leaving(code)
        leave(self, code)
        raise AssertionError  # pragma: no cover - it left

    quitter.__call__ = leaving


def _note_leaving(status: Any) -> None:
    """The process is about to end; a thread only ends itself."""
    global _exit
    if threading.current_thread() is threading.main_thread():
        _exit = exit_code(SystemExit(status)), {run.id: run.step for run in list(_runs)}


def _code_of(run: Run) -> int | None:
    """The code of the exit; one that was caught, so that the run went on, does not count."""
    code, steps = _exit or (None, {})
    return code if steps.get(run.id) == run.step else None


def exit_code(error: SystemExit) -> int:
    """The code the process ends with: 1 for words, as the interpreter has it."""
    return whole(error.code) & 0xFF


def whole(code: Any) -> int:
    """An exit code as one: 0 for None, 1 for what is no number."""
    if code is None or isinstance(code, int):
        return int(code or 0)
    return 1


def forget(run: Run) -> None:
    """The run is finished."""
    _runs.discard(run)
    _cells.pop(run.id, None)


def _after_cell(error: BaseException | None) -> None:
    """A cell that began a run, or logged, and then raised, ends no run: the next may go on with it."""
    if isinstance(error, SystemExit) and exit_code(error) == 0:
        error = None
    for run in list(_runs):
        step, _ = _cells.get(run.id, (None, None))
        if step != run.step:
            _cells[run.id] = run.step, None if error is None else describe(error)


def leave(run: Run, code: int | None = None) -> None:
    """End a run that nobody finished: as failed, where none went on behind the cell that raised."""
    _, reason = _cells.get(run.id, (0, None))
    if reason is None:
        run.finish(code)
    else:
        run._end("failed", 1, reason)


def _at_exit() -> None:
    if workers.is_one():
        _at_worker_end()
    error = _exception
    if error is None and _last_printed() is not _before:
        error = _last_printed()  # whoever took our hook away (rich does) did not call it
    for run in list(_runs):
        if error is None:
            leave(run, _code_of(run))
        else:
            run._end("failed", 1, describe(error))
    if isinstance(error, KeyboardInterrupt):
        _interrupted()


def _interrupted() -> None:
    """Let the process die of Ctrl-C as it would without us, which ends a shell's loop as well.

    The interpreter forgets that it was interrupted when a text is executed meanwhile, as
    `dataclass` and `namedtuple` do in modules that are imported for the last records.
    """
    with suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt")  # noqa: S102


def _last_printed() -> BaseException | None:
    """What the script died of, as the interpreter keeps it; in a notebook each cell's error."""
    if "IPython" in sys.modules:
        return None
    return getattr(sys, "last_value", None)


def describe(error: BaseException) -> str:
    """An exception as a reason: its type and its words, without secrets."""
    from trackerlite.capture.redact import redact_text

    return redact_text(told(error))[:500]
