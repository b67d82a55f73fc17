"""`trackerlite tui`: the terminal UI."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from trackerlite.cli._options import dir_option, verb

if TYPE_CHECKING:
    import os


def open_tui(folder: str | os.PathLike[str] | None, screen: str = "") -> int:
    """Open the terminal UI on a store until the person leaves it; returns its exit code."""
    from trackerlite_tui import main  # Textual, for those who want it

    return main(dir=folder, screen=screen)


def _size(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, int] | None:
    """COLUMNSxROWS as two numbers."""
    if text is None:
        return None
    columns, times, rows = text.lower().partition("x")
    if not times or not columns.isdigit() or not rows.isdigit():
        raise click.BadParameter("write COLUMNSxROWS, as in 120x40.")
    return int(columns), int(rows)


@verb(
    examples="""
    trackerlite
    trackerlite tui --dir ~/project --screen charts
    trackerlite tui --once --size 120x40
    trackerlite tui --once --format svg -o frame.svg
    """
)
@click.option("--screen", metavar="NAME", default="", help="The screen to open: runs, charts …")
@click.option("--theme", type=click.Choice(["dark", "light", "plain", "auto"]), help="Colours.")
@click.option("--once", is_flag=True, help="Print one frame, and end.")
@click.option("--size", metavar="COLUMNSxROWS", callback=_size, help="Of the frame.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "svg", "png"]),
    default="text",
    help="Of the frame.",
)
@click.option("-o", "--output", metavar="FILE", help="Where the frame goes. Default: stdout.")
@dir_option
def command(
    screen: str,
    theme: str | None,
    once: bool,
    size: tuple[int, int] | None,
    form: str,
    output: str | None,
    dir: str | None,
) -> int:
    """Open the terminal UI: runs, curves, differences, live."""
    from trackerlite_tui import main

    if not once and not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise click.UsageError(
            "The terminal UI needs a terminal. `trackerlite ls` lists runs anywhere, and "
            "`trackerlite tui --once` prints one frame."
        )
    return main(
        dir=dir, once=once, screen=screen, size=size, format=form, output=output, theme=theme or ""
    )
