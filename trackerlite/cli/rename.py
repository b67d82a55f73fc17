"""`trackerlite rename`: another name for a run."""

from __future__ import annotations

import click

from trackerlite import edits
from trackerlite.cli._edit import find
from trackerlite.cli._options import dir_option, run_argument, verb
from trackerlite.cli._output import say


@verb(examples="trackerlite rename 3fq8 llama3-lora-final")
@run_argument
@click.argument("name")
@dir_option
def command(run: str, name: str, dir: str | None) -> None:
    """Give RUN another name. Its id and its files stay as they are."""
    if not name.strip():
        raise click.UsageError("A run needs a name that can be seen.")
    [info] = find([run], dir)
    kept = edits.rename(info, name)
    say(f"{info.id} was {info.name}, and is {kept} now.")
