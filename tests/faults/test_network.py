"""A training speaks to nobody: not one packet, not one attempt."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.scripts import run
from trackerlite.readers import Reader

TRAINING = """
run = tl.init(dir=".", project="p", config={"lr": 1, "api_key": "x"}, tags=["a"])
for step in range(200):
    run.log({"loss": 1.0 / (step + 1), "text": "sample"}, step=step)
    run.config[f"k{step % 5}"] = step
run.define_metric("loss", goal="min")
run.alert("high", "loss")
time.sleep(0.5)
tl.Api(".").run(run.id).history()
run.finish()
from trackerlite.readers import Reader
with Reader.open(".") as reader:
    reader.refresh()
    say(rows=reader.series()[0].count)
"""


def test_no_connection_attempt(tmp_path: Path, need: Callable[[object, str], None]) -> None:
    """Under strace a whole training, its reading included, opens no internet socket and sends nothing."""
    need(shutil.which("strace"), "strace")
    trace = tmp_path / "trace"
    found = run(tmp_path, TRAINING, "strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace))
    need("ptrace" not in found.errors or found.status == 0, "the right to trace")
    assert found.status == 0, found.errors
    calls = trace.read_text().splitlines()
    # AF_UNIX is this machine's own name service: who the user is, by number.
    spoken = [line for line in calls if re.search(r"AF_(?!UNIX|LOCAL)[A-Z0-9]+", line)]
    assert spoken == []


@pytest.mark.privileged
def test_without_any_network(tmp_path: Path, need: Callable[[object, str], None]) -> None:
    """In a world without network, not even loopback, a training does just as well."""
    works = (
        subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
        if shutil.which("unshare")
        else None
    )
    need(works is not None and works.returncode == 0, "unshare -n")
    found = run(tmp_path, TRAINING, "unshare", "-n")
    assert found.status == 0, found.errors
    with Reader.open(tmp_path) as reader:
        assert reader.runs()[0].state == "finished"
        assert {s.count for s in reader.series(names=["loss"])} == {200}


def test_the_trace_would_show_one(tmp_path: Path, need: Callable[[object, str], None]) -> None:
    """An attempt to connect does appear in such a trace: the test above can fail."""
    need(shutil.which("strace"), "strace")
    trace = tmp_path / "trace"
    code = "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), 0.1)\nexcept OSError:\n    pass\n"
    run(
        tmp_path,
        code.replace("\\\n", "\n"),
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=network",
        "-o",
        str(trace),
    )
    assert "AF_INET" in trace.read_text()
