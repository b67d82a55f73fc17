"""What watching costs: `python tests/bench/tui.py` prints each number beside its budget.

The app runs in a pseudo-terminal of 200 × 50 that this program reads, so start, keys, processor time
and bytes are those of a person's terminal. The store has 1,000 runs × 20 metrics × `--points` points
(30; 3,000 takes minutes and 4 GB to build, `--store DIR` keeps it). Wall-clock times on a shared
machine are upper bounds.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import tui_peers

from query import build
from trackerlite_tui.curves.chart import Options, draw
from trackerlite_tui.curves.line import Line, thin
from trackerlite_tui.curves.palette import DARK_INK

COLUMNS, ROWS = 200, 50
_APP = "import sys, trackerlite_tui; sys.exit(trackerlite_tui.main(sys.argv[1], screen=sys.argv[2], theme='dark'))"
_WRITER = """
import sys, time, trackerlite
run = trackerlite.init(project="live", name="writer-" + sys.argv[2], dir=sys.argv[1])
end, step = time.monotonic() + float(sys.argv[3]), 0
while time.monotonic() < end:
    run.log({f"m{n}/loss": 1 / (step + 1 + n) for n in range(9)}, step=step)
    step += 1
    time.sleep(0.01)
run.finish()
"""
BRAILLE = tuple(bytes([0xE2, 0xA0 + n]) for n in range(4))


class Terminal:
    """The app in a pseudo-terminal."""

    def __init__(self, store: Path, screen: str, state: Path) -> None:
        self.began = time.perf_counter()
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ |= {
                "XDG_STATE_HOME": str(state),
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "LC_ALL": "C.UTF-8",
                "PYTHONPYCACHEPREFIX": str(state / "compiled"),  # as an installed package has it
            }
            for name in ("COLUMNS", "LINES", "NO_COLOR", "PYTHONDONTWRITEBYTECODE"):
                os.environ.pop(name, None)
            os.execv(sys.executable, [sys.executable, "-c", _APP, str(store), screen])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = psutil.Process(pid)
        self.pid = pid
        self.bytes = 0
        self.last = 0.0  # when something came

    def read(
        self, seconds: float, until: Callable[[bytes], bool] | None = None, quiet: float = 0.0
    ) -> tuple[bytes, float]:
        """What comes within some seconds, and when the wanted came (else the end).

        With `quiet`, only until nothing has come for that long.
        """
        end = time.perf_counter() + seconds
        got = b""
        while (left := end - time.perf_counter()) > 0:
            if not select.select([self.fd], [], [], min(left, quiet or left))[0]:
                if quiet:
                    break
            else:
                try:
                    data = os.read(self.fd, 1 << 16)
                except OSError:
                    break
                self.bytes += len(data)
                self.last = time.perf_counter()
                got += data
                if until is not None and until(got):
                    break
        return got, time.perf_counter()

    def key(self, key: bytes, seconds: float = 2.0) -> float:
        """Milliseconds from a key to the first byte of what it changed."""
        began = time.perf_counter()
        os.write(self.fd, key)
        _, at = self.read(seconds, bool)
        return (at - began) * 1e3

    def used(self) -> float:
        """Milliseconds of processor time so far."""
        return 1e3 * float(sum(self.process.cpu_times()[:2]))

    def cpu(self, seconds: float) -> tuple[float, float]:
        """Per cent of a core, and kB/s to the terminal, over some seconds."""
        before, sent = sum(self.process.cpu_times()[:2]), self.bytes
        began = time.perf_counter()
        self.read(seconds)
        wall = time.perf_counter() - began
        used = sum(self.process.cpu_times()[:2]) - before
        return 100 * used / wall, (self.bytes - sent) / wall / 1e3

    def settle(self, seconds: float) -> None:
        """Wait until all that was asked for is read."""
        end = time.perf_counter() + seconds
        while self.cpu(1.0)[0] > 10 and time.perf_counter() < end:
            pass

    def close(self) -> None:
        """Quit."""
        os.write(self.fd, b"q")
        self.read(1.0)
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def row(what: str, value: str, budget: str) -> None:
    """One line of the table."""
    print(f"| {what} | {value} | {budget} |", flush=True)


def redraw() -> None:
    """Time of one chart of the whole screen, by number and length of its lines."""
    rng = np.random.default_rng(0)
    for points in (1_000, 100_000, 1_000_000):
        for count in (1, 10, 100):
            lines = []
            for index in range(count):
                y = rng.normal(0, 1, points).cumsum()
                x = np.arange(points, dtype=np.float64)
                lines.append(
                    Line(*thin(x, y, 2 * COLUMNS, 0, points - 1), str(index), DARK_INK.line(index))
                )
            times = []
            for _ in range(7):
                began = time.process_time()
                draw(lines, COLUMNS, ROWS, Options())
                times.append((time.process_time() - began) * 1e3)
            row(
                f"redraw, {count} × {points:,} points",
                f"{statistics.median(times):.1f} ms",
                "10 ms at 10, 30 at 100",
            )


def start(store: Path, state: Path) -> None:
    """Spawn to table and to curves."""
    tables, curves, used = [], [], []
    for _ in range(6):  # the first one compiles
        terminal = Terminal(store, "runs", state)
        _, at = terminal.read(10, lambda got: b"run0" in got)
        tables.append((at - terminal.began) * 1e3)
        spent = terminal.used()
        _, at = terminal.read(10, lambda got: any(cell in got for cell in BRAILLE))
        curves.append((at - terminal.began) * 1e3)
        used.append((spent, terminal.used()))
        terminal.close()
    for place, (what, walls, budget) in enumerate(
        (("table", tables, "300"), ("curves", curves, "500"))
    ):
        cpu = min(pair[place] for pair in used)
        row(f"spawn to {what}", f"{cpu:.0f} ms CPU, {min(walls):.0f} ms wall", f"{budget} ms")


def spread(times: list[float]) -> str:
    """p50, p99 and the greatest."""
    ordered = sorted(times)
    return f"{statistics.median(ordered):.1f} / {ordered[int(len(ordered) * 0.99)]:.1f} / {ordered[-1]:.1f} ms"


def keys(store: Path, state: Path) -> None:
    """Keys to paint, on the table and while all runs' curves are loaded."""
    terminal = Terminal(store, "runs", state)
    terminal.read(4.0)
    pressed(terminal, "table of 1,000 runs", b"jk", 200, "16 ms at p99")
    os.write(terminal.fd, b"a\r2")
    terminal.read(0.5)
    pressed(terminal, "while 1,000 runs load", b"lh", 60, "50 ms at most")
    terminal.settle(120.0)
    row(
        "memory, all 1,000 runs drawn",
        f"{terminal.process.memory_info().rss / 2**20:.0f} MB",
        "400 MB",
    )
    pressed(terminal, "1,000 runs drawn", b"lh", 60, "16 ms at p99")
    terminal.close()
    idle = Terminal(store, "charts", state / "other")
    idle.read(20.0, quiet=3.0)
    cpu, sent = idle.cpu(8.0)
    row("idle", f"{cpu:.1f} % CPU, {sent:.1f} kB/s", "0.5 %")
    idle.close()


def pressed(terminal: Terminal, where: str, keys_: bytes, count: int, budget: str) -> None:
    """Press two keys in turn; wall-clock to the first byte of the answer, and to its last."""
    times, whole = [], []
    before = terminal.used()
    for index in range(count):
        began = time.perf_counter()
        times.append(terminal.key(keys_[index % 2 : index % 2 + 1]))
        terminal.read(0.08)
        whole.append((terminal.last - began) * 1e3)
    cpu = (terminal.used() - before) / count
    row(f"key to paint, {where}", f"{spread(times)} p50 / p99 / max, {cpu:.1f} ms CPU", budget)
    row("… until all that it asks for has come", f"{spread(whole)} p50 / p99 / max", "")


def live(state: Path) -> None:
    """Eight runs that log 9 metrics at 100 Hz, nine charts."""
    with tempfile.TemporaryDirectory() as folder:
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", _WRITER, folder, str(n), "40"], stderr=subprocess.DEVNULL
            )
            for n in range(8)
        ]
        time.sleep(3)
        terminal = Terminal(Path(folder), "charts", state)
        terminal.read(20.0, lambda got: any(cell in got for cell in BRAILLE))
        terminal.read(5.0)  # the app itself, behind its first frame
        cpu, sent = terminal.cpu(10.0)
        row(
            "live, 8 runs × 9 metrics × 100 Hz", f"{cpu:.1f} % CPU, {sent:.1f} kB/s", "5 %, 15 kB/s"
        )
        pressed(terminal, "while they log", b"lh", 60, "16 ms at p99")
        terminal.close()
        for writer in writers:
            writer.terminate()
            writer.wait()


def peers() -> None:
    """The same asked of others, where they are installed."""
    tui_peers.redraw(row, COLUMNS, ROWS)
    tui_peers.leet(row, 100, 300)


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=30)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--only", choices=["redraw", "start", "keys", "live", "peers"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        store = options.store or Path(folder) / "store"
        needed = options.only in (None, "start", "keys")
        if needed and not (store / ".trackerlite").is_dir():
            build(store / ".trackerlite", options.runs, options.points, 1_000)
        print(
            f"| {options.runs:,} runs × 20 × {options.points:,} points | here | budget |\n|---|---|---|"
        )
        for name, work in {
            "redraw": redraw,
            "start": lambda: start(store, state),
            "keys": lambda: keys(store, state),
            "live": lambda: live(state),
            "peers": peers,
        }.items():
            if options.only in (None, name):
                work()


if __name__ == "__main__":
    main()
