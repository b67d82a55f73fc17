"""`trackerlite watch`: logs that other programs write, into the store while they grow."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackerlite.cli import DONE
from trackerlite.cli._options import dir_option, verb
from trackerlite.cli._output import say
from trackerlite.importers import FORMATS
from trackerlite.importers.follow import Changes, Follower
from trackerlite.paths import store_dir

if TYPE_CHECKING:
    from collections.abc import Sequence


@verb(
    examples="""
    trackerlite watch runs/ wandb/
    trackerlite watch lightning_logs --project vision --idle 3600
    """
)
@click.argument(
    "paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--format", "formats", type=click.Choice(FORMATS), multiple=True, help="Only these.")
@click.option("--project", metavar="NAME", help="The project to record into.")
@click.option(
    "--idle",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="After so long without growth a run counts as finished.",
)
@dir_option
def command(
    paths: Sequence[Path],
    formats: tuple[str, ...],
    project: str | None,
    idle: float,
    dir: str | None,
) -> int:
    """Follow TensorBoard, W&B, MLflow, DVCLive, CSV and JSON logs into the store, live.

    What is there is taken in first. Ctrl-C stops; what was taken in stays, and a later
    `watch` or `import` goes on from there.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise click.UsageError(f"There is nothing at {', '.join(missing)}.")
    follower = Follower(
        paths, store_dir(dir), project=project, formats=formats or FORMATS, idle=idle
    )
    say(f"Following {', '.join(map(str, paths))} into {store_dir(dir)}. Ctrl-C stops.")
    try:
        with Changes(paths) as changes:
            while True:
                start = time.monotonic()
                _look(follower)
                changes.wait(time.monotonic() - start)
    except KeyboardInterrupt:
        say("Stopped following.")
    finally:
        follower.close()
    return DONE


def _look(follower: Follower) -> None:
    for taken in follower.look():
        started = "" if taken.known else f" ({taken.run.format})"
        say(f"{taken.folder.parent.name}/{taken.run.name}{started}: {taken.new} new")
    for sentence in follower.refusals:
        say(sentence)
    follower.refusals.clear()
