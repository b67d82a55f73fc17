"""Following several runs at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

WRITER = """
import sys, time, pathlib, trackerlite as tl
store, name = sys.argv[1:]
run = tl.init(project="p", id=name, name="same", dir=store)
run.log({"loss": 1.0}, step=0)
pathlib.Path(store, name + ".there").touch()
while not pathlib.Path(store, "go").exists():
    time.sleep(0.02)
run.log({"loss": 2.0}, step=1)
run.finish()
"""
TAIL = "import sys; from trackerlite.cli import main; sys.exit(main(sys.argv[1:]))"


def test_several_live_runs_are_followed_to_their_ends(tmp_path: Path) -> None:
    """`tail --filter` prints each row of each run once, with whose it is, until all have ended."""
    quiet = {**os.environ, "TRACKERLITE_SILENT": "1"}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], env=quiet)
        for name in ("one", "two")
    ]
    deadline = time.monotonic() + 60
    while not all((tmp_path / f"{name}.there").exists() for name in ("one", "two")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    words = ["tail", "--filter", "state:running project:p", "--json", "--dir", str(tmp_path)]
    tail = subprocess.Popen(
        [sys.executable, "-c", TAIL, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tail.stdout
    first = [json.loads(tail.stdout.readline()) for _ in range(2)]
    assert {row["_run"] for row in first} == {"one", "two"}
    (tmp_path / "go").touch()
    rest, narration = tail.communicate(timeout=60)
    assert tail.returncode == 0
    found = [*first, *map(json.loads, rest.splitlines())]
    assert sorted((row["_run"], row["_step"], row["loss"]) for row in found) == [
        ("one", 0, 1.0), ("one", 1, 2.0), ("two", 0, 1.0), ("two", 1, 2.0),
    ]  # fmt: skip
    assert narration.count("same finished after") == 2
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
