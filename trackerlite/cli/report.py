"""`trackerlite report`: one page for somebody who has none of this."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._options import dir_option, verb
from trackerlite.cli._output import say
from trackerlite.cli._runs import meant
from trackerlite.readers import Reader
from trackerlite.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence


@verb(
    examples="""
    trackerlite report baseline lora-r8 -o report.html
    trackerlite report --filter "tag:paper" --sort=-val/f1 -o paper.html --title "Ablations"
    """
)
@click.argument("runs", metavar="RUN...", nargs=-1)
@click.option("--filter", "filter_", metavar="FILTER", help="Also the runs that this lets pass.")
@click.option("--sort", metavar="KEYS", help="Order of those.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), default="report.html", show_default=True,
    metavar="FILE", help="Where to write the page.",
)  # fmt: skip
@click.option("--title", metavar="TEXT", help="Default: the names of the runs.")
@dir_option
def command(
    runs: Sequence[str],
    filter_: str | None,
    sort: str | None,
    output: str,
    title: str | None,
    dir: str | None,
) -> int:
    """Write one self-contained HTML page: curves, tables, config, code, media.

    It needs no network and nothing installed: it opens from a USB stick.
    """
    from trackerlite.report import write_report

    with Reader.open(dir) as reader:
        found = meant(reader, runs, filter_, sort)
        if not found:
            if filter_ is None:
                raise click.UsageError("Name one or more runs, or some with --filter.")
            say(f"No run passes {filter_!r}.")
            return NOTHING_MATCHED
        written = write_report(reader, found, Path(output), title)
    for note in written.notes:
        say(note)
    say(f"Wrote {written.path} ({written.size / 1e6:.1f} MB, {counted(len(found), 'run')}).")
    return 0
