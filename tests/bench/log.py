"""What logging costs: `python tests/bench/log.py` prints the table of the README.

Every contender runs the same work in a process of its own, one after the other, in
rounds, and the best round counts: on a shared machine the ratios are steadier than
the numbers. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CALLS, KEYS = 100_000, [f"train/metric_{n}" for n in range(5)]
FEWER = {"wandb offline": 20_000, "tensorboard": 50_000, "trackio": 50_000, "pandm": 100_000}


# -- contenders: each gives (log, everything durable, bytes on disk) ------------------------


def _trackerlite(folder: Path):
    import trackerlite as tl

    run = tl.init(project="bench", dir=folder)
    return lambda data, step: run.log(data, step), run.finish


def hand_packed(folder: Path):
    """The lower bound: the same five floats as one hand-packed TensorBoard event, one write."""
    import struct

    from google_crc32c import value as crc32c

    fd = os.open(folder / "events", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    names = [
        b"\x0a" + bytes([len(k) + 7]) + b"\x0a" + bytes([len(k)]) + k.encode() + b"\x15"
        for k in KEYS
    ]
    pack = struct.Struct("<BdBIBB" + "".join(f"{len(n)}sf" for n in names)).pack
    size = sum(len(n) + 4 for n in names)
    n1, n2, n3, n4, n5 = names

    def mask(data: bytes) -> bytes:
        crc = crc32c(data)
        return (((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")

    length = (15 + 1 + size).to_bytes(8, "little")
    head = length + mask(length)

    def log(data, step):
        a, b, c, d, e = data.values()
        body = pack(
            9, time.time(), 0x15, step, 0x2A, size & 0xFF, n1, a, n2, b, n3, c, n4, d, n5, e
        )
        os.write(fd, head + body + mask(body))

    return log, lambda: os.close(fd)


def _raw_json(folder: Path):
    fd = os.open(folder / "rows.jsonl", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def log(data, step):
        os.write(fd, (json.dumps({"step": step, "time": time.time(), **data}) + "\n").encode())

    return log, lambda: os.close(fd)


def _tensorboard(folder: Path):
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))

    def log(data, step):
        values = [Summary.Value(tag=k, simple_value=v) for k, v in data.items()]
        writer.add_event(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    return log, writer.close


def _wandb(folder: Path):
    os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=str(folder))
    import wandb

    run = wandb.init(project="bench", dir=str(folder))
    return lambda data, step: run.log(data, step), run.finish


def _trackio(folder: Path):
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio

    run = trackio.init(project="bench", embed=False)
    return lambda data, step: run.log(data, step), run.finish


def _pandm(folder: Path):
    import pandm

    os.chdir(folder)
    run = pandm.init(project="bench")
    return lambda data, step: run.log(data, step), run.finish


CONTENDERS = {
    "trackerlite": (_trackerlite, "trackerlite"),
    "raw TFRecord append": (hand_packed, "google_crc32c"),
    "raw JSON lines": (_raw_json, "json"),
    "tensorboard": (_tensorboard, "tensorboard.summary.writer.event_file_writer"),
    "trackio": (_trackio, "trackio"),
    "pandm": (_pandm, "pandm"),
    "wandb offline": (_wandb, "wandb"),
}


# -- one contender in a process of its own -------------------------------------------------


def work(name: str, folder: Path) -> dict[str, float]:
    """Log, and say what it cost."""
    import random

    calls = FEWER.get(name, CALLS)
    rows = [{k: random.random() for k in KEYS} for _ in range(calls)]
    bare = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    make, module = CONTENDERS[name]
    __import__(module)
    imported = time.perf_counter()
    log, close = make(folder)
    ready = time.perf_counter()
    taken = [0] * calls
    cpu, clock = time.process_time(), time.perf_counter_ns
    for step, row in enumerate(rows):
        before = clock()
        log(row, step)
        taken[step] = clock() - before
    logged = time.perf_counter()
    close()
    done = time.perf_counter()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = time.process_time() - cpu + children.ru_utime + children.ru_stime
    taken.sort()
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    return {
        "import": (imported - start) * 1e3,
        "init": (ready - imported) * 1e3,
        "p50": taken[calls // 2] / 1e3,
        "p99": taken[int(calls * 0.99)] / 1e3,
        "max": taken[-1] / 1e3,
        "cpu": cpu / calls * 1e6,
        "wall": (done - ready) / calls * 1e6,
        "finish": (done - logged) * 1e3,
        "rss": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - bare) / 1024,
        "bytes": size / calls / len(KEYS),
    }


def child(name: str, *extra: str) -> subprocess.Popen[str]:
    # Compiled modules are kept, as an installation has them; the first round may still make some.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.Popen(
        [sys.executable, __file__, "--work", name, *extra],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=kept,
    )  # fmt: skip


def measure(name: str) -> dict[str, float] | None:
    folder = tempfile.mkdtemp(prefix="bench-")
    try:
        out, _ = child(name, "--folder", folder).communicate(timeout=600)
        found = [line for line in out.splitlines() if line.startswith('{"import"')]
        return json.loads(found[-1]) if found else None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# -- beyond one writer -----------------------------------------------------------------------


def kill(rows: int = 50_000) -> str:
    """Log at full rate, SIGKILL, and count what can be read of what was acknowledged."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    code = (
        "import trackerlite as tl, os, signal\n"
        f"run = tl.init(project='bench', id='killed', dir={str(folder)!r})\n"
        f"for i in range({rows}): run.log({{'a': 1.5, 'b': i}}, i)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    status = subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL, check=False)
    assert status.returncode == -signal.SIGKILL
    import trackerlite as tl

    found = len(tl.Api(folder).run("killed").metric("b")["step"])
    shutil.rmtree(folder)
    return f"{found:,} of {rows:,}"


def writers(count: int = 8, calls: int = 5_000) -> float:
    """Seconds until `count` processes have logged `calls` each into one store, SQLite included."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    code = (
        f"import trackerlite as tl\nrun = tl.init(project='bench', dir={str(folder)!r})\n"
        f"for i in range({calls}): run.log({{'a': 1.5, 'b': 2.5, 'c': 0.1, 'd': 0.2, 'e': 0.3}}, i)\nrun.finish()\n"
    )
    start = time.perf_counter()
    crowd = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
        for _ in range(count)
    ]
    assert all(p.wait() == 0 for p in crowd)
    spent = time.perf_counter() - start
    import trackerlite as tl

    api = tl.Api(folder)
    assert all(len(r.metric("a")["step"]) == calls for r in api.runs())
    shutil.rmtree(folder)
    return spent


def reading() -> dict[str, float]:
    """Reading back: a curve of 100,000 points, the envelope of 1 M, a list of runs."""
    import trackerlite as tl
    from trackerlite.readers import Reader

    os.environ["TRACKERLITE_SILENT"] = "1"
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    found: dict[str, float] = {}
    with tl.init(project="bench", id="long", dir=folder) as run:
        for i in range(1_000_000):
            run.log({"x": i * 0.5}, i)
    for n in range(1000):
        run = tl.init(
            project="many", name=f"run {n}", config={"lr": n * 1e-5, "seed": n}, dir=folder
        )
        for step in range(3):
            run.log({"loss": 1.0 / (n + step + 1), "acc": n / 1000})
        run.finish()
    with Reader.open(folder) as reader:
        reader.runs()
        start = time.perf_counter()
        reader.refresh()
        runs = reader.runs("many")
        reader.params([r.key for r in runs])
        reader.summaries([r.key for r in runs])
        found["list of 1,000 runs with config and summary, ms"] = (
            time.perf_counter() - start
        ) * 1e3
        series = reader.series([reader.run("long").key])[0]
        start = time.perf_counter()
        reader.envelope(series.key, 1000)
        found["envelope of 1,000,000 points, ms"] = (time.perf_counter() - start) * 1e3
        start = time.perf_counter()
        reader.points(series.key, 0, 100_000)
        found["curve of 100,000 points in full, ms"] = (time.perf_counter() - start) * 1e3
    shutil.rmtree(folder)
    return found


# -- the table -----------------------------------------------------------------------------------


def table(rounds: int, only: list[str]) -> None:
    print(
        f"{'five floats a call':22}{'import':>8}{'init':>7}{'p50':>8}{'p99':>8}{'max':>9}{'CPU':>8}{'finish':>8}{'RSS':>7}{'bytes':>7}"
    )
    print(
        f"{'':22}{'ms':>8}{'ms':>7}{'µs':>8}{'µs':>8}{'µs':>9}{'µs/call':>8}{'ms':>8}{'+MB':>7}{'/point':>7}"
    )
    best: dict[str, dict[str, float]] = {}
    for name, (_, module) in CONTENDERS.items():
        if only and name not in only:
            continue
        if subprocess.run(
            [sys.executable, "-c", f"import {module}"], capture_output=True, check=False
        ).returncode:
            print(f"{name:22} not installed")
            continue
        for _ in range(rounds):
            row = measure(name)
            if row is not None:
                old = best.get(name, row)
                best[name] = {k: min(v, old[k]) for k, v in row.items()}
        row = best.get(name)
        if row is None:
            print(f"{name:22} failed")
            continue
        print(
            f"{name:22}{row['import']:8.0f}{row['init']:7.1f}{row['p50']:8.1f}{row['p99']:8.1f}{row['max']:9.0f}"
            f"{row['cpu']:8.1f}{row['finish']:8.0f}{row['rss']:7.0f}{row['bytes']:7.0f}"
        )
    ours = best.get("trackerlite")
    for name, row in best.items():
        if ours and name != "trackerlite":
            print(
                f"log() p50 of {name}: {row['p50'] / ours['p50']:.2f} × ours; CPU: {row['cpu'] / ours['cpu']:.2f} × ours"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], help="one contender; may repeat")
    parser.add_argument("--quick", action="store_true", help="the table only")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        print(json.dumps(work(given.work, given.folder)))
        return
    table(given.rounds, given.only)
    if not given.quick:
        print(f"readable after SIGKILL at full rate: {kill()}")
        print(f"8 writers × 5,000 calls on one store, in SQLite: {writers():.1f} s")
        for what, value in reading().items():
            print(f"{what}: {value:.1f}")


if __name__ == "__main__":
    main()
