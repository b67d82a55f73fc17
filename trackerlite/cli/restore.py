"""`trackerlite restore`: runs out of the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trackerlite import edits
from trackerlite.cli._edit import find
from trackerlite.cli._options import dir_option, runs_argument, verb
from trackerlite.cli._output import say

if TYPE_CHECKING:
    from collections.abc import Sequence


@verb(
    examples="""
    trackerlite ls --trash
    trackerlite restore tiny low-lr
    """
)
@runs_argument
@dir_option
def command(runs: Sequence[str], dir: str | None) -> None:
    """Take runs out of the trash."""
    for run in find(runs, dir, trashed=True):
        edits.restore(run)
        say(f"{run.name} ({run.id}) is back.")
