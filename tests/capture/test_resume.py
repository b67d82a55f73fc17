"""Killed at random, resumed from a checkpoint, again and again: the curve of a run that was never killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

import trackerlite as tl
from sync.loopback import Loopback
from trackerlite.readers import Reader
from trackerlite.sync.engine import Syncer
from trackerlite.sync.outcome import Options

EVERY = 10  # steps between two checkpoints

TRAIN = f"""
    import os, sys, time
    import trackerlite as tl
    store, checkpoint, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])

    def save(step):
        with open(checkpoint + ".tmp", "w") as file:
            file.write(str(step))
        os.replace(checkpoint + ".tmp", checkpoint)

    try:
        done = int(open(checkpoint).read())
    except OSError:
        done = None
    how = {{}} if done is None else {{"resume_from": f"r?_step={{done}}"}}
    run = tl.init(project="p", id="r", name="n", dir=store, **how)
    attempt = os.getpid()
    if done is None:  # what a kill before the first checkpoint leaves is rewound, too
        done = -1
        save(done)
    print("up", flush=True)
    for step in range(done + 1, steps):
        run.log({{"loss": 1 / (step + 1), "attempt": attempt}}, step=step)
        time.sleep(0.002)
        if step % {EVERY} == {EVERY - 1}:
            save(step)
    run.finish()
"""


def test_kill_and_resume(tmp_path, full, chance, monkeypatch):
    """12 kills (50 with --full) at random moments, each resumed from the last checkpoint: SQL,
    TensorBoard and the server have every step once, in order, with its value; what was
    abandoned stays recorded, and hidden."""
    for name in list(os.environ):
        if name.startswith(("WANDB_", "TRACKERLITE_", "SLURM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    kills, store, checkpoint = 50 if full else 12, tmp_path / "s", tmp_path / "checkpoint"
    steps = kills * 80  # more than fits between two kills, so that each finds it training
    command = [
        sys.executable, "-c", textwrap.dedent(TRAIN), str(store), str(checkpoint), str(steps),
    ]  # fmt: skip
    for kill in range(kills):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.12))
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -9, f"ended before kill {kill}"
        process.stdout.close()
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    expected = [(step, 1 / (step + 1)) for step in range(steps)]

    with Reader.open(store) as reader:
        run = reader.run("r")
        rows = reader.connection.execute(
            "SELECT step, value FROM metrics WHERE run_id='r' AND key='loss'"
        ).fetchall()
        series = {s.name: s for s in reader.series([run.key])}
        points = reader.points(series["loss"].key)
    assert sorted(rows) == expected
    assert list(zip(points.step.tolist(), points.value.tolist(), strict=True)) == expected
    assert run.state == "finished"
    hidden = series["loss"].total - series["loss"].count
    assert series["loss"].count == steps
    assert hidden > 0, "no kill left anything to abandon: the test showed nothing"

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    seen = EventAccumulator(str(run.folder), size_guidance={"scalars": 0}).Reload().Scalars("loss")
    assert [(e.step, pytest.approx(e.value, rel=1e-6)) for e in seen] == expected

    with Loopback() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        with (
            Reader.open(store) as reader,
            Syncer(reader, Options(settle=0.1, patience=30.0, read_back=5.0)) as syncer,
        ):
            assert [o.status for o in syncer.sync(reader.runs())] == ["synced"]
        there = server.rows("p", "r")
    assert [(row["_step"], row["loss"]) for row in there] == expected


def test_a_resumed_run_knows_who_it_is(tmp_path):
    """Notes, group and job type are there in the process that goes on, too, to be added to."""
    about = {"notes": "first", "group": "sweep", "job_type": "train"}
    tl.init(project="p", id="r", dir=tmp_path, **about).finish()
    with tl.init(project="p", id="r", dir=tmp_path, resume="must", job_type="eval") as run:
        assert (run.notes, run.group, run.job_type) == ("first", "sweep", "eval")
        run.notes += ", second"
    with tl.init(resume_from="r?_step=0", project="p", dir=tmp_path, group="other") as run:
        assert (run.notes, run.group, run.job_type) == ("first, second", "other", "eval")
    again = tl.Api(tmp_path).run("r")
    assert (again.notes, again.group, again.job_type) == ("first, second", "other", "eval")
