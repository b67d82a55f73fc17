"""How long a replay takes: `python tests/bench/sync.py [STEPS]` prints a table.

The same STEPS (100,000) × 5 numbers reach the same loopback server three ways: logged online with the
wandb package, logged offline and uploaded by `wandb sync`, and `trackerlite sync` of a recorded run.
Wall and CPU are those of the client's processes; quote ratios from one run. Then: 50 small runs,
and a sync of 100 runs with nothing to do.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def main(steps: int) -> None:
    with Loopback() as server, tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, value in server.environment().items():
            if not name.startswith("WANDB__"):
                os.environ[name] = value
        os.environ.update(HOME=folder, TRACKERLITE_SILENT="1", WANDB_ERROR_REPORTING="false")
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
        for name, (wall, cpu) in table.items():
            print(f"{name:<46}{wall:8.2f}{cpu:8.2f}")
        ours = table["trackerlite sync"][0]
        for name in ("run.log, online", "run.log offline, then wandb sync"):
            print(f"  {table[name][0] / ours:.1f} × faster than {name}")
        for number in range(50):
            timed([*python, OURS, "20", f"small{number}", str(work / "many")], work)
        wall, cpu = timed([*CLI, "sync", "--dir", str(work / "many")], work)
        print(f"{'50 runs of 20 steps':<46}{wall:8.2f}{cpu:8.2f}")
        for number in range(50, 100):
            timed([*python, OURS, "20", f"small{number}", str(work / "many")], work)
        timed([*CLI, "sync", "--dir", str(work / "many")], work)
        wall, cpu = timed([*CLI, "sync", "--dir", str(work / "many")], work)
        print(f"{'100 runs with nothing to send':<46}{wall:8.2f}{cpu:8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
