"""Whole lives of runs, synced at any time, the sync itself killed at times."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from stories.model import Model, Point
from stories.telling import Story, seeds
from sync.conftest import QUICK
from sync.loopback import Loopback
from trackerlite.readers import Reader
from trackerlite.sync.engine import Syncer
from trackerlite.sync.outcome import Options, Outcome
from trackerlite.values import flatten

Rows = dict[int, dict[str, Any]]


def kill_a_sync(story: Story) -> None:
    """A sync that is killed at any moment, with the uploader it started."""
    words = [sys.executable, "-m", "trackerlite", "sync", "--dir", str(story.store)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(words, stdout=quiet, stderr=quiet, start_new_session=True)
    time.sleep(story.chance.uniform(0.3, 3.0))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def sync(story: Story) -> list[Outcome]:
    """One sync of all runs, once what a killed one left at work is done."""
    options = Options(**{**QUICK, "verify_full": story.chance.random() < 0.5})
    until = time.monotonic() + 60.0
    while True:
        with Reader.open(story.store) as reader, Syncer(reader, options) as syncer:
            found = syncer.sync(reader.runs())
        if not any(outcome.status == "busy" for outcome in found):
            return found
        assert time.monotonic() < until, "a run stays busy"
        time.sleep(1.0)


def rows_at(server: Loopback, run: str) -> Rows:
    """What the server has, by step; its steps rise strictly whatever happened."""
    if not any(key[-1] == run for key in server.world.runs):
        return {}
    rows = server.rows("p", run)
    steps = [row["_step"] for row in rows]
    assert steps == sorted(set(steps))
    return {row["_step"]: {k: v for k, v in row.items() if k[0] != "_"} for row in rows}


def fits(before: list[Point], now: list[Point]) -> bool:
    """Whether what the server may have is what came first, and nothing since belongs among it."""
    last = max((step for _, step, _ in before), default=-1)
    since = now[len(before) :]
    return before == now[: len(before)] and all(step > last for _, step, _ in since)


def judge(
    server: Loopback, run: str, model: Model, outcome: Outcome, sent: list[list[Point]]
) -> None:
    """Synced means the same there as here; anything else has its reason and its sentence."""
    if not outcome.good:
        assert outcome.message
        assert not all(fits(points, model.points) for points in sent), outcome.message
        return
    assert rows_at(server, run) == model.rows
    there = server.run("p", run)
    config = {k: v for k, v in flatten(there.plain_config()).items() if k[0] != "_"}
    assert config == model.config
    assert sorted(there.fields.get("tags") or []) == sorted(model.tags)
    assert (model.name or there.fields["displayName"]) == there.fields["displayName"]
    assert (model.notes or "") == (there.fields.get("notes") or "")
    assert (there.state == "finished") == (model.state == "finished")


@pytest.mark.parametrize("seed", seeds(2, 100))
def test_a_story_arrives_as_it_was(server: Loopback, tmp_path: Path, seed: int) -> None:
    """Whenever it is said that a run is synced, the server has what was acknowledged, once."""
    ids = ["a", "b"]
    story = Story(tmp_path / "store", seed, ids, odd=False)
    sent: dict[str, list[list[Point]]] = {run: [] for run in ids}  # what the server may have
    for _ in range(story.chance.randrange(3, 7)):
        story.session()
        if story.chance.random() < 0.3:
            continue
        for run, model in story.models.items():
            sent[run].append(list(model.points))
        story.happening([kill_a_sync])
        for outcome in sync(story):
            run = outcome.run.removeprefix("p/")
            judge(server, run, story.models[run], outcome, sent[run])
