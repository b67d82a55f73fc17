"""Alerts are told once each, whatever is cut off, killed or forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import trackerlite as tl
from sync.loopback import Loopback

Record = Callable[..., Any]
Sync = Callable[..., Any]
PLACE = "graphql:NotifyScriptableRunAlert"


@pytest.fixture
def alerting(store: Path) -> Any:
    """A run with two alerts."""
    run = tl.init(project="p", dir=store)
    run.log({"loss": 1.0}, step=0)
    run.alert("first", "a", "WARN")
    run.alert("second", "b", "ERROR")
    run.finish()
    return run


def titles(server: Loopback, run: Any) -> list[tuple[str, str]]:
    return [(alert["title"], alert["severity"]) for alert in server.run("p", run.id).alerts]


BOTH = [("first", "WARN"), ("second", "ERROR")]


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_an_answer_that_never_came(kind: str, server: Loopback, alerting: Any, sync: Sync) -> None:
    """Cut off before or after it was stored: the sync fails and says so, the next one completes it."""
    server.fault(PLACE, kind, skip=1)
    (outcome,) = sync(patience=0.2)
    assert outcome.status == "failed"
    assert "not all alerts" in outcome.message
    server.faults.clear()
    assert [o.status for o in sync()] == ["synced"]
    assert titles(server, alerting) == BOTH
    assert [o.status for o in sync()] == ["up to date"]


def test_a_refused_upload_and_a_lost_ledger(
    server: Loopback, alerting: Any, sync: Sync, store: Path
) -> None:
    """None is told before the rows are verified, none a second time without the ledger."""
    server.fault("file_stream", status=403)
    assert [o.status for o in sync(read_back=0.5)] == ["failed"]
    assert titles(server, alerting) == []
    server.faults.clear()
    assert [o.status for o in sync()] == ["synced"]
    (store / ".trackerlite" / "sync.db").unlink()
    assert [o.status for o in sync()] == ["synced"]
    assert titles(server, alerting) == BOTH


def test_a_server_that_refuses_alerts(server: Loopback, alerting: Any, sync: Sync) -> None:
    """Said, and no reason to call the run unsynced: its rows are there."""
    server.fault(PLACE, status=403, message="alerts are disabled")
    assert [o.status for o in sync()] == ["synced"]
    assert titles(server, alerting) == []


def test_later_alerts_follow(server: Loopback, alerting: Any, sync: Sync, store: Path) -> None:
    """A resumed run's new alert is told, also one with a title that was told before."""
    sync()
    again = tl.init(project="p", dir=store, id=alerting.id, resume="must")
    again.alert("first", "once more", "INFO")
    again.finish()
    assert [o.status for o in sync()] == ["synced"]
    assert titles(server, alerting) == [*BOTH, ("first", "INFO")]
