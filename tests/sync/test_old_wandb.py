"""With a wandb that only knows whole replays (≤ 0.26): the same rows, exactly once.

TRACKERLITE_OLD_WANDB names the folder that holds one, as `.ci/run` makes it:

    pip install --no-deps --target FOLDER wandb==0.22.3 'protobuf<7' sentry-sdk gitpython gitdb smmap
"""

from __future__ import annotations

import hashlib
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
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _there(need: Callable[[object, str], None]) -> None:
    need(OLD, "an old wandb: set TRACKERLITE_OLD_WANDB to a folder with wandb<=0.26 in it")


# A process that finds the old wandb first runs the whole sync.
CODE = """
import json, sys
from trackerlite.readers import Reader
from trackerlite.sync.engine import Syncer
from trackerlite.sync.outcome import Options
with Reader.open(sys.argv[1]) as reader, Syncer(reader, Options(settle=0.1, read_back=5.0)) as syncer:
    print(json.dumps([o.as_dict() for o in syncer.sync(reader.runs())]))
"""


def old(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([OLD, str(ROOT)])},
    )
    assert done.returncode == 0, done.stderr
    return done


def old_sync(store: Path) -> list[dict[str, Any]]:
    done = old(CODE, str(store))
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


def test_it_is_an_old_one() -> None:
    """What the folder holds knows neither typed values nor continuing: it is a test of just that."""
    code = (
        "from trackerlite.sync.proto import wandb_records as r; w = r(); print(w.typed, w.resume)"
    )
    assert old(code).stdout.split() == ["False", "False"]


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
    done = old(code, str(tmp_path / "run-x.wandb"))
    assert done.stdout.split() == [hashlib.sha256(data).hexdigest() for data in records]
