"""Servers that lie, refuse, fail, are not there: never a doubled row, never "synced" without cause."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sync.conftest import arrived, expected
from sync.loopback import Loopback
from trackerlite.backends.errors import NotLoggedIn, RemoteError

Record = Callable[..., Any]
Sync = Callable[..., Any]


def test_a_server_that_lies_is_caught(
    server: Loopback, record: Record, sync: Sync, store: Path
) -> None:
    """Rows lost, doubled or changed behind a 200: failed, "synced" is not claimed, then or later."""
    runs = {lie: record(100) for lie in ("drop", "double", "alter")}
    for lie, run in runs.items():
        server.fault("file_stream", lie, match=run.id)
    honest = record(100)
    outcomes = {o.run: o for o in sync(read_back=0.5)}
    assert outcomes[f"p/{honest.id}"].status == "synced"
    assert {outcomes[f"p/{run.id}"].status for run in runs.values()} == {"failed"}
    server.faults.clear()
    outcomes = {o.run: o for o in sync(read_back=0.5)}
    for lie, run in runs.items():
        assert arrived(server, run.id) != expected(run, 100), lie
        assert not outcomes[f"p/{run.id}"].good, lie


REASONS = {
    400: "refused",
    401: "trackerlite login",
    403: "no right to write",
    404: "--entity and --project",
    409: "deleted",
    413: "too large",
}


def test_a_refused_file_stream_is_reported_with_its_reason(
    server: Loopback, record: Record, sync: Sync
) -> None:
    """wandb's uploader exits 0 and says finished; we say that it failed, and why; later it goes on."""
    runs = {status: record(100) for status in REASONS}
    for status, run in runs.items():
        server.fault("file_stream", status=status, message="because", match=run.id)
    outcomes = {o.run: o for o in sync(read_back=0.5)}
    for status, run in runs.items():
        outcome = outcomes[f"p/{run.id}"]
        assert outcome.status == "failed"
        assert REASONS[status] in outcome.message
    server.faults.clear()
    assert {o.status for o in sync()} == {"synced"}
    for run in runs.values():
        assert arrived(server, run.id) == expected(run, 100)


def test_passing_trouble_doubles_and_loses_nothing(
    server: Loopback, record: Record, sync: Sync
) -> None:
    """Errors, cut connections before or after storing, delays: tried again, every row once."""
    faults: list[dict[str, Any]] = [
        {"kind": "status", "status": 500, "times": 2},
        {"kind": "status", "status": 429, "times": 2, "retry_after": 0.2},
        {"kind": "cut_before", "times": 2},
        {"kind": "cut_after", "times": 2},
        {"kind": "hang", "seconds": 1.0, "times": 1},
    ]
    runs = [record(2000) for _ in faults]
    made = [
        server.fault("file_stream", skip=1, match=run.id, **fault)
        for run, fault in zip(runs, faults, strict=True)
    ]
    assert {o.status for o in sync()} == {"synced"}
    for run, fault in zip(runs, made, strict=True):
        assert fault.hits, fault.kind
        assert arrived(server, run.id) == expected(run, 2000)


def test_trouble_that_is_over_does_not_stop_a_long_upload(
    server: Loopback, record: Record, sync: Sync
) -> None:
    """Patience counts while errors repeat: an upload that goes on after one may take as long as it takes."""
    run = record(3000)
    server.delay = 3.0
    for where in ("file_stream", "graphql:CreateRunFiles"):
        server.fault(where, status=500, times=1)
    began = time.monotonic()
    (outcome,) = sync(patience=6.0)
    assert time.monotonic() - began > 7.0
    assert (outcome.status, outcome.message) == ("synced", "")
    assert arrived(server, run.id) == expected(run, 3000)


def test_a_server_that_keeps_failing_is_given_up_on(
    server: Loopback, record: Record, sync: Sync
) -> None:
    """Endless 500s end after the patience asked for, with a reason, and the next sync completes."""
    run = record(100)
    fault = server.fault("file_stream", status=503)
    (outcome,) = sync(patience=3.0, read_back=0.5)
    assert outcome.status == "failed"
    assert fault.hits > 1
    server.faults.clear()
    assert [o.status for o in sync()] == ["synced"]
    assert arrived(server, run.id) == expected(run, 100)


def test_an_uploader_that_cannot_start_is_said_at_once(
    server: Loopback, record: Record, sync: Sync, tmp_path: Path
) -> None:
    """Nobody waits for rows that were never sent, nor tries each run alone."""
    runs = [record(10) for _ in range(3)]
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho started >> $0.calls\necho no core here >&2\nexit 3\n")
    broken.chmod(0o755)
    began = time.monotonic()
    outcomes = sync(python=str(broken), read_back=600.0)
    assert time.monotonic() - began < 60
    assert {outcome.status for outcome in outcomes} == {"failed"}
    assert all("ended with 3: no core here" in outcome.message for outcome in outcomes)
    assert Path(f"{broken}.calls").read_text().split() == ["started"]
    assert {outcome.status for outcome in sync()} == {"synced"}
    for run in runs:
        assert arrived(server, run.id) == expected(run, 10)


def test_a_run_deleted_at_the_server(server: Loopback, record: Record, sync: Sync) -> None:
    """409 on a deleted run is said at once, not after minutes of retries; --new-run works."""
    run = record(20)
    sync()
    with server.held() as world:
        del world.runs[("loop", "p", run.id)]
        world.deleted.add(("loop", "p", run.id))
    (outcome,) = sync(read_back=0.5)
    assert outcome.status == "failed"
    assert "--new-run" in outcome.message
    (outcome,) = sync(new_run=True)
    assert outcome.status == "synced"


def test_no_key_and_a_wrong_key(
    server: Loopback, record: Record, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a key, or with one the server does not know: one sentence that names `login`."""
    record(5)
    monkeypatch.setenv("WANDB_API_KEY", "f" * 40)
    with pytest.raises(NotLoggedIn, match="trackerlite login"):
        sync()
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(NotLoggedIn, match="trackerlite login"):
        sync()


def test_no_network(record: Record, sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listening: said in plain words, soon, and nothing local is changed."""
    record(5)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "f" * 40)
    with pytest.raises(RemoteError, match="nothing listens there"):
        sync(patience=0.3)
