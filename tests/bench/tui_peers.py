"""Other ways to draw runs in a terminal, for the table of `tui.py`: what is not installed is skipped."""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import os
import pty
import select
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

Row = Callable[[str, str, str], None]
SIZES = ((10, 1_000), (10, 100_000), (100, 1_000))  # more takes minutes
_WANDB_RUN = """
import sys, wandb
run = wandb.init(project="bench", dir=sys.argv[1], mode="offline", settings=wandb.Settings(silent=True))
for step in range(int(sys.argv[2])):
    run.log({f"m{n}/loss": 1 / (step + 1 + n) for n in range(20)})
run.finish()
"""


def redraw(row: Row, columns: int, rows: int) -> None:
    """One chart of the whole screen by textual-plot and textual-plotext; processor time."""
    for name, work in (("textual_plot", _plot), ("textual_plotext", _plotext)):
        if importlib.util.find_spec(name) is None:
            row(f"{name.replace('_', '-')} redraw", "not installed", "–")
            continue
        for count, points in SIZES:
            times = asyncio.run(work(count, points, (columns, rows)))
            took = f"{statistics.median(times):.0f} ms"
            row(f"{name.replace('_', '-')} redraw, {count} × {points:,} points", took, "–")


def _lines(count: int, points: int) -> list[tuple[Any, Any]]:
    rng = np.random.default_rng(0)
    x = np.arange(points, dtype=np.float64)
    return [(x, rng.normal(0, 1, points).cumsum()) for _ in range(count)]


async def _plot(count: int, points: int, size: tuple[int, int]) -> list[float]:
    from textual.app import App
    from textual_plot import HiResMode, PlotWidget

    class Show(App[None]):
        def compose(self) -> Any:
            yield PlotWidget()

    app = Show()
    async with app.run_test(size=size) as pilot:
        widget = app.query_one(PlotWidget)
        lines = _lines(count, points)

        async def frame() -> None:
            widget.clear()
            for x, y in lines:
                widget.plot(x, y, hires_mode=HiResMode.BRAILLE)
            await pilot.pause()

        return await _timed(frame)


async def _plotext(count: int, points: int, size: tuple[int, int]) -> list[float]:
    from textual.app import App
    from textual_plotext import PlotextPlot

    class Show(App[None]):
        def compose(self) -> Any:
            yield PlotextPlot()

    app = Show()
    async with app.run_test(size=size):
        widget = app.query_one(PlotextPlot)
        lines = [(x.tolist(), y.tolist()) for x, y in _lines(count, points)]

        async def frame() -> None:
            widget.plt.clear_data()
            for x, y in lines:
                widget.plt.plot(x, y, marker="braille")
            widget.render()

        return await _timed(frame)


async def _timed(frame: Callable[[], Any]) -> list[float]:
    times: list[float] = []
    while len(times) < 3 and sum(times) < 1_000:
        began = time.process_time()
        await frame()
        times.append((time.process_time() - began) * 1e3)
    return times


def leet(row: Row, runs: int, points: int) -> None:
    """`wandb leet` on a folder of offline runs: spawn to the first run's name, and memory after it."""
    command = Path(sys.executable).with_name("wandb")
    if not command.exists():
        row("wandb leet", "not installed", "–")
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", _WANDB_RUN, folder, str(points)], check=True)
        first = next((Path(folder) / "wandb").glob("offline-run-*"))
        run_id = first.name.rpartition("-")[2]
        for number in range(1, runs):
            other = first.with_name(f"offline-run-20260101_{number:06}-copy{number:04}")
            other.mkdir()
            shutil.copy(first / f"run-{run_id}.wandb", other / f"run-copy{number:04}.wandb")
        wall, memory = _watched([str(command), "leet", str(first.parent)], folder)
    what = f"wandb leet, {runs} × 20 × {points:,} points"
    row(f"{what}: spawn to the list", f"{wall:.0f} ms wall", "–")
    row(f"{what}: memory after 10 s, one run shown", f"{memory:.0f} MB", "–")


def _watched(command: list[str], home: str) -> tuple[float, float]:
    """Milliseconds until a run is named, and the MB of the process and its children later."""
    began = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "HOME": home}
        os.execv(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    got, wall = b"", 0.0
    while (now := time.perf_counter() - began) < 60 and now < (wall or 50) + 10:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                got += os.read(fd, 1 << 16)
            except OSError:
                break
            if not wall and (b"offline-run" in got or b"copy0" in got):
                wall = now
    process = psutil.Process(pid)
    every = [process, *process.children(recursive=True)]
    memory = sum(one.memory_info().rss for one in every) / 2**20
    for one in every:
        one.kill()
    os.waitpid(pid, 0)
    os.close(fd)
    return wall * 1e3, memory
