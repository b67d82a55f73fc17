"""A sync that is killed at any moment, and run again, leaves every row at the server exactly once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sync.conftest import arrived, expected
from sync.loopback import Loopback

VICTIM = [sys.executable, str(Path(__file__).with_name("victim.py"))]
STAGES = ["planned", "begun", "written", "sending", "sent", "read back", "verified", "confirmed"]
RUNS, ROWS = 8, 3000


def to_the_end(store: Path) -> None:
    """Run it until it says that all is well; twice must do."""
    for _ in range(2):
        done = subprocess.run([*VICTIM, str(store)], capture_output=True, text=True, timeout=120)
        if done.returncode == 0:
            return
    pytest.fail(f"the sync after the kills did not end well: {done.stdout}{done.stderr}")


def exact(server: Loopback, runs: list[Any], rows: int) -> None:
    for run in runs:
        assert arrived(server, run.id) == expected(run, rows)
        assert server.run("p", run.id).state == "finished"
        assert server.run("p", run.id).gaps == 0


def test_killed_at_every_step_of_the_ledger(
    server: Loopback, store: Path, record: Callable[..., Any]
) -> None:
    """Death at each step in turn, every one met by a re-run that dies at the next: each row once."""
    runs = [record(50) for _ in range(3)]
    rows = 50
    for stage in STAGES:
        died = subprocess.run([*VICTIM, str(store), stage, "1"], capture_output=True, timeout=120)
        assert died.returncode == -9, stage
        for run in runs:  # something new to send, whatever had arrived
            record(20, start=rows, id=run.id, resume="must")
        rows += 20
    to_the_end(store)
    exact(server, runs, rows)


@pytest.mark.full
@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_a_step_of_the_ledger(
    stage: str, server: Loopback, store: Path, record: Callable[..., Any]
) -> None:
    """Death at any step of the ledger, then a re-run: each row of each run once."""
    runs = [record(200) for _ in range(3)]
    died = subprocess.run([*VICTIM, str(store), stage, "1"], capture_output=True, timeout=120)
    assert died.returncode == -9
    to_the_end(store)
    exact(server, runs, 200)


def kill_at_random(
    server: Loopback, store: Path, record: Callable[..., Any], kills: int, seed: int
) -> int:
    """`kills` SIGKILLs among sets of eight runs, each set then run to its end and compared.

    Returns how often a run was left with a part of its rows.
    """
    chance = random.Random(seed)
    print(f"seed {seed}")
    runs = [record(ROWS) for _ in range(RUNS)]
    server.delay = 0.02
    hits = 0
    for _ in range(kills):
        victim = subprocess.Popen(
            [*VICTIM, str(store)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if chance.random() < 0.75:  # in the middle of an upload; else wherever it is by then
            heard, until = server.heard, time.monotonic() + 20
            while server.heard == heard and victim.poll() is None and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.5))
        else:
            time.sleep(chance.uniform(0.2, 2.6))
        victim.kill()
        victim.communicate()
        there = [rows for _, rows in counted(server, runs)]
        hits += sum(0 < rows < ROWS for rows in there)
        if min(there) == ROWS:  # all is there: a new set of runs, or nothing is left to interrupt
            to_the_end(store)
            exact(server, runs, ROWS)
            runs = [record(ROWS) for _ in range(RUNS)]
    server.delay = 0.0
    to_the_end(store)
    exact(server, runs, ROWS)
    return hits


def counted(server: Loopback, runs: list[Any]) -> list[tuple[Any, int]]:
    with server.held() as world:
        found = [(run, world.runs.get((world.entity, "p", run.id))) for run in runs]
        return [(run, len(there.history) if there else 0) for run, there in found]


def test_killed_at_random_moments(
    server: Loopback, store: Path, record: Callable[..., Any]
) -> None:
    """13 kills, each of a sync of eight runs (so 104 run-kills): each row of each run once."""
    assert kill_at_random(server, store, record, 13, seed=random.randrange(10**6)) > 0


@pytest.mark.full
def test_killed_a_thousand_times(server: Loopback, store: Path, record: Callable[..., Any]) -> None:
    """1,000 kills."""
    assert kill_at_random(server, store, record, 1000, seed=random.randrange(10**6)) > 300
