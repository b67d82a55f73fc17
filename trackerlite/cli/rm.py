"""`trackerlite rm`: runs into the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite import edits
from trackerlite.cli import FAILED
from trackerlite.cli._edit import find
from trackerlite.cli._options import dir_option, runs_argument, verb
from trackerlite.cli._output import say

if TYPE_CHECKING:
    from collections.abc import Sequence


@verb(
    examples="""
    trackerlite rm tiny low-lr
    trackerlite ls --trash
    trackerlite restore tiny
    """
)
@runs_argument
@dir_option
def command(runs: Sequence[str], dir: str | None) -> int:
    """Put runs in the trash. Nothing is deleted; `restore` brings them back."""
    running = 0
    for run in find(runs, dir):
        if run.state == "running":
            running += 1
            say(f"{run.name} ({run.id}) is running; it was left alone. Stop it first.")
            continue
        edits.trash(run)
        say(f"{run.name} ({run.id}) is in the trash. `trackerlite restore {run.ref}` undoes it.")
    return FAILED if running else 0
