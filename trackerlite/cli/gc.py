"""`trackerlite gc`: free space, after saying what would go."""

from __future__ import annotations

import click

from trackerlite import paths
from trackerlite.cli import FAILED
from trackerlite.cli._human import size
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import emit, say
from trackerlite.cli._table import Column, print_table
from trackerlite.text import counted

_COLUMNS = [
    Column("KIND"),
    Column("NAME", shrink=20, style="bold"),
    Column("WHY", shrink=16),
    Column("FILES", right=True, drop=1),
    Column("SIZE", right=True),
]


@verb(
    examples="""
    trackerlite gc
    trackerlite gc --yes
    trackerlite gc --synced --older 30 --yes
    """
)
@click.option("--synced", is_flag=True, help="Also runs that were verified at the server.")
@click.option(
    "--older", type=click.FloatRange(0), default=0.0, metavar="DAYS",
    help="Of synced runs, only those that ended so many days ago.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Do it. Without, it is only said what would go.")
@json_option
@dir_option
def command(synced: bool, older: float, yes: bool, as_json: bool, dir: str | None) -> int:
    """Free what nobody needs: runs in the trash, and files that no run names.

    Never a run that is neither in the trash nor, with --synced, verified at the server.
    """
    from trackerlite import gc

    store = paths.existing_store(dir)
    items, young = gc.survey(store, synced, older * 86400.0)
    freed = gc.free(store, items) if yes else []
    left = len(items) - len(freed) if yes else 0
    shown = freed if yes else items
    total, files = sum(item.size for item in shown), sum(item.files for item in shown)
    if as_json:
        emit(
            {
                "freed": yes, "bytes": total, "files": files,
                "items": [item.as_dict() for item in shown], "left": left, "too_young": young,
            }
        )  # fmt: skip
        return FAILED if left else 0
    if shown:
        rows = [(i.kind, i.name, i.reason, i.files, size(i.size)) for i in shown]
        print_table(_COLUMNS, rows)
    if not items:
        say("There is nothing to free.")
    elif yes:
        say(f"Freed {size(total)} in {counted(files, 'file')}.")
        if left:
            say(f"{left} were in use by now or could not be removed; they were left alone.")
    else:
        say(
            f"Would free {size(total)} in {counted(files, 'file')}. `trackerlite gc --yes` does it."
        )
    if young:
        say(
            f"{size(young)} of artifacts that nothing needs stay until an hour after they were stored."
        )
    return FAILED if left else 0
