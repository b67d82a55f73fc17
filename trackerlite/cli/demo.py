"""`trackerlite demo`: something real to look at, a minute after installing."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from typing import TYPE_CHECKING

import click

from trackerlite.cli import DONE, FAILED
from trackerlite.cli._human import number
from trackerlite.cli._options import dir_option, verb
from trackerlite.cli._output import say
from trackerlite.cli._table import Column, print_table
from trackerlite.demo.runs import Trainings, plan
from trackerlite.errors import StoreError
from trackerlite.paths import store_dir
from trackerlite.readers import Reader
from trackerlite.store.filesystem import may_write

if TYPE_CHECKING:
    from pathlib import Path

    from trackerlite.readers import RunInfo

STARTUP_LIMIT = 30.0
PROJECT = "demo"
MOST = 64


@verb(
    examples="""
    trackerlite demo
    trackerlite demo --no-tui --seconds 10
    trackerlite demo --runs 6 --dir /tmp/demo
    """
)
@click.option(
    "--seconds", type=click.FloatRange(min=1), default=60.0, show_default=True, help="How long."
)
@click.option(
    "--runs", type=click.IntRange(1, MOST), default=3, show_default=True, help="How many, at once."
)
@click.option("--no-tui", is_flag=True, help="Print progress lines instead of the terminal UI.")
@dir_option
def command(seconds: float, runs: int, no_tui: bool, dir: str | None) -> int:
    """Train a few small models, and watch them live.

    They learn to write Python, character by character, from the source of the standard
    library on this machine: NumPy, one CPU core each, no network. Ctrl-C ends them early.
    """
    folder = store_dir(dir)
    if not may_write(folder):
        say(
            f"Nothing can be recorded in {folder}: you may not write there. Name a place with --dir."
        )
        return FAILED
    group = time.strftime("demo-%Y%m%d-%H%M%S")
    for ending in (signal.SIGTERM, signal.SIGHUP):
        # As Ctrl-C, so that no training is left behind by a terminal that was closed.
        signal.signal(ending, signal.default_int_handler)
    watching = sys.stdout.isatty() and sys.stdin.isatty() and not no_tui
    try:
        with Trainings(plan(runs), folder=folder, group=group, seconds=seconds) as trainings:
            count = f"{runs} models train" if runs > 1 else "A model trains"
            say(f"{count} for {seconds:g} s, recorded in {folder}. Ctrl-C stops early.")
            if _started(folder, group, trainings):
                if watching:
                    from trackerlite.cli.tui import open_tui

                    open_tui(folder, screen="charts")
                else:
                    _report(folder, group, trainings)
            if watching and trainings.running():
                say("Ending the trainings that still run.")
    except KeyboardInterrupt:
        say("Stopped early; what was recorded until now is kept.")
    found = _runs(folder, group)
    failures = trainings.failures() if found else list(trainings.last_words)
    for name in failures:
        say(f"{name} failed: {trainings.last_words[name] or 'nothing was recorded'}")
    if found:
        _results(folder, found)
        _what_next(folder, found, dir)
    return FAILED if failures else DONE


def _runs(folder: Path, group: str) -> list[RunInfo]:
    """The demo's runs so far, in the order of their plan."""
    try:
        with Reader.open(folder) as reader:
            found = [run for run in reader.runs(PROJECT) if run.group == group]
    except StoreError:
        return []  # nothing was recorded yet
    planned = [training.name for training in plan(MOST)]
    return sorted(found, key=lambda run: planned.index(run.name))


def _started(folder: Path, group: str, trainings: Trainings) -> bool:
    """Wait until a run can be seen; False if all ended, or time was up, without one."""
    deadline = time.monotonic() + STARTUP_LIMIT
    while time.monotonic() < deadline:
        if _runs(folder, group):
            return True
        if not trainings.running():
            break
        time.sleep(0.1)
    return False


def _report(folder: Path, group: str, trainings: Trainings) -> None:
    """Print each run's validation loss every second until the trainings end."""
    start = time.monotonic()

    def look() -> None:
        found = _runs(folder, group)
        with Reader.open(folder) as reader:
            last = {
                series.run_key: series.last
                for series in reader.series([run.key for run in found], names=["val/loss"])
            }
        losses = (f"{run.name} {last[run.key]:.3f}" for run in found if run.key in last)
        say(f"{time.monotonic() - start:4.0f} s  val/loss  " + "  ".join(losses))

    trainings.wait(look)


def _results(folder: Path, found: list[RunInfo]) -> None:
    columns = ["val/loss", "val/bits_per_char", "val/accuracy"]
    with Reader.open(folder) as reader:
        best: dict[tuple[int, str], float | None] = {}
        for series in reader.series([run.key for run in found], names=columns):
            lower = series.name != "val/accuracy"
            best[series.run_key, series.name] = series.minimum if lower else series.maximum
    print_table(
        [
            Column("ID", style="cyan"),
            Column("NAME", style="bold"),
            Column("STEPS", right=True),
            *(Column(f"best {name}", right=True) for name in columns),
        ],
        [
            [run.id, run.name, run.steps, *(number(best.get((run.key, name))) for name in columns)]
            for run in found
        ],
    )


def _what_next(folder: Path, found: list[RunInfo], dir: str | None) -> None:
    where = f" --dir {shlex.quote(str(folder))}" if dir else ""
    pair = " ".join(run.id for run in found[:2])
    looks = f"`trackerlite tui{where}` shows the curves again"
    if len(found) > 1:
        looks += f", `trackerlite diff {pair}{where}` what made the difference"
    say(f"Next: {looks}.")
    say(
        "In your script: import trackerlite as tl; "
        'run = tl.init(project="mine"); run.log({"loss": loss}).'
    )
