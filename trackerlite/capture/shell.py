"""Python used by hand: a notebook's kernel, IPython in a terminal, the bare prompt."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any


def is_typed_into() -> bool:
    """Whether there is a prompt, a terminal's or a notebook's; all of them set this."""
    return hasattr(sys, "ps1")


def in_notebook() -> bool:
    """Whether cells are run, not lines of a terminal."""
    shell = _shell()
    return shell is not None and "terminal" not in type(shell).__module__


def notebook() -> str | None:
    """The notebook that calls, by its path where its server tells; None for a script, also for one
    that a notebook runs with `%run`."""
    if not in_notebook() or hasattr(sys.modules.get("__main__"), "__file__"):
        return None
    of_vscode = getattr(_shell(), "user_ns", {}).get("__vsc_ipynb_file__")
    return str(of_vscode or os.environ.get("JPY_SESSION_NAME") or "<notebook>")


def command() -> list[str]:
    """How this process was started, without the connection that a kernel is given anew each time."""
    words = list(getattr(sys, "orig_argv", sys.argv))
    return list(takewhile(_names_no_connection, words)) if in_notebook() else words


def at_each_cell(call: Callable[[], None]) -> Callable[[], None]:
    """Call `call` before each cell from now on; returns what ends that."""
    return _at("pre_run_cell", lambda _=None: call())


def after_each_cell(call: Callable[[BaseException | None], None]) -> None:
    """Call `call` behind each cell from now on, this one included, with what it raised."""
    _at("post_run_cell", lambda result=None: call(getattr(result, "error_in_exec", None)))


def _at(event: str, call: Callable[..., None]) -> Callable[[], None]:
    running = _shell()
    if running is None:
        return lambda: None
    running.events.register(event, call)
    return lambda: running.events.unregister(event, call)


def shown(error: BaseException) -> list[str]:
    """An error as IPython shows it, down to the line that called us; our own inner calls help nobody."""
    inside = f"{Path(__file__).parents[1]}{os.sep}"
    callers, step = None, error.__traceback__
    while step is not None:
        if not step.tb_frame.f_code.co_filename.startswith(inside):
            callers = step
        step = step.tb_next
    if callers is not None:
        callers.tb_next = None
    lines: list[str] = _shell().InteractiveTB.structured_traceback(
        type(error), error, error.__traceback__
    )
    return lines


def _names_no_connection(word: str) -> bool:
    return not word.startswith(("-f", "--f="))


def _shell() -> Any:
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
