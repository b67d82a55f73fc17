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
GIVE_UP = 600.0  # seconds of no server after everything has ended
TRIES = 3  # of a run that has ended and does not verify


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
    pass (no network, a busy server) is said and tried again, with growing pauses; once all runs
    have ended, for ten minutes.

    Raises:
        RemoteError: one that does not pass by itself, such as a wrong key.
    """
    tell = notice or (lambda _: None)
    last: dict[str, Outcome] = {}
    fingerprints: dict[str, tuple[object, ...]] = {}
    tries: dict[str, int] = {}
    pause, failing = interval, 0.0
    while True:
        began = time.monotonic()
        with Reader.open(store) as reader:
            runs = list(select(reader))
            due = [run for run in runs if fingerprints.get(run.ref) != _print_of(run)]
            try:
                with Syncer(reader, options, notice=notice) as syncer:
                    outcomes = syncer.sync(due) if due else []
                pause, failing = interval, 0.0
            except RemoteError as error:
                failing = failing or began
                ended_all = not any(_goes_on(run) for run in runs)
                if not error.passing or (ended_all and began - failing > GIVE_UP):
                    raise
                wait = error.wait if isinstance(error, RateLimited) else min(pause * 2, 300.0)
                pause = max(wait, interval)
                tell(f"{error} Trying again in {pause:.0f} s.")
                outcomes = []
            for outcome in outcomes:
                last[outcome.run] = outcome
            ended = {run.ref: run for run in due if not _goes_on(run)}
            for outcome in outcomes:
                if outcome.run not in ended or outcome.running or outcome.status == "busy":
                    continue
                tries[outcome.run] = tries.get(outcome.run, 0) + 1
                final = outcome.good or outcome.status == "conflict"
                if final or tries[outcome.run] >= TRIES:
                    fingerprints[outcome.run] = _print_of(ended[outcome.run])
            if report is not None and outcomes:
                report(outcomes)
            left = [run for run in runs if fingerprints.get(run.ref) != _print_of(run)]
        if until_done and not left:
            return list(last.values())
        time.sleep(max(0.2, pause - (time.monotonic() - began)))


def _goes_on(run: RunInfo) -> bool:
    return run.state in ("running", "dead")


def _print_of(run: RunInfo) -> tuple[object, ...]:
    return (run.state, run.ended, run.steps, run.notes, run.tags, run.name)
