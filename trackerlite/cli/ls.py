"""`trackerlite ls`: the runs of a store."""

from __future__ import annotations

import time

import click

from trackerlite.cli import NOTHING_MATCHED
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import emit_rows, say
from trackerlite.cli._runs import COLUMNS, as_dict, row
from trackerlite.cli._table import print_table
from trackerlite.readers import Reader


@verb(
    examples="""
    trackerlite ls
    trackerlite ls --project demo --limit 5
    trackerlite ls --json | jq -r '.[] | select(.state == "failed") | .id'
    """
)
@click.option("--project", metavar="NAME", help="Only runs of this project.")
@click.option("-n", "--limit", type=click.IntRange(min=1), help="Only the newest so many.")
@click.option("--trash", is_flag=True, help="What `rm` put in the trash, instead.")
@json_option
@dir_option
def command(
    project: str | None,
    limit: int | None,
    trash: bool,
    as_json: bool,
    dir: str | None,
) -> int:
    """List runs, newest first."""
    with Reader.open(dir) as reader:
        runs = reader.runs(project, trashed=trash)[:limit]
        path = reader.path
    if as_json:
        emit_rows(map(as_dict, runs))
    elif runs:
        now = time.time()
        print_table(COLUMNS, [row(run, now) for run in runs])
    if runs:
        return 0
    where = f" of project {project!r}" if project else ""
    say(f"No runs{where} in {'the trash of ' if trash else ''}{path}.")
    return NOTHING_MATCHED
