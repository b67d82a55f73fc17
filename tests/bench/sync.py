"""How long a replay takes: `python tests/bench/sync.py [STEPS]` prints a table.

The same STEPS (100,000) × 5 numbers reach the same loopback server three ways: logged online with the
wandb package, logged offline and uploaded by `wandb sync`, and `trackerlite sync` of a recorded run.
Wall and CPU are those of the client's processes; quote ratios from one run. Then: 50 small runs,
and a sync of 100 runs with nothing to do, beside what starting the uploader alone costs.

`--long ROWS` instead syncs one run of so many rows and prints the memory that each process took at most.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

sys.path[0] = str(Path(__file__).parents[1])  # not this folder, where `sync` is this file
from sync.loopback import Loopback

DATA = """
import random, sys
def rows(steps):
    chance = random.Random(1)
    for step in range(steps):
        yield step, {name: chance.random() for name in "abcde"}
"""
WANDB = (
    DATA
    + """
import wandb
run = wandb.init(project="bench", id=sys.argv[2], mode=sys.argv[3], settings=wandb.Settings(
    x_disable_stats=True, console="off", silent=True))
for step, values in rows(int(sys.argv[1])):
    run.log(values, step=step)
run.finish()
"""
)
OURS = (
    DATA
    + """
import trackerlite as tl
run = tl.init(project="bench", id=sys.argv[2], dir=sys.argv[3])
for step, values in rows(int(sys.argv[1])):
    run.log(values, step=step)
run.finish()
"""
)
HELP = "import sys, runpy; sys.argv = ['wandb', 'sync', '--help']; runpy.run_module('wandb', run_name='__main__')"
CLI = [sys.executable, "-c", "import sys; from trackerlite.cli import main; sys.exit(main())"]


def timed(command: list[str], work: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a command and its children."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{command[:3]} failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


SMALL = """
import sys, trackerlite as tl
for number in range(int(sys.argv[1]), int(sys.argv[2])):
    run = tl.init(project="bench", id=f"small{number}", dir=sys.argv[3])
    for step in range(20):
        run.log({"loss": 1 / (step + 1), "n": step}, step=step)
    run.finish()
"""
LONG = """
import sys, trackerlite as tl
run = tl.init(project="bench", id="long", dir=sys.argv[2])
for step in range(int(sys.argv[1])):
    run.log({"loss": 1 / (step + 1)}, step=step)
run.finish()
"""


@contextmanager
def place() -> Iterator[tuple[Loopback, Path]]:
    """A server, and a folder in which nothing of the machine is seen."""
    with Loopback() as server, tempfile.TemporaryDirectory() as folder:
        for name, value in server.environment().items():
            if not name.startswith("WANDB__"):
                os.environ[name] = value
        os.environ.update(HOME=folder, TRACKERLITE_SILENT="1", WANDB_ERROR_REPORTING="false")
        # Compiled once, as installed packages are.
        os.environ["PYTHONPYCACHEPREFIX"] = f"{folder}/compiled"
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        yield server, Path(folder)


def long(rows: int) -> None:
    """One run of `rows` rows: peak memory of our process and of those it starts, apart."""
    with place() as (server, work):
        wall, cpu = timed([sys.executable, "-c", LONG, str(rows), str(work / "long")], work)
        print(f"recorded {rows:,} rows: {wall:.0f} s, {cpu:.0f} s of CPU", flush=True)
        child = subprocess.Popen([*CLI, "sync", "--dir", str(work / "long")], cwd=work)
        peaks: dict[str, int] = {}
        began = time.perf_counter()
        while child.poll() is None:
            for process in [psutil.Process(child.pid), *psutil.Process(child.pid).children(True)]:
                try:
                    name = "trackerlite sync" if process.pid == child.pid else process.name()
                    peaks[name] = max(peaks.get(name, 0), process.memory_info().rss)
                except psutil.Error:
                    continue
            time.sleep(0.1)
        print(f"exit code {child.returncode} after {time.perf_counter() - began:.0f} s")
        print(f"{len(server.run('bench', 'long').history):,} rows at the server")
        for name, peak in peaks.items():
            print(f"{name:<20}{peak / 1e6:8.0f} MB")


def main(steps: int) -> None:
    with place() as (server, work):
        python = [sys.executable, "-c"]
        table = {}
        table["run.log, online"] = timed([*python, WANDB, str(steps), "online", "online"], work)
        first = timed([*python, WANDB, str(steps), "offline", "offline"], work)
        (log,) = (work / "wandb").glob("offline-run-*")
        second = timed([sys.executable, "-m", "wandb", "sync", str(log)], work)
        table["run.log offline, then wandb sync"] = (first[0] + second[0], first[1] + second[1])
        table["  of which wandb sync"] = second
        timed([*python, OURS, str(steps), "ours", str(work / "one")], work)
        table["trackerlite sync"] = timed([*CLI, "sync", "--dir", str(work / "one")], work)
        for run in ("online", "offline", "ours"):
            assert len(server.run("bench", run).history) == steps, run
        print(f"{steps:,} steps × 5{'wall s':>38}{'CPU s':>8}")
        for name, cost in table.items():
            row(name, cost)
        ours = table["trackerlite sync"][0]
        for name in ("run.log, online", "run.log offline, then wandb sync"):
            print(f"  {table[name][0] / ours:.1f} × faster than {name}")
        many = str(work / "many")
        timed([*python, SMALL, "0", "50", many], work)
        row("50 runs of 20 steps", timed([*CLI, "sync", "--dir", many], work))
        timed([*python, SMALL, "50", "100", many], work)
        timed([*CLI, "sync", "--dir", many], work)
        row("100 runs with nothing to send", timed([*CLI, "sync", "--dir", many], work))
        row("  for scale: wandb sync --help", timed([*python, HELP], work))
        row("  for scale: trackerlite ls", timed([*CLI, "ls", "--dir", many], work))


def row(name: str, cost: tuple[float, float]) -> None:
    print(f"{name:<46}{cost[0]:8.2f}{cost[1]:8.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--long"]:
        long(int(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
