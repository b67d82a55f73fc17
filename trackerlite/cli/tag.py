"""`trackerlite tag`: labels on runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from trackerlite import edits
from trackerlite.cli._edit import find
from trackerlite.cli._options import dir_option, json_option, runs_argument, verb
from trackerlite.cli._output import emit_rows
from trackerlite.cli._table import Column, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence


@verb(
    examples="""
    trackerlite tag baseline high-lr -a lora -a paper
    trackerlite tag baseline -r draft
    trackerlite tag baseline --json
    """
)
@runs_argument
@click.option("-a", "--add", multiple=True, metavar="TAG", help="Add this tag.")
@click.option("-r", "--remove", multiple=True, metavar="TAG", help="Take this tag away.")
@json_option
@dir_option
def command(
    runs: Sequence[str],
    add: Sequence[str],
    remove: Sequence[str],
    as_json: bool,
    dir: str | None,
) -> None:
    """Add tags to runs, take them away, or print them."""
    if not all(tag.strip() for tag in [*add, *remove]):
        raise click.UsageError("A tag needs a name that can be seen.")
    found = find(runs, dir)
    for run in found:
        if add:
            edits.add_tags(run, add)
        if remove:
            edits.remove_tags(run, remove)
    if add or remove:
        found = find([run.ref for run in found], dir)
    if as_json:
        emit_rows({"id": run.id, "name": run.name, "tags": list(run.tags)} for run in found)
    else:
        print_table(
            [Column("ID", style="cyan"), Column("NAME", shrink=12), Column("TAGS", shrink=12)],
            [[run.id, run.name, ", ".join(run.tags)] for run in found],
        )
