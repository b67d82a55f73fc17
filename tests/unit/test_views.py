"""The views: the stable interface, with the columns and the contents that the README promises."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.store.behind import project_behind
from trackerlite.store.schema import VIEW_NAMES
from unit.journals import NAME, row, run_of, said, start

COLUMNS = {
    "runs": "run_id project id name state run_group job_type notes started ended heartbeat duration host pid "
    "exit_code reason last_step dropped",
    "metrics": "run_id key step time value rank",
    "system_metrics": "run_id key time value rank",
    "params": "run_id key value",
    "summary": "run_id key value",
    "tags": "run_id tag",
    "artifacts": "run_id use name type version digest size time",
    "alerts": "run_id time step title text level metric",
}


@pytest.fixture
def database(store: Path) -> Iterator[sqlite3.Connection]:
    """A store of one run that says everything, one in the trash, and one of the same id elsewhere."""
    data = [
        start(config={"lr": 2e-4, "big": 2**70, "on": True, "none": None, "list": [1, 2]}, tags=["a", "b"], group="g"),
        row(10.0, 0, {"loss": 0.5, "n": 2**62}, events.json_value("note", "text"), events.json_value("ok", True)),
        row(11.0, 1, {"loss": math.nan}),
        row(12.0, 2, {"loss": math.inf}),
        row(13.0, 3, {"loss": -0.0}),
        row(14.0, 9, {"loss": 9.0}),
        said(15.0, t="rewind", step=3),
        row(16.0, 4, {"loss": 0.25}),
        said(17.0, t="config", values={"lr": 1e-4}),
        said(17.5, t="tags", remove=["a"]),
        said(18.0, t="summary", values={"best": 0.25, "gone": 1}),
        said(18.1, t="summary", removed=["gone"]),
        said(18.2, t="define", pattern="loss", summary=["min", "last"], goal="min"),
        said(19.0, 4, t="system", values={"cpu": 50.0}),
        said(20.0, 4, t="alert", title="high", text="loss", level="WARN", key="loss"),
        said(21.0, 4, t="artifact", name="model", type="model", version="v0", digest="ab", size=7, use="output"),
        said(22.0, 4, t="dropped", count=3),
        said(23.0, 4, t="finish", state="failed", exit_code=1, reason="ValueError: x"),
    ]  # fmt: skip
    folder = run_of(store, b"".join(data))
    (folder / "rank-2").mkdir()
    (folder / "rank-2" / NAME).write_bytes(
        frame(events.version_event(1.0)) + row(12.0, 2, {"loss": 7.0})
    )
    hidden = (
        start(id="hidden", name="h")
        + row(1.0, 0, {"loss": 1.0})
        + said(2.0, t="trash", trashed=True)
    )
    run_of(store, hidden, name="h-hidden")
    elsewhere = store / "runs" / "q" / "first-r1"
    elsewhere.mkdir(parents=True)
    (elsewhere / NAME).write_bytes(start(project="q") + row(1.0, 0, {"loss": 3.0}))
    project_behind(store)
    connection = sqlite3.connect(f"file:{store / 'trackerlite.db'}?mode=ro", uri=True)
    yield connection
    connection.close()


@pytest.mark.parametrize("view", COLUMNS)
def test_columns(view: str, database: sqlite3.Connection) -> None:
    """Each view has the documented columns, in order."""
    assert set(COLUMNS) == set(VIEW_NAMES)
    found = [c[0] for c in database.execute(f"SELECT * FROM {view}").description]
    assert found == COLUMNS[view].split()


def rows(database: sqlite3.Connection, query: str) -> list[tuple[object, ...]]:
    return database.execute(query).fetchall()


def test_runs(database: sqlite3.Connection) -> None:
    """A run's line says who it was and how it ended; the trash is left out; equal ids are told apart by project."""
    found = rows(
        database,
        "SELECT run_id, project, id, run_group, state, exit_code, reason, last_step, dropped, duration FROM runs ORDER BY run_id",
    )
    assert ("r1", "p", "r1", "g", "failed", 1, "ValueError: x", 4, 3, 22.0) in found
    assert {r[0] for r in found} == {"r1", "q/r1"}


def test_metrics(database: sqlite3.Connection) -> None:
    """Every visible point is a row; NaN is NULL, infinities stay, what was rewound is left out, ranks have their number."""
    found = rows(
        database,
        "SELECT step, time, value, rank FROM metrics WHERE run_id = 'r1' AND key = 'loss' ORDER BY rank, time",
    )
    assert found == [
        (0, 10.0, 0.5, 0), (1, 11.0, None, 0), (2, 12.0, math.inf, 0), (3, 13.0, 0.0, 0), (4, 16.0, 0.25, 0), (2, 12.0, 7.0, 2),
    ]  # fmt: skip
    assert rows(database, "SELECT value FROM metrics WHERE key = 'n'") == [(2**62,)]
    assert rows(database, "SELECT value FROM metrics WHERE key = 'ok'") == [(1,)]


def test_params(database: sqlite3.Connection) -> None:
    """A config's values are native where SQLite has the type, and text where it has not."""
    found = dict(rows(database, "SELECT key, value FROM params WHERE run_id = 'r1'"))
    assert found == {"lr": 1e-4, "big": str(2**70), "on": 1, "none": None, "list": "[1,2]"}


def test_summary(database: sqlite3.Connection) -> None:
    """The summary holds last values, what define_metric asked for, and what was set by hand and not removed."""
    found = dict(rows(database, "SELECT key, value FROM summary WHERE run_id = 'r1'"))
    assert found == {
        "loss": 0.25,
        "loss.min": 0.0,
        "n": 2**62,
        "note": "text",
        "ok": 1,
        "best": 0.25,
    }


def test_the_rest(database: sqlite3.Connection) -> None:
    """Tags, artifacts, alerts and system metrics are there as they were said last."""
    assert rows(database, "SELECT * FROM tags") == [("r1", "b")]
    assert rows(database, "SELECT * FROM alerts") == [
        ("r1", 20.0, 4, "high", "loss", "WARN", "loss")
    ]
    assert rows(database, "SELECT * FROM artifacts") == [
        ("r1", "output", "model", "model", "v0", "ab", 7, 21.0)
    ]
    assert rows(database, "SELECT run_id, key, time, value, rank FROM system_metrics") == [
        ("r1", "system.cpu", 19.0, 50.0, 0)
    ]


def test_other_tools_read_it(database: sqlite3.Connection, store: Path) -> None:
    """sqlite-utils and pandas read the views as they are."""
    pandas = pytest.importorskip("pandas")
    import sqlite_utils

    frame_ = pandas.read_sql("SELECT * FROM metrics WHERE run_id = 'r1'", database)
    assert len(frame_) == 8
    assert sqlite_utils.Database(database)["summary"].count == len(
        rows(database, "SELECT * FROM summary")
    )
