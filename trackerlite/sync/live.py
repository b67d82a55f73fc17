"""Follows runs while they are recorded: syncs what is new, until they end or it is told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from trackerlite.backends.errors import RateLimited, RemoteError
from trackerlite.readers import Reader
from trackerlite.readers.info import RunInfo
from trackerlite.sync.engine import Notice, Syncer
from trackerlite.sync.outcome import Options, Outcome

Select = Callable[[Reader], Sequence[RunInfo]]


def follow(
    store: Path,
    select: Select,
    options: Options,
    *,
    interval: float = 15.0,
    until_done: bool = True,
    notice: Notice | None = None,
    report: Callable[[list[Outcome]], None] | None = None,
) -> list[Outcome]:
    """Sync what `select` chooses every `interval` seconds; the last outcomes.

    until_done: end when no chosen run is running any more; else only Ctrl-C ends it. Trouble that may
    pass (no network, a busy server) is said and tried again, with growing pauses.

    Raises:
        RemoteError: one that does not pass by itself, such as a wrong key.
    """
    tell = notice or (lambda _: None)
    last: dict[str, Outcome] = {}
    fingerprints: dict[str, tuple[object, ...]] = {}
    pause = interval
    while True:
        began = time.monotonic()
        with Reader.open(store) as reader:
            runs = list(select(reader))
            due = [run for run in runs if fingerprints.get(run.ref) != _print_of(run)]
            try:
                with Syncer(reader, options, notice=notice) as syncer:
                    outcomes = syncer.sync(due) if due else []
                pause = interval
            except RemoteError as error:
                if not error.passing:
                    raise
                wait = error.wait if isinstance(error, RateLimited) else min(pause * 2, 300.0)
                pause = max(wait, interval)
                tell(f"{error} Trying again in {pause:.0f} s.")
                outcomes = []
            for outcome in outcomes:
                last[outcome.run] = outcome
            ended = {run.ref: run for run in due if run.state not in ("running", "dead")}
            for outcome in outcomes:
                if outcome.run in ended and (outcome.good or outcome.status == "conflict"):
                    fingerprints[outcome.run] = _print_of(ended[outcome.run])
            if report is not None and outcomes:
                report(outcomes)
            left = [run for run in runs if fingerprints.get(run.ref) != _print_of(run)]
        if until_done and not left:
            return list(last.values())
        time.sleep(max(0.2, pause - (time.monotonic() - began)))


def _print_of(run: RunInfo) -> tuple[object, ...]:
    return (run.state, run.ended, run.steps, run.notes, run.tags, run.name)
