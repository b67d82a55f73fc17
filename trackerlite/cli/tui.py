"""`trackerlite tui`: the terminal UI."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from trackerlite.cli._options import dir_option, verb

if TYPE_CHECKING:
    import os


def open_tui(folder: str | os.PathLike[str] | None, **options: Any) -> int:
    """Open the terminal UI on a store until the person leaves it; returns its exit code."""
    # Textual is loaded here and nowhere else in the command line.
    from importlib import import_module

    main = import_module("trackerlite_tui").main
    return int(main(dir=folder, **options) or 0)


@verb(
    examples="""
    trackerlite
    trackerlite tui --dir ~/project
    trackerlite tui --once --size 120x40
    """
)
@click.option("--once", is_flag=True, help="Print one frame to stdout, and end.")
@click.option(
    "--screen", metavar="NAME", default="runs", show_default=True, help="The screen to open."
)
@click.option("--size", metavar="COLSxROWS", help="Size of the frame that --once prints.")
@click.option(
    "--format", "form", type=click.Choice(["text", "svg", "png"]), default="text", help="Of --once."
)
@dir_option
def command(once: bool, screen: str, size: str | None, form: str, dir: str | None) -> int:
    """Open the terminal UI: runs, curves, differences, live."""
    if not once and not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise click.UsageError(
            "The terminal UI needs a terminal. `trackerlite ls` lists runs anywhere, and "
            "`trackerlite tui --once` prints one frame."
        )
    return open_tui(dir, once=once, screen=screen, size=size, format=form)
