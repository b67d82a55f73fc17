"""`trackerlite demo`: real trainings in parallel processes, whatever way they end."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pyte

from cli.command import COMMAND, environment, trackerlite
from trackerlite.demo.runs import Trainings, plan
from trackerlite.readers import Reader

NAMES = ["baseline", "short-context", "high-lr"]


def test_three_models_learn(tmp_path: Path) -> None:
    """In a few seconds each run's loss falls, the runs differ, and the store opens."""
    done = trackerlite("demo", "--no-tui", "--seconds", "4", "--dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()[1:]] == NAMES
    assert "val/loss  " in done.stderr
    assert "Next: " in done.stderr.splitlines()[-2]
    with Reader.open(tmp_path) as reader:
        runs = reader.runs("demo")
        assert {run.state for run in runs} == {"finished"}
        configs = reader.params([run.key for run in runs])
        assert len({str(sorted(config.items())) for config in configs.values()}) == 3
        names = {series.name for series in reader.series([runs[0].key])}
        assert names >= {"train/loss", "train/lr", "train/grad_norm"}
        assert names >= {"val/loss", "val/accuracy", "val/bits_per_char"}
        losses = {s.run_key: s for s in reader.series(names=["val/loss"])}
        by_name = {run.name: losses[run.key] for run in runs}
        for series in by_name.values():
            assert series.first > 4.3  # guessing among 96 characters costs 4.56
            assert series.minimum is not None
            assert series.minimum < series.first - 0.2  # also where others use the cores
        assert len({series.last for series in by_name.values()}) == 3
        assert all(reader.values(run.key, "sample") for run in runs)


def test_leaving_the_terminal_ui_ends_the_trainings(tmp_path: Path) -> None:
    """On a terminal the UI opens on the living runs; `q` leaves it, ends them, and succeeds."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    demo = subprocess.Popen(
        [*COMMAND, "demo", "--seconds", "60", "--dir", str(tmp_path)],
        env=environment(TERM="xterm-256color"),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    screen, shown = b"", pyte.Screen(120, 40)  # only what changes is written: hence a screen
    terminal = pyte.ByteStream(shown)
    deadline = time.monotonic() + 60
    while not all(name in "".join(shown.display) for name in NAMES):
        assert time.monotonic() < deadline, shown.display
        if select.select([leader], [], [], 0.5)[0]:
            piece = os.read(leader, 65536)
            terminal.feed(piece)
            screen += piece
    assert b"\x1b[?1049h" in screen  # the UI took the screen
    time.sleep(1)
    os.write(leader, b"q")
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        screen += piece
    assert demo.wait(timeout=30) == 0
    os.close(leader)
    after = screen.rpartition(b"\x1b[?1049l")[2].decode()  # the UI gave the screen back
    assert "Ending the trainings that still run." in after
    assert "Next: " in after
    with Reader.open(tmp_path) as reader:
        assert [run.state for run in reader.runs()] == ["finished"] * 3


def test_it_takes_no_run_id_from_the_environment(tmp_path: Path) -> None:
    """A run id, rank or mode meant for the user's own training does not reach the demo's."""
    env = {"TRACKERLITE_RUN_ID": "mine", "WANDB_MODE": "disabled", "RANK": "3", "WORLD_SIZE": "8"}
    done = trackerlite(
        "demo", "--no-tui", "--seconds", "1", "--runs", "2", "--dir", str(tmp_path), **env
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()[1:]] == [
        "baseline",
        "short-context",
    ]


def test_ctrl_c_keeps_what_was_trained(tmp_path: Path) -> None:
    """Ctrl-C ends every training in good order; the runs are finished and the command succeeds."""
    demo = subprocess.Popen(
        [*COMMAND, "demo", "--no-tui", "--seconds", "60", "--dir", str(tmp_path)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stderr
    while "baseline" not in demo.stderr.readline():
        assert demo.poll() is None
    demo.send_signal(signal.SIGINT)
    asked = time.monotonic()
    results, narration = demo.communicate(timeout=30)
    assert time.monotonic() - asked < 20
    assert demo.returncode == 0
    assert "Stopped early" in narration
    assert "failed" not in narration
    assert len(results.splitlines()) == 4
    with Reader.open(tmp_path) as reader:
        assert {run.state for run in reader.runs()} == {"finished"}


def test_no_training_is_left_behind(tmp_path: Path) -> None:
    """Whatever ends the block around the trainings, none of their processes survives it."""
    pids: list[int] = []
    try:
        with Trainings(plan(2), folder=tmp_path, group="g", seconds=60) as trainings:
            pids = [child.process.pid for child in trainings._children]
            assert trainings.running() == 2
            raise RuntimeError
    except RuntimeError:
        pass
    assert len(pids) == 2
    for pid in pids:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            continue
        raise AssertionError(f"{pid} still runs")
    assert trainings.failures() == []


def test_a_training_that_fails_is_reported(tmp_path: Path) -> None:
    """If a training ends with an error, the demo says which and why, and fails."""
    (tmp_path / ".trackerlite").write_text("in the way")
    done = trackerlite("demo", "--no-tui", "--seconds", "1", "--runs", "1", "--dir", str(tmp_path))
    assert done.returncode == 1
    assert "baseline failed: " in done.stderr
    assert "Traceback" not in done.stderr
