"""The verbs people type: sync, status, login, logout, search, diff; as processes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sync.conftest import arrived, expected
from sync.loopback import KEY, Loopback

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def told(done: subprocess.CompletedProcess[str]) -> Any:
    """The JSON that a verb printed; a failure shows what it said instead."""
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout)


CODE = "import sys; from trackerlite.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def run(store: Path) -> Run:
    def go(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", CODE, *words],
            input=given,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "TRACKERLITE_DIR": str(store)},
        )

    return go


def test_login_sync_status_logout(
    server: Loopback,
    record: Callable[..., Any],
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A wrong key is not stored; a right one is, 0600, beside other entries; sync, status; logout."""
    monkeypatch.delenv("WANDB_API_KEY")
    made = record(30)
    netrc = tmp_path / "home" / ".netrc"
    netrc.write_text("machine example.com\n  login me\n  password other\n")
    assert run("sync").returncode == 1
    assert "trackerlite login" in run("sync").stderr
    refused = run("login", given="f" * 40 + "\n")
    assert refused.returncode == 1
    assert "f" * 40 not in refused.stdout + refused.stderr
    assert run("login", given="too short\n").returncode == 2
    assert "127.0.0.1" not in netrc.read_text()
    assert run("login", given=f"{KEY}\n").returncode == 0
    assert "password other" in netrc.read_text()
    assert stat.S_IMODE(netrc.stat().st_mode) == 0o600
    assert "never sent" in run("status").stdout
    dry = run("sync", "--dry-run")
    assert "would send" in dry.stdout
    assert "30 rows" in dry.stdout
    assert server.world.runs == {}
    done = run("sync", "--json")
    assert done.returncode == 0
    assert [(o["status"], o["sent"]) for o in json.loads(done.stdout)] == [("synced", 30)]
    assert arrived(server, made.id) == expected(made, 30)
    state = told(run("status", "--json"))
    assert [(r["state"], r["sent"], r["pending"]) for r in state["runs"]] == [("synced", 30, 0)]
    assert run("logout").returncode == 0
    assert netrc.read_text() == "machine example.com\n  login me\n  password other\n"
    assert run("logout").returncode == 3


def test_a_failure_is_exit_code_1_and_stays_in_status(
    server: Loopback, record: Callable[..., Any], run: Run
) -> None:
    """A server that refuses the rows: exit code 1 with the reason, now and in `status`."""
    record(30)
    server.fault("file_stream", status=403, message="because")
    done = run("sync")
    assert done.returncode == 1
    assert "no right to write" in done.stdout
    assert "failed" in run("status").stdout
    server.faults.clear()
    assert run("sync").returncode == 0
    assert "synced" in run("status").stdout


def test_a_filter_chooses_what_goes(server: Loopback, record: Callable[..., Any], run: Run) -> None:
    """Only the runs that it lets pass, beside those that are named."""
    for name in ("good", "bad", "named"):
        record(5, id=name, tags=["final"] if name == "good" else [])
    sent = told(run("sync", "named", "--filter", "tag:final", "--json"))
    assert {outcome["run"] for outcome in sent} == {"p/named", "p/good"}
    assert {run_id for _, _, run_id in server.world.runs} == {"named", "good"}
    none = run("sync", "--filter", "tag:none")
    assert (none.returncode, none.stderr) == (3, "No run passes 'tag:none'.\n")
    assert run("sync", "--filter", "loss >").returncode == 2


def test_wrong_use(record: Callable[..., Any], run: Run, store: Path) -> None:
    """--new-run without a run, a remote that is not there yet, an unknown run, an empty store."""
    assert run("sync").returncode == 3
    record(3)
    assert run("sync", "--new-run").returncode == 2
    assert run("sync", "--to", "mlflow").returncode == 2
    assert run("sync", "nobody").returncode == 3


def test_ctrl_c_is_safe(
    server: Loopback, record: Callable[..., Any], run: Run, store: Path
) -> None:
    """Interrupted in the middle of an upload: 130, no process left, and the next sync completes."""
    made = record(3000)
    server.delay = 1.0  # long enough to be interrupted on a busy machine
    child = subprocess.Popen(
        [sys.executable, "-c", CODE, "sync", "--dir", str(store)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    until = time.monotonic() + 120
    while not server.world.runs and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=120)
    assert child.returncode == 130, said
    assert b"not sent again" in said
    server.delay = 0.0
    assert run("sync").returncode == 0
    assert arrived(server, made.id) == expected(made, 3000)


def test_live_follows_a_run_to_its_end(
    server: Loopback, record: Callable[..., Any], store: Path
) -> None:
    """`sync --live` while rows come in: they grow there, the state is running, then finished."""
    made = record(100, finish=False)
    child = subprocess.Popen(
        [sys.executable, "-c", CODE, "sync", "--live", "--interval", "1", "--dir", str(store)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    grew, step, until = False, 100, time.monotonic() + 60
    while not grew and time.monotonic() < until:
        made.log({"loss": 1 / (step + 1), "n": step}, step=step)
        step += 1
        time.sleep(0.05)
        there = server.world.runs.get(("loop", "p", made.id))
        grew = there is not None and there.state == "running" and len(there.history) > 120
    made.finish()
    said, _ = child.communicate(timeout=180)
    assert child.returncode == 0, said
    assert grew
    assert arrived(server, made.id) == expected(made, step)
    assert server.run("p", made.id).state == "finished"


def test_online_mode_syncs_beside_the_training(server: Loopback, store: Path) -> None:
    """`mode="online"`: a process of its own follows the run, ends by itself, and leaves a log."""
    code = (
        "import sys, time, trackerlite as tl\n"
        "run = tl.init(project='p', id='abc', dir=sys.argv[1], mode='online')\n"
        "for step in range(50):\n    run.log({'loss': 1 / (step + 1), 'n': step}, step=step)\n"
        "run.finish()\n"
    )
    subprocess.run([sys.executable, "-c", code, str(store)], check=True, timeout=60)
    (log,) = (store / ".trackerlite" / "runs" / "p").glob("*-abc/sync.log")
    until = time.monotonic() + 60
    while "synced: 50 rows" not in log.read_text():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)
    assert [r["n"] for r in server.rows("p", "abc")] == list(range(50))
    assert server.run("p", "abc").state == "finished"


def test_two_syncs_at_once(server: Loopback, record: Callable[..., Any], store: Path) -> None:
    """Two processes sync the same store: each row once, nobody fails."""
    runs = [record(500) for _ in range(4)]
    server.delay = 0.05
    pair = [
        subprocess.Popen(
            [sys.executable, "-c", CODE, "sync", "--dir", str(store)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]
    for child in pair:
        child.communicate(timeout=240)
        assert child.returncode == 0
    for made in runs:
        assert arrived(server, made.id) == expected(made, 500)


def test_search_and_diff_reach_wandb(
    server: Loopback, record: Callable[..., Any], run: Run
) -> None:
    """The same filter here and there; a local run against its copy at the server."""
    made = record(10, config={"lr": 0.1})
    record(1000, config={"lr": 0.2})
    assert run("sync").returncode == 0
    here = told(run("search", "loss<0.01", "--json"))
    there = told(run("search", "loss<0.01", "--on", "wandb", "--json"))
    assert [r["steps"] for r in here] == [r["steps"] for r in there] == [999]
    assert "999" in run("search", "config.lr=0.2", "--on", "wandb").stdout
    assert run("search", "loss<0", "--on", "wandb").returncode == 3
    assert run("search", "loss<<", "--on", "wandb").returncode == 2
    both = told(run("diff", made.id, f"wandb:loop/p/{made.id}", "--json", "--all"))
    assert both["config"]["lr"] == [0.1, 0.1]
    assert both["summary"]["n"] == [9, 9]
    assert run("diff", made.id, "wandb:loop/p/nobody").returncode == 3


def test_search_where_wandb_does_not_start(
    server: Loopback, record: Callable[..., Any], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """wandb's core has no time to start, as on a very busy machine: one sentence, no traceback."""
    record(1)
    monkeypatch.setenv("WANDB__SERVICE_WAIT", "0.001")
    done = run("search", "", "--on", "wandb", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did not start in time" in done.stderr
    assert "Traceback" not in done.stderr
