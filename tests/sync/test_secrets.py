"""No planted secret is in any byte that reaches the server, nor in a command line."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import trackerlite as tl
from sync.conftest import QUICK
from sync.loopback import KEY, Loopback
from trackerlite.readers import Reader
from trackerlite.sync.engine import Syncer
from trackerlite.sync.outcome import Options

SECRETS = {
    "config": "sk-proj-" + "Zq9xW2vB7nM4kL1pR8tY" * 2,
    "nested": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
    "environment": "ghp_" + "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R",
    "argv": "p4ssw0rd-argv-0123456789abcdef",
    "url": "p4ssw0rd-url-fedcba98",
    "remote": "ghp_" + "9z8Y7x6W5v4U3t2S1r0Q9p8O7n6M5l4K3j2I",
    "console": "AKIA" + "IOSFODNN7ABCDEFG",
    "notes": "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
}


@pytest.fixture
def recording() -> Any:
    with Loopback(record=True) as loopback:
        yield loopback


def test_no_secret_reaches_the_server(
    recording: Loopback, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets in config, environment, arguments, URLs, git remote, console and notes stay here.

    Written past the recorder's own redaction, as a journal from elsewhere would hold them.
    """
    for name, value in recording.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SOME_SERVICE_TOKEN", SECRETS["environment"])
    monkeypatch.setenv("WANDB_NOTES", SECRETS["notes"])
    run = tl.init(project="p", dir=store, config={"lr": 0.1})
    run._record(
        "config",
        values={
            "openai_api_key": SECRETS["config"],
            "hub.token": SECRETS["nested"],
            "db": f"postgres://me:{SECRETS['url']}@db.example.com/x",
        },
    )
    run._record(
        "environment",
        values={
            "args": ["--password", SECRETS["argv"], f"--token={SECRETS['nested']}"],
            "command": f"train.py --password={SECRETS['argv']}",
            "git": {"commit": "0" * 40, "remote": f"https://me:{SECRETS['remote']}@github.com/a/b"},
        },
    )
    run._record("notes", text=f"use {SECRETS['notes']} to push")
    run.log({"loss": 1.0}, step=0)
    run.finish()
    with (run.folder / "console.log").open("a") as log:
        log.write(f"2026-01-31T12:00:00.123Z out key {SECRETS['console']}\n")
    with Reader.open(store) as reader, Syncer(reader, Options(**QUICK)) as syncer:
        assert [o.status for o in syncer.sync(reader.runs())] == ["synced"]
    everything = b"\n".join(
        [s.path.encode() + b"\n" + s.body + b"\n" + str(s.headers).encode() for s in recording.seen]
    )
    everything += b"".join(recording.world.storage.values())
    assert b'"lr' in everything or b'\\"lr' in everything
    for where, secret in SECRETS.items():
        for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
            assert form.encode() not in everything, f"the secret of {where} was sent"


def test_the_key_is_in_no_command_line_and_no_error(
    server: Loopback, record: Any, store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """While the uploader runs, no process of it shows the key in its arguments; errors never do."""
    record(2000)
    server.delay = 0.3
    code = "import sys\nfrom trackerlite.cli import main\nsys.exit(main(['sync', '--dir', sys.argv[1]]))"
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(store)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    seen: set[str] = set()
    while child.poll() is None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(path.read_bytes().decode(errors="replace"))
            except OSError:
                continue
    assert child.stdout is not None
    assert KEY not in child.stdout.read().decode()
    assert any("wandb-core" in line for line in seen)
    assert not any(KEY in line for line in seen)
    text = "".join(
        p.read_text(errors="replace") for p in store.rglob("*") if p.is_file() and p.suffix != ".db"
    )
    assert KEY not in text
    assert KEY.encode() not in (store / ".trackerlite" / "sync.db").read_bytes()
