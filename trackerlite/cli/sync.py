"""`trackerlite sync`: replay what a remote is missing, and verify it by reading back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackerlite.cli import FAILED, NOTHING_MATCHED
from trackerlite.cli._cells import fold, width
from trackerlite.cli._options import dir_option, json_option, verb
from trackerlite.cli._output import emit, emit_line, paint, say
from trackerlite.cli._runs import meant
from trackerlite.errors import BadInput
from trackerlite.readers import Reader
from trackerlite.text import plain

if TYPE_CHECKING:
    from trackerlite.readers.info import RunInfo
    from trackerlite.sync.live import Select
    from trackerlite.sync.outcome import Outcome

_STYLES = {
    "synced": "green",
    "up to date": "dim",
    "would send": "cyan",
    "conflict": "red",
    "failed": "red",
    "busy": "yellow",
    "waiting": "yellow",
}


@verb(
    examples="""
    trackerlite sync
    trackerlite sync my-run --dry-run
    trackerlite sync --filter 'tag:final state:finished'
    trackerlite sync --live
    trackerlite sync --entity my-team --project lora-runs --verify full
    """
)
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@click.option("--filter", "filter_", metavar="FILTER", help="Also the runs that this lets pass.")
@click.option("--to", type=click.Choice(["wandb", "mlflow", "clearml"]), default="wandb")
@click.option("--entity", metavar="NAME", help="The team or user there. Remembered.")
@click.option("--project", metavar="NAME", help="The project there. Remembered.")
@click.option("--dry-run", is_flag=True, help="Say exactly what would go; send nothing.")
@click.option("--live", is_flag=True, help="Follow running runs until they end.")
@click.option("--interval", type=click.FloatRange(min=1), default=15.0, help="Seconds, for --live.")
@click.option("--new-run", is_flag=True, help="Upload whole under a new id (needs RUN).")
@click.option(
    "--verify",
    type=click.Choice(["sample", "full"]),
    default="sample",
    help="Read back counts and some rows, or every row.",
)
@json_option
@dir_option
def command(
    runs: Sequence[str],
    filter_: str | None,
    to: str,
    entity: str | None,
    project: str | None,
    dry_run: bool,
    live: bool,
    interval: float,
    new_run: bool,
    verify: str,
    as_json: bool,
    dir: str | None,
) -> int:
    """Send runs to Weights & Biases: each row once, with its own time, verified by reading back.

    Without RUN and --filter, all runs. Interrupt it whenever you like; what has arrived is not sent again.
    """
    from trackerlite.sync.outcome import Options

    if to != "wandb":
        raise BadInput(f"`sync --to {to}` is not there yet; `--to wandb` is. Nothing was sent.")
    if new_run and not runs:
        raise BadInput("--new-run uploads a run a second time, so say which: `sync --new-run RUN`.")
    options = Options(
        entity=entity,
        project=project,
        dry_run=dry_run,
        new_run=new_run,
        verify_full=verify == "full",
    )

    def select(reader: Reader) -> list[RunInfo]:
        return meant(reader, runs, filter_) if runs or filter_ is not None else reader.runs()

    try:
        with Reader.open(dir) as reader:
            path = reader.path
            chosen = select(reader)
            if not chosen and not live:
                say(f"No runs in {path}." if filter_ is None else f"No run passes {filter_!r}.")
                return NOTHING_MATCHED
            if not live:
                outcomes = _once(reader, chosen, options)
        if live:
            outcomes = _live(path, select, options, interval, as_json)
    except KeyboardInterrupt:
        say("Stopped. What has arrived is there and is not sent again; the same command goes on.")
        raise
    if live:
        pass  # reported as it went
    elif as_json:
        emit([outcome.as_dict() for outcome in outcomes])
    else:
        for outcome in outcomes:
            print(_line(outcome))
        _summary(outcomes)
    return 0 if all(outcome.good for outcome in outcomes) else FAILED


def _once(reader: Reader, runs: list[RunInfo], options: object) -> list[Outcome]:
    from trackerlite.backends.errors import NotLoggedIn, Unreachable
    from trackerlite.cli._progress import shown
    from trackerlite.sync.engine import Syncer
    from trackerlite.sync.outcome import Options

    assert isinstance(options, Options)
    try:
        with (
            shown(len(runs)) as (notice, progress),
            Syncer(reader, options, notice=notice, progress=progress) as syncer,
        ):
            return syncer.sync(runs)
    except (NotLoggedIn, Unreachable) as error:
        if not options.dry_run:
            raise
        say(f"{error} So the server was not asked: what it was not seen to have would go.")
        return _unasked(reader, runs)


def _unasked(reader: Reader, runs: list[RunInfo]) -> list[Outcome]:
    """What would go, as far as the ledger knows: a dry run where there is no network."""
    from trackerlite.backends import credentials
    from trackerlite.sync.outcome import Outcome
    from trackerlite.sync.state import standings

    return [
        Outcome(
            standing.run,
            standing.name,
            "would send" if standing.pending else "up to date",
            rows=standing.sent + standing.pending,
            sent=standing.pending,
            running=standing.state == "running",
        )
        for standing in standings(reader, runs, credentials.find().url)
    ]


def _live(
    store: Path, select: Select, options: object, interval: float, as_json: bool
) -> list[Outcome]:
    from trackerlite.sync.live import follow
    from trackerlite.sync.outcome import Options

    assert isinstance(options, Options)

    def report(outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            if as_json:
                emit_line(outcome.as_dict())
            elif outcome.sent or not outcome.good:
                print(_line(outcome), flush=True)

    say("Following; Ctrl-C ends it safely.")
    return follow(store, select, options, interval=interval, notice=say, report=report)


def _line(outcome: Outcome) -> str:
    status = paint(f"{outcome.status:<10}", _STYLES.get(outcome.status))
    head = f"{status}  {plain(outcome.run)}  {plain(outcome.name)}"
    if outcome.status not in ("synced", "up to date", "would send"):
        message = " " * 12 + plain(outcome.message)
        return "\n".join([head, *fold(message, width())])
    rows = _rows(outcome.rows)
    if outcome.status == "would send":
        rows = f"{outcome.sent:,} of {rows}"
    elif outcome.sent and outcome.sent != outcome.rows:
        rows += f", {outcome.sent:,} of them new"
    counts = [
        f"{count:,} {word}{'' if count == 1 else 's'}"
        for key, word in (
            ("system_rows", "system row"),
            ("console_lines", "console line"),
            ("files", "media file"),
            ("artifacts", "artifact"),
            ("alerts", "alert"),
        )
        if (count := outcome.details.get(key))
    ]
    what = ", ".join([rows, *counts, *(["still running"] if outcome.running else [])])
    return f"{head}  {what}  {plain(outcome.url)}"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _summary(outcomes: list[Outcome]) -> None:
    going = [o for o in outcomes if o.status == "would send"]
    if going:
        rows = sum(o.sent for o in going)
        say(f"{len(going)} of {len(outcomes)} runs would go, with {_rows(rows)}; nothing was sent.")
        return
    bad = [o for o in outcomes if not o.good]
    sent = sum(o.sent for o in outcomes if o.status == "synced")
    if len(outcomes) > 1 or bad:
        done = sum(o.status in ("synced", "up to date") for o in outcomes)
        text = f"{done} of {len(outcomes)} runs are at the server, verified; {_rows(sent)} sent."
        if bad:
            text += f" {len(bad)} {'is' if len(bad) == 1 else 'are'} not: see above."
        say(text)
    sys.stdout.flush()
