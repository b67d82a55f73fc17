"""What asking costs: `python tests/bench/query.py` prints each number beside its target.

The store has 1,000 runs × 20 metrics × 3,000 points (about 4 GB and some minutes to
build; `--points 30` makes a small one, which asks the same of everything but disk), and
one run with a metric of a million points. `--store DIR` keeps it for the next time.
Times are the best of several, on a machine that others may use too: the second column is
the processor's, which waiting for others does not lengthen. The shell's include starting
Python.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.writer import JournalWriter
from trackerlite.readers import Reader
from trackerlite.readers.api import Api
from trackerlite.readers.compare import compare
from trackerlite.readers.select import select_runs
from trackerlite.store.projector import Projector

RUNS, METRICS, POINTS, LONG = 1_000, 20, 3_000, 1_000_000
FILTER, SORT = "config.lr>=1e-4 val/metric_3>0.2 tag:lora state:finished", "-best(val/loss)"
STARTED = time.time() - 86_400


def _log(time_: float, step: int, values: dict[str, float]) -> bytes:
    messages = [events.number_value(key, value) for key, value in values.items()]
    return frame(events.event(time_, step, events.summary(*messages)))


def _record(time_: float, **fields: object) -> bytes:
    return frame(events.event(time_, 0, events.record(fields)))


def _write(
    store: Path, run_id: str, config: dict[str, object], tags: list[str], body: bytes, last: bytes
) -> Path:
    folder = store / "runs" / "bench" / run_id
    folder.mkdir(parents=True)
    writer = JournalWriter(folder)
    packages = {f"package-{n}": f"1.{n}.0" for n in range(200)}
    start = _record(
        STARTED, t="run", id=run_id, project="bench", name=run_id, started=STARTED, config=config, tags=tags,
        packages=packages, python="3.12.1", host="gpu01", command="python train.py", git={"commit": run_id},
    )  # fmt: skip
    end = _record(STARTED + 4_000, t="finish", state="finished", exit_code=0)
    writer.append(start + body + last + end)
    writer.close()
    return folder


def build(store: Path, runs: int, points: int, long: int) -> None:
    """Write the journals and project them; the runs share the middle of their curves."""
    rng = random.Random(1)
    names = ["train/loss", "val/loss", *(f"val/metric_{n}" for n in range(METRICS - 2))]
    body = b"".join(
        _log(
            STARTED + step,
            step,
            {name: math.exp(-step / 900) + rng.random() / 10 for name in names},
        )
        for step in range(points - 1)
    )
    projector = Projector(store)
    began = time.perf_counter()
    for number in range(runs):
        last = _log(STARTED + points, points, {name: rng.random() for name in names})
        config = {f"option.{n}": n for n in range(40)}
        config |= {
            "lr": 10 ** rng.uniform(-5, -2),
            "seed": number % 5,
            "optimizer": rng.choice(["adamw", "lion"]),
        }
        tags = rng.sample(["lora", "baseline", "sweep", "paper"], 2)
        projector.project_run(_write(store, f"run{number:04}", config, tags, body, last))
        if sys.stderr.isatty():
            print(f"\r{number + 1} runs", end="", file=sys.stderr)
    print(f"\rbuilt {runs} runs in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    curve = b"".join(
        _log(STARTED + n / 1e3, n, {"loss": math.exp(-n / 3e5) + (n == 777_777)})
        for n in range(long)
    )
    projector.project_run(_write(store, "long", {}, [], curve, b""))
    projector.close()


Times = tuple[float, float]  # milliseconds: of the clock, and of the processor


def best(function: Callable[[], object], times: int) -> Times:
    """The best of `times`, after one call that warms caches."""
    function()
    clock, processor = [], []
    for _ in range(times):
        began, busy = time.perf_counter(), time.process_time()
        function()
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - busy)
    return min(clock) * 1e3, min(processor) * 1e3


def from_shell(store: Path, *words: str) -> Times:
    """A `trackerlite` verb, process start included: the best of seven."""
    program = "import sys; from trackerlite.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *words, "--dir", str(store)]
    # As it is where it is installed: compiled once, not at each start.
    installed = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def busy() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    clock, processor = [], []
    for _ in range(7):
        began, before = time.perf_counter(), busy()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=installed)
        clock.append(time.perf_counter() - began)
        processor.append(busy() - before)
    return min(clock) * 1e3, min(processor) * 1e3


def measure(store: Path, times: int) -> list[tuple[str, Times, float | None]]:
    """(what, times, target in ms or None) of everything that is promised a number."""
    rows: list[tuple[str, Times, float | None]] = []
    with Reader.open(store) as reader:
        found = select_runs(reader, FILTER, SORT)
        assert 10 < len(found) < RUNS / 2, len(found)
        ten = found[:10]
        rows += [
            (
                "filter and sort 1,000 runs",
                best(lambda: select_runs(reader, FILTER, SORT), times),
                150,
            ),
            ("list 1,000 runs", best(lambda: reader.runs(), times), None),
            ("compare 10 runs", best(lambda: compare(reader, ten).differing(), times), 200),
        ]
    api = Api(store)
    run = api.run("long")
    rows += [
        (
            "history of 1 M points at 1,000 samples",
            best(lambda: run.history(["loss"], samples=1_000), times),
            20,
        ),
        (
            "history of 1 M points in full",
            best(lambda: run.history(["loss"]), max(3, times // 5)),
            1_000,
        ),
    ]
    spike = run.history(["loss"], samples=1_000)["loss"].max()
    assert spike > 1, "the spike was lost"
    api.close()
    ids = [run.id for run in ten]
    rows += [
        ("trackerlite ls, from the shell", from_shell(store, "ls"), 300),
        (
            "trackerlite ls FILTER --sort, from the shell",
            from_shell(store, "ls", FILTER, f"--sort={SORT}"),
            None,
        ),
        ("trackerlite diff of 10 runs, from the shell", from_shell(store, "diff", *ids), None),
    ]
    return rows


def main() -> int:
    """Build, measure, print; 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--points", type=int, default=POINTS)
    parser.add_argument("--long", type=int, default=LONG)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--store", type=Path, help="where to keep the store, or find it again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        store = (options.store or Path(scratch)) / ".trackerlite"
        if not store.exists():
            build(store, options.runs, options.points, options.long)
        missed = 0
        print("| what | ms | CPU ms | target |\n|---|---|---|---|")
        for what, (clock, processor), target in measure(store, options.times):
            over = target is not None and clock > target
            missed += over
            promised = "" if target is None else f"≤ {target:g}{' MISSED' if over else ''}"
            print(f"| {what} | {clock:.0f} | {processor:.0f} | {promised} |")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
