"""How long the shell waits: `python tests/bench/cli.py [RUNS]` prints a table.

Each verb is a process of its own, as a person starts it; the store has RUNS (1,000) finished
runs of 4 metrics and 20 steps. Best and median of seven.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from trackerlite.importers.base import ForeignRun, Item, Media, Part
from trackerlite.importers.write import take_in

COMMAND = [sys.executable, "-c", "import sys; from trackerlite.cli import main; sys.exit(main())"]
VERBS = {
    "python, importing nothing": None,
    "trackerlite --version": ["--version"],
    "ls (into a pipe)": ["ls"],
    "ls --json": ["ls", "--json"],
    "ls (on a terminal)": ["ls"],
    "ls 'config.lr<0.01'": ["ls", "config.lr<0.01"],
    "show": ["show", "run00007"],
    "metrics -m": ["metrics", "run00007", "-m", "train/loss"],
}


class Made(ForeignRun):
    """Run number `number` of the store."""

    format = "bench"

    def __init__(self, number: int):
        self.source = Path(f"/bench/{number}")
        self.id, self.project = f"run{number:05}", f"project{number % 3}"
        self.name = f"llama3-lora-r{2 ** (number % 7)}-{number}"
        self._number = number

    def header(self) -> dict[str, object]:
        """Started a minute after the one before."""
        config = {"lr": 10.0 ** -(self._number % 5), "lora": {"r": 2 ** (self._number % 7)}}
        return {"started": 1.7e9 + 60 * self._number, "config": config, "tags": ["lora"]}

    def parts(self) -> list[Part]:
        """One."""
        return [Part("all", self._items)]

    def _items(self, _: Media) -> Iterator[Item]:
        for step in range(20):
            keys = ("train/loss", "val/loss", "val/f1", "lr")
            yield Item(1.7e9 + 60 * self._number + step, step, dict.fromkeys(keys, 1 / (step + 1)))


def timed(arguments: list[str] | None, store: Path, terminal: bool) -> float:
    """Wall seconds of one process."""
    command = [sys.executable, "-c", ""] if arguments is None else [*COMMAND, *arguments]
    if terminal:
        command = ["script", "-qec", " ".join(map(_quoted, command)), "/dev/null"]
    environment = os.environ | {"TRACKERLITE_DIR": str(store)}
    start = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def main() -> None:
    """Build the store, time each verb, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / ".trackerlite"
        for number in range(count):
            take_in(Made(number), store)
        timed(["ls"], store, terminal=False)  # the first one projects what is new
        print(f"{count:,} runs on {os.cpu_count()} cores, Python {sys.version.split()[0]}")
        print(f"{'':28}{'best':>8}{'median':>10}")
        for title, arguments in VERBS.items():
            found = sorted(timed(arguments, store, "terminal" in title) for _ in range(7))
            print(f"{title:28}{found[0] * 1e3:5.0f} ms{statistics.median(found) * 1e3:7.0f} ms")


if __name__ == "__main__":
    main()
