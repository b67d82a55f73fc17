"""What a training process really loads, looked at from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "textual", "rich", "click", "tensorboard", "tensorflow", "wandb", "torch", "pandas", "polars", "pyarrow", "numpy", "scipy",
    "matplotlib", "PIL", "mlflow", "clearml", "sqlite_utils", "google.protobuf", "grpc", "requests", "watchdog", "trackerlite_tui",
)  # fmt: skip

TRAINING = """
run = trackerlite.init(dir=".", project="p", config={"lr": 1e-4}, tags=["a"])
for step in range(50):
    run.log({"loss": 1.0 / (step + 1), "note": "text"}, step=step)
run.config["later"] = 1
run.summary["best"] = 2
run.define_metric("loss", goal="min")
run.alert("title", "text")
time.sleep(1.0)
run.finish()
"""


def loaded(code: str, folder: Path) -> set[str]:
    """The top-level names (and a few below) of what a new interpreter has loaded after `code`."""
    script = f"import sys, time\n{code}\nimport json\nprint(json.dumps(sorted(sys.modules)))"
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("TRACKERLITE_", "WANDB_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing(tmp_path: Path) -> None:
    """`import trackerlite` loads nothing of its own but its names, and nothing heavy at all."""
    found = loaded("import trackerlite", tmp_path)
    assert found.isdisjoint(
        {*HEAVY, "sqlite3", "psutil", "asyncio", "socket", "subprocess", "http.client"}
    )
    assert {name for name in found if name.startswith("trackerlite")} == {"trackerlite"}


@pytest.mark.parametrize("code", [TRAINING, "trackerlite.init(mode='disabled').log({'x': 1})"])
def test_a_training_loads_nothing_heavy(code: str, tmp_path: Path) -> None:
    """A whole recorded training loads no user interface, no framework, no other tracker, and not NumPy."""
    found = loaded(f"import trackerlite\n{code}", tmp_path)
    assert found.isdisjoint(HEAVY), found & set(HEAVY)
    assert not {
        name
        for name in found
        if name.startswith(("trackerlite.cli", "trackerlite.sync", "trackerlite.importers"))
    }


def test_beginning_a_run_loads_little(tmp_path: Path) -> None:
    """`init` waits for nothing that is slow to import: no OpenSSL, no `inspect`, no compression, no SQLite."""
    found = loaded("import trackerlite.recording.current", tmp_path)
    assert found.isdisjoint(
        {
            "dataclasses",
            "inspect",
            "hashlib",
            "shutil",
            "sqlite3",
            "psutil",
            "subprocess",
            "logging",
        }
    )


def test_a_resumed_training_loads_nothing_heavy(tmp_path: Path) -> None:
    """Going on with a run reads its past without loading anything heavy either."""
    loaded(f"import trackerlite\n{TRAINING.replace('project=', 'id=chr(114), project=')}", tmp_path)
    found = loaded(
        f"import trackerlite\n{TRAINING.replace('project=', 'id=chr(114), project=')}", tmp_path
    )
    assert found.isdisjoint(HEAVY), found & set(HEAVY)


def test_the_probe_would_see_them(tmp_path: Path) -> None:
    """Reading with arrays does load NumPy: the tests above can fail."""
    assert "numpy" in loaded("import trackerlite.readers.curves", tmp_path)


ROOMS = ["journal", "store", "readers", "backends", "sync", "cli"]


@pytest.mark.parametrize("room", ROOMS[:4])
def test_no_room_loads_what_stands_on_it(room: str, tmp_path: Path) -> None:
    """Every module of a room, really imported, loads no room to its right, and never the terminal UI."""
    root = Path(__file__).parent.parent / "trackerlite" / room
    names = [
        ".".join(path.relative_to(root.parent.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        )
        for path in sorted(root.rglob("*.py"))
    ]
    code = "\n".join(
        f"try:\n    import {name}\nexcept ImportError as e:\n    assert 'trackerlite' not in (e.name or ''), e"
        for name in names
    )
    found = loaded(code, tmp_path)
    later = [f"trackerlite.{r}" for r in ROOMS[ROOMS.index(room) + 1 :]] + [
        "trackerlite_tui",
        "textual",
    ]
    wrong = {n for n in found for other in later if n == other or n.startswith(other + ".")}
    assert not wrong
