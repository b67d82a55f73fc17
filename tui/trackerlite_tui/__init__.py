"""The terminal UI of trackerlite."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trackerlite.readers import Reader

__all__ = ["main"]


def main(
    dir: str | os.PathLike[str] | None = None,
    once: bool = False,
    screen: str = "",
    size: tuple[int, int] | None = None,
    format: str = "text",
    output: str | os.PathLike[str] | None = None,
    theme: str = "",
) -> int:
    """Open the terminal UI on a store, or print one frame of it.

    Args:
        dir: the store, or a folder in or below the one that has it; default: the nearest.
        once: print one frame and return.
        screen: runs, charts, compare, logs, system, media or sync; default: where one was last.
        size: (columns, rows) of the frame; default: the terminal's, else 120 × 40.
        format: text, svg or png, for `once`.
        output: where a frame goes; default: standard output.
        theme: dark, light, plain or auto; default: the one that is remembered.

    Returns:
        The exit code.

    Raises:
        BadInput: a word is none of those above.
        StoreNotFound, StoreTooNew, StoreDamaged: with `once`, the store cannot be shown.
    """
    from trackerlite.errors import BadInput
    from trackerlite_tui.screens import ORDER

    if screen and screen not in ORDER:
        raise BadInput(f"There is no screen {screen!r:.40}. Screens: {', '.join(ORDER)}.")
    if format not in ("text", "svg", "png"):
        raise BadInput(f"A frame cannot be written as {format!r:.40}. Formats: text, svg, png.")
    return _once(dir, screen, size, format, output, theme) if once else _live(dir, screen, theme)


def _live(dir: str | os.PathLike[str] | None, screen: str, theme: str) -> int:
    from trackerlite.errors import BadInput
    from trackerlite.paths import store_dir

    if not (os.isatty(0) and os.isatty(1)):
        raise BadInput(
            "The terminal UI needs a terminal. `trackerlite tui --once` prints one frame anywhere."
        )
    from trackerlite_tui import firstpaint, terminal
    from trackerlite_tui import state as states

    store = str(store_dir(dir))
    state = states.load(store)
    state.screen = screen or state.screen
    state.theme = theme or state.theme
    with firstpaint.quiet_terminal():
        first = firstpaint.paint(store, state)
        answer = terminal.ask()
        try:
            from trackerlite_tui.app import TrackerApp

            told = answer()
            state.background = told.background
            app = TrackerApp(lambda: _open(store), store, state=state, first=first, answer=told)
        except BaseException:
            firstpaint.leave()
            raise
        app.run()
    return app.return_code or 0


def _open(store: str) -> Reader:
    """Open a store as it is; where there is no database it is made of the journals."""
    from trackerlite.errors import StoreNotFound
    from trackerlite.readers import Reader

    try:
        return Reader.open(store, refresh=False)
    except StoreNotFound:
        return Reader.open(store)


def _once(
    dir: str | os.PathLike[str] | None,
    screen: str,
    size: tuple[int, int] | None,
    format: str,
    output: str | os.PathLike[str] | None,
    theme: str,
) -> int:
    import shutil

    from trackerlite.paths import store_dir
    from trackerlite.readers import Reader
    from trackerlite_tui import state as states
    from trackerlite_tui.look import look
    from trackerlite_tui.once import Still, encode

    store = str(store_dir(dir))
    state = states.load(store)
    state.screen = screen or state.screen
    appearance = look(theme or state.theme, background=state.background)
    found = shutil.get_terminal_size((120, 40))  # Python 3.10 takes a terminal's word that it has 0
    columns, rows = size or (found.columns or 120, found.lines or 40)
    still = Still(lambda: Reader.open(store), state, columns, rows, appearance)
    still.settle()
    colors = output is None and sys.stdout.isatty() and appearance.ink.colored
    data = encode(still.desk.paint(), format, appearance, colors)
    if output is not None:
        Path(output).write_bytes(data)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    return 0
