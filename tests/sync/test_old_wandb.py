"""With a wandb that only knows whole replays (≤ 0.26): the same rows, exactly once.

Needs an interpreter with such a wandb: TRACKERLITE_OLD_WANDB=/path/to/its/python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sync.conftest import arrived, expected
from sync.loopback import Loopback

OLD = os.environ.get("TRACKERLITE_OLD_WANDB", "")
pytestmark = pytest.mark.skipif(
    not OLD,
    reason="no old wandb here: set TRACKERLITE_OLD_WANDB to the python of a venv with wandb<=0.26",
)
ROOT = Path(__file__).parents[2]

# The old wandb's interpreter runs the whole sync: our code from the checkout, its own packages.
CODE = """
import json, sys
from trackerlite.readers import Reader
from trackerlite.sync.engine import Syncer
from trackerlite.sync.outcome import Options
with Reader.open(sys.argv[1]) as reader, Syncer(reader, Options(settle=0.1, read_back=5.0)) as syncer:
    print(json.dumps([o.as_dict() for o in syncer.sync(reader.runs())]))
"""


def old_sync(store: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [OLD, "-c", CODE, str(store)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_an_old_wandb_replays_whole(
    server: Loopback, record: Callable[..., Any], store: Path
) -> None:
    """First sync, nothing new, then more rows: whole replays over what is there, nothing doubled."""
    run = record(300)
    assert [(o["status"], o["rows"]) for o in old_sync(store)] == [("synced", 300)]
    assert arrived(server, run.id) == expected(run, 300)
    assert [o["status"] for o in old_sync(store)] == ["up to date"]
    record(100, start=300, id=run.id, resume="must")
    assert [(o["status"], o["rows"]) for o in old_sync(store)] == [("synced", 400)]
    assert arrived(server, run.id) == expected(run, 400)
    assert server.run("p", run.id).state == "finished"


def test_a_running_run_waits(server: Loopback, record: Callable[..., Any], store: Path) -> None:
    """An old wandb cannot leave a run open, so a running one is sent when it ends."""
    run = record(10, finish=False)
    assert [o["status"] for o in old_sync(store)] == ["waiting"]
    run.finish()
    assert [o["status"] for o in old_sync(store)] == ["synced"]


def test_the_old_reader_reads_our_segments(tmp_path: Path) -> None:
    """wandb's own Python reader (gone in later versions) reads our framing, record by record."""
    from trackerlite.sync.segment import SegmentWriter

    records = [bytes([i % 251]) * (i * 37 % 40_000) for i in range(1, 300)]
    with SegmentWriter(tmp_path / "run-x.wandb") as writer:
        for data in records:
            writer.write(data)
    code = (
        "import sys, hashlib\n"
        "from wandb.sdk.internal.datastore import DataStore\n"
        "s = DataStore(); s.open_for_scan(sys.argv[1]); d = s.scan_data()\n"
        "while d is not None:\n    print(hashlib.sha256(d).hexdigest()); d = s.scan_data()\n"
    )
    done = subprocess.run(
        [OLD, "-c", code, str(tmp_path / "run-x.wandb")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    import hashlib

    assert done.stdout.split() == [hashlib.sha256(data).hexdigest() for data in records]
    assert sys.version_info >= (3, 10)
