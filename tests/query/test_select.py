"""Which runs, in which order, in which groups, read from a real store."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import trackerlite as tl
from query import sentences, worlds
from query.worlds import Entry, GeneratedRun
from trackerlite.readers import Reader
from trackerlite.readers.direction import better, guess
from trackerlite.readers.filters import Filter
from trackerlite.readers.select import group_runs, select_runs, subjects
from trackerlite.store.projector import Projector


def names(runs: object) -> list[str]:
    return [run.id for run in runs]  # type: ignore[attr-defined]


def test_filter_and_sort_together(reader: Reader) -> None:
    """Runs that pass come in the order asked for; metrics, config and fields sort alike."""
    found = select_runs(reader, "tag:lion", sort="-config.seed")
    assert names(found) == ["lion4", "lion3", "lion2", "lion1", "lion0"]
    by_loss = select_runs(reader, "project:study", sort="best(val/loss)")
    assert {run.id[:4] for run in by_loss[:4]} == {"lion"}


def test_what_has_no_value_comes_last_either_way(reader: Reader) -> None:
    """A run without the value sorts last, upwards and downwards; a text after numbers."""
    for sort in ("config.lr", "-config.lr"):
        assert names(select_runs(reader, sort=sort))[-1] == "hostile"
    assert names(select_runs(reader, sort="-quality,name"))[-1] == "hostile"


def test_later_keys_break_ties(reader: Reader) -> None:
    """Of equal runs the next key decides, and after the last one the newest comes first."""
    found = select_runs(reader, "project:study", sort="-config.optimizer.name,config.seed")
    assert names(found)[:5] == ["lion0", "lion1", "lion2", "lion3", "lion4"]
    same = select_runs(reader, "project:study", sort="quality")
    assert [r.started for r in same] == sorted((r.started for r in same), reverse=True)


def test_groups(reader: Reader) -> None:
    """Runs fall into groups of equal values, 1 and 1.0 alike; those without one form the last."""
    groups = group_runs(reader, select_runs(reader), "config.optimizer.name")
    assert [(g.label, len(g.runs)) for g in groups] == [
        ("config.optimizer.name=adamw", 5),
        ("config.optimizer.name=lion", 5),
        ("no config.optimizer.name", 1),
    ]


def test_sql_agrees_with_what_the_reader_hands_out(tmp_path: Path, chance: random.Random) -> None:
    """A filter passes the same runs by SQL as by its plain meaning over RunInfo, params and summaries."""
    store = tmp_path / ".trackerlite"
    worlds.build(store, 40, seed=chance.randrange(2**32))
    with Reader.open(tmp_path) as reader:
        runs = reader.runs()
        assert {run.state for run in runs} >= {"finished", "failed"}
        told = subjects(reader, runs)
        for _ in range(300):
            text = sentences.sentence(chance)
            parsed = Filter(text)
            expected = [r.id for r in runs if parsed.matches(told[r.key], worlds.NOW)]
            assert names(select_runs(reader, parsed, now=worlds.NOW)) == expected, text


KILLED = """
import os, signal, trackerlite as tl
run = tl.init(project="p", id="victim", dir={store!r})
run.log({{"loss": 1.0}})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_two_runs_metrics_cost_no_other_runs(tmp_path: Path) -> None:
    """What SQLite does to list the metrics of two runs does not grow with the store."""
    costs = []
    for count in (10, 200):
        store = tmp_path / str(count) / ".trackerlite"
        with closing(Projector(store)) as projector:
            for n in range(count):
                start = {"t": "run", "id": f"r{n}", "project": "p", "started": 1.0, "name": "n"}
                numbers = {f"m{k}": float(k) for k in range(10)}
                entries = [Entry(1.0, record=start), Entry(2.0, 0, numbers)]
                projector.project_run(GeneratedRun(f"r{n}", "p", entries).write(store))
        steps = 0

        def count_steps() -> None:
            nonlocal steps
            steps += 1

        with Reader.open(store) as reader:
            keys = [info.key for info in reader.runs()][:2]
            reader.connection.set_progress_handler(count_steps, 1)
            assert len(reader.series(keys)) == 20
        costs.append(steps)
    assert costs[1] < 2 * costs[0]


def test_a_killed_run_is_found_as_killed(tmp_path: Path) -> None:
    """A run whose process is gone without a word is `killed` to a filter as it is in the listing."""
    script = KILLED.format(store=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "TRACKERLITE_SILENT": "1"}, check=False
    )
    assert done.returncode == -9
    with Reader.open(tmp_path) as reader:
        assert [run.state for run in reader.runs()] == ["killed"]
        assert names(select_runs(reader, "state:killed has:ended duration<1h")) == ["victim"]
        assert not select_runs(reader, "state:running")


def test_a_running_run_lasts_until_now(tmp_path: Path) -> None:
    """The duration of a running run counts to this moment, not to its last word."""
    run = tl.init(project="p", id="live", dir=tmp_path)
    run.log({"loss": 1.0})
    time.sleep(0.3)
    Projector(tmp_path / ".trackerlite").project_run(
        run.folder if hasattr(run, "folder") else run.dir
    )
    with Reader.open(tmp_path) as reader:
        assert names(select_runs(reader, "state:running duration>0.2s duration<1h")) == ["live"]
    run.finish()


@pytest.mark.parametrize(
    ("name", "goal"),
    [("train/loss", "min"), ("loss/train", "min"), ("val/accuracy", "max"), ("eval/f1_macro", "max"),
     ("acc@5", "max"), ("mAP50-95(B)", "max"), ("scoreLoss", "min"), ("tokens_per_second", "max"), ("lr", None),
     ("grad_norm", None), ("epoch", None), ("val/perplexity", "min"), ("latency_ms", "min")],
)  # fmt: skip
def test_the_direction_of_a_name(name: str, goal: str | None) -> None:
    """Common names tell which way is better; others tell nothing, and a declaration overrules."""
    assert guess(name) == goal
    assert better(name, "max") == "max"
