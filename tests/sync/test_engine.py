"""The engine against a real server over HTTP with the real uploader: every row once, or a reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import trackerlite as tl
from sync.conftest import QUICK, arrived, expected
from sync.loopback import Loopback
from trackerlite import edits
from trackerlite.readers import Reader
from trackerlite.store.ledger import Ledger
from trackerlite.sync import write
from trackerlite.sync.engine import Syncer
from trackerlite.sync.lock import RunLock
from trackerlite.sync.outcome import Options
from trackerlite.sync.segment import SegmentWriter

Record = Callable[..., Any]
Sync = Callable[..., Any]


def in_the_store(store: Path, step: int) -> None:
    """Wait until the recording process has written its rows up to `step` into the database."""
    until = time.monotonic() + 20
    with Reader.open(store) as reader:
        while (reader.runs()[0].steps or 0) < step:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_a_run_arrives_once_however_often_it_is_synced(
    server: Loopback, record: Record, sync: Sync, store: Path
) -> None:
    """Sync, sync again, sync without the ledger: the same rows, and nothing more."""
    run = record(100)
    assert [o.status for o in sync()] == ["synced"]
    posts = server.run("p", run.id).posts
    assert [o.status for o in sync()] == ["up to date"]
    assert server.run("p", run.id).posts == posts
    (store / ".trackerlite" / "sync.db").unlink()
    assert [(o.status, o.sent) for o in sync()] == [("synced", 0)]
    assert arrived(server, run.id) == expected(run, 100)
    assert server.run("p", run.id).summary["_step"] == 99
    assert server.world.unknown == []


def test_resuming_appends(server: Loopback, record: Record, sync: Sync) -> None:
    """A finished run that is resumed gets its new rows behind the old ones, and ends finished again."""
    run = record(100)
    sync()
    record(50, start=100, id=run.id, resume="must")
    assert [(o.status, o.sent, o.rows) for o in sync()] == [("synced", 50, 150)]
    assert arrived(server, run.id) == expected(run, 150)
    assert server.run("p", run.id).state == "finished"


def test_a_running_run_grows(server: Loopback, record: Record, sync: Sync, store: Path) -> None:
    """While it runs its last step waits, for it may still grow; state running, then finished."""
    run = record(10, finish=False)
    in_the_store(store, 9)
    assert [(o.status, o.sent) for o in sync()] == [("synced", 9)]
    assert server.run("p", run.id).state == "running"
    assert [o.sent for o in sync()] == [0]
    run.log({"late key": 1.5}, step=9)
    for step in range(10, 20):
        run.log({"loss": 1 / (step + 1), "n": step}, step=step)
    in_the_store(store, 19)
    assert [(o.status, o.sent) for o in sync()] == [("synced", 10)]
    run.finish()
    assert [(o.status, o.sent) for o in sync()] == [("synced", 1)]
    assert arrived(server, run.id) == expected(run, 20)
    assert server.rows("p", run.id)[9]["late key"] == 1.5
    assert server.run("p", run.id).state == "finished"


@pytest.mark.parametrize("forget", [False, True])
def test_rows_that_come_late_are_refused_and_said(
    forget: bool, server: Loopback, record: Record, sync: Sync, store: Path
) -> None:
    """A row below what was sent stops the run with a count; --new-run uploads it whole elsewhere."""
    run = record(100)
    sync()
    again = tl.init(project="p", dir=store, id=run.id, resume="must")
    again.log({"loss": 0.5, "n": 7}, step=50)
    again.log({"loss": 0.5, "n": 7}, step=-0 + 200)
    again.finish()
    late = tl.init(project="p", dir=store, id=run.id, resume="must")
    late.log({"other": 1.0}, step=30)
    late.finish()
    if forget:
        (store / ".trackerlite" / "sync.db").unlink()
        # Without the ledger, values merged into rows that were sent show when the first rows are read.
        (outcome,) = sync()
        assert (outcome.status, outcome.sent) == ("conflict", 0)
        assert arrived(server, run.id) == expected(run, 100)
        return
    (outcome,) = sync()
    assert outcome.status == "conflict"
    assert "2 rows came after step 99" in outcome.message
    assert arrived(server, run.id) == expected(run, 100)
    (outcome,) = sync()
    assert outcome.status == "conflict"
    (outcome,) = sync(new_run=True)
    assert (outcome.status, outcome.sent) == ("synced", 101)
    fresh = outcome.url.rpartition("/")[2]
    assert fresh != run.id
    assert server.rows("p", fresh)[30]["other"] == 1.0
    assert [o.status for o in sync()] == ["up to date"]


def test_negative_steps_are_refused_without_a_way_that_is_none(
    record: Record, sync: Sync, server: Loopback
) -> None:
    """W&B holds no step below 0, under no id: that is said, and --new-run is not advised."""
    record(5, start=-7)
    (outcome,) = sync()
    assert outcome.status == "conflict"
    assert "-7 is the first" in outcome.message
    assert "--new-run" not in outcome.message
    assert server.world.runs == {}


def test_a_rewound_run_says_so(server: Loopback, record: Record, sync: Sync, store: Path) -> None:
    """Rewound before it was sent: exact. Rewound after: a conflict, and nothing is touched."""
    run = record(100)
    again = tl.init(project="p", dir=store, resume_from=f"{run.id}?_step=49")
    for step in range(50, 80):
        again.log({"loss": 9.0, "n": step}, step=step)
    again.finish()
    (outcome,) = sync()
    assert (outcome.status, outcome.rows) == ("synced", 80)
    assert [r["loss"] for r in server.rows("p", run.id)][49:52] == [1 / 50, 9.0, 9.0]
    again = tl.init(project="p", dir=store, resume_from=f"{run.id}?_step=59")
    again.log({"loss": 8.0, "n": 60}, step=60)
    again.finish()
    (outcome,) = sync()
    assert outcome.status == "conflict"
    assert "rewound" in outcome.message
    assert len(server.rows("p", run.id)) == 80


@pytest.mark.parametrize("forget", [False, True])
def test_a_run_that_was_rewound_and_went_further_is_not_mixed_with_its_abandoned_rows(
    forget: bool, server: Loopback, record: Record, sync: Sync, store: Path
) -> None:
    """Rewound after it was sent, then trained beyond what was sent: the server's count fits, the rows do
    not, and nothing is put behind them; --new-run brings the run as it is."""
    run = record(300)
    sync()
    again = tl.init(project="p", dir=store, resume_from=f"{run.id}?_step=149")
    for step in range(150, 400):
        again.log({"loss": 9.0, "n": step}, step=step)
    again.finish()
    if forget:
        (store / ".trackerlite" / "sync.db").unlink()
    for _ in range(2):
        (outcome,) = sync()
        assert (outcome.status, outcome.sent) == ("conflict", 0)
        assert "other data" in outcome.message if forget else "rewound" in outcome.message
    assert arrived(server, run.id) == expected(run, 300)
    (outcome,) = sync(new_run=True)
    assert (outcome.status, outcome.rows) == ("synced", 400)
    losses = [row["loss"] for row in server.rows("p", outcome.url.rpartition("/")[2])]
    assert losses[149:151] == [1 / 150, 9.0]
    assert len(losses) == 400


def test_only_one_sync_per_run(server: Loopback, record: Record, sync: Sync, store: Path) -> None:
    """A run that another process syncs is left alone and reported as busy."""
    run = record(5)
    lock = RunLock(store / ".trackerlite", server.url, f"p/{run.id}")
    assert lock.acquire()
    (outcome,) = sync()
    assert outcome.status == "busy"
    lock.release()
    assert [o.status for o in sync()] == ["synced"]


def test_many_small_runs_go_in_one_call(server: Loopback, record: Record, sync: Sync) -> None:
    """Ten runs, one refused: nine synced, one failed with its reason."""
    runs = [record(5) for _ in range(10)]
    outcomes = sync()
    assert [o.status for o in outcomes] == ["synced"] * 10
    for run in runs:
        assert arrived(server, run.id) == expected(run, 5)


def test_runs_of_one_id_in_two_projects_go_in_one_call(
    server: Loopback, record: Record, sync: Sync
) -> None:
    """Runs that share their id, and the second in which they began, do not get into each other's way."""
    time.sleep(1 - time.time() % 1)
    record(5, id="same", project="one")
    record(7, id="same", project="two")
    assert [o.status for o in sync()] == ["synced"] * 2
    assert [len(server.rows(project, "same")) for project in ("one", "two")] == [5, 7]


def test_many_interrupted_runs_wait_together(
    server: Loopback, record: Record, sync: Sync, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upload of many runs that was cut off, the server is watched once for all of them."""
    runs = [record(5, id=f"r{number}") for number in range(12)]
    ledger = Ledger(store / ".trackerlite")
    for run in runs:
        lock = str(store / f"lock-{run.id}")
        ledger.begin(server.url, f"p/{run.id}", str(store / f"gone-{run.id}"), lock, 0)
    assert len(ledger.open_attempts(server.url)) == 12
    rests: list[float] = []
    monkeypatch.setattr("trackerlite.sync.settle.time.sleep", rests.append)
    assert [o.status for o in sync(settle=7.25)] == ["synced"] * 12
    assert rests.count(7.25) == 1
    assert ledger.open_attempts(server.url) == []
    for run in runs:
        assert arrived(server, run.id) == expected(run, 5)
    ledger.close()


def test_a_run_that_fells_the_uploader_takes_no_other_with_it(
    server: Loopback, record: Record, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """wandb's core ends at a record it does not know; the other runs are sent again, one by one."""
    runs = [record(20) for _ in range(3)]
    bad = runs[1].id

    class Poisoned(SegmentWriter):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            if bad in path.name:
                self.write(b"")

    monkeypatch.setattr(write, "SegmentWriter", Poisoned)
    outcomes = {o.run.partition("/")[2]: o.status for o in sync(read_back=0.5)}
    assert outcomes == {run.id: "failed" if run.id == bad else "synced" for run in runs}
    for run in runs:
        if run.id != bad:
            assert arrived(server, run.id) == expected(run, 20)


def test_long_runs_go_in_several_segments(server: Loopback, record: Record, sync: Sync) -> None:
    """With more rows than a segment takes, the run stays open in between and is whole in the end."""
    run = record(1000)
    run2 = record(10)
    outcomes = {o.run: o for o in sync(max_rows=300)}
    assert outcomes[f"p/{run.id}"].sent == 1000
    assert arrived(server, run.id) == expected(run, 1000)
    assert arrived(server, run2.id) == expected(run2, 10)
    assert server.run("p", run.id).state == "finished"


def test_somebody_elses_rows_are_not_appended_to(
    server: Loopback, record: Record, sync: Sync, store: Path
) -> None:
    """A server run that holds other steps than ours is a conflict, not a place to append."""
    run = record(10)
    sync()
    remote = server.run("p", run.id)
    remote.history[-1] = json.dumps({**json.loads(remote.history[-1]), "_step": 77})
    (store / ".trackerlite" / "sync.db").unlink()
    (outcome,) = sync()
    assert outcome.status == "conflict"
    assert "other data" in outcome.message


def test_a_run_of_the_same_id_from_elsewhere_is_left_as_it_is(
    server: Loopback, record: Record, sync: Sync, store: Path, tmp_path: Path
) -> None:
    """A longer run that only shares its id with one at the server, from another store, is not appended to it."""
    other = tl.init(project="p", dir=tmp_path / "elsewhere", id="same")
    for step in range(10):
        other.log({"loss": 7.0, "n": step}, step=step)
    other.finish()
    with (
        Reader.open(tmp_path / "elsewhere") as reader,
        Syncer(reader, Options(**QUICK)) as syncer,
    ):
        assert [o.status for o in syncer.sync(reader.runs())] == ["synced"]
    record(30, id="same")
    for _ in range(2):
        (outcome,) = sync()
        assert (outcome.status, outcome.sent) == ("conflict", 0)
        assert "other data" in outcome.message
    assert [row["loss"] for row in server.rows("p", "same")] == [7.0] * 10
    assert [o.status for o in sync(new_run=True)] == ["synced"]


def test_a_run_that_another_uploader_brought_there_is_taken_over(
    server: Loopback, record: Record, sync: Sync, store: Path
) -> None:
    """The rows are the same, only their runtimes differ, as after `wandb sync` of an imported log."""
    run = record(20)
    sync()
    there = server.run("p", run.id).history
    there[:] = [json.dumps({**json.loads(line), "_runtime": 5.0}) for line in there]
    (store / ".trackerlite" / "sync.db").unlink()
    assert [(o.status, o.sent) for o in sync()] == [("synced", 0)]
    record(20, start=20, id=run.id, resume="must")
    assert [(o.status, o.sent) for o in sync()] == [("synced", 20)]
    assert arrived(server, run.id) == expected(run, 40)


def test_entity_and_project_are_remembered(server: Loopback, record: Record, sync: Sync) -> None:
    """Where a project was sent once, its next runs go too."""
    record(5)
    sync(project="elsewhere")
    second = record(5)
    assert {o.status for o in sync()} == {"synced", "up to date"}
    assert arrived(server, second.id, "elsewhere") == expected(second, 5)


def test_a_team_that_was_said_comes_before_the_environments(
    server: Loopback, record: Record, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script's entity, and the --entity that a project once was sent with, count more than WANDB_ENTITY.

    What WANDB_ENTITY was then is no word of anybody's about the project.
    """
    assert record(5, project="script", entity="us").entity == "us"
    run = record(5, project="said")
    sync(only=[run.id], entity="team")
    record(5, project="usual")
    sync()
    monkeypatch.setenv("WANDB_ENTITY", "later")
    record(5, project="said")
    record(5, project="usual")
    sync()
    assert [(entity, project) for entity, project, _ in sorted(server.world.runs)] == [
        ("later", "usual"), ("loop", "usual"), ("team", "said"), ("team", "said"), ("us", "script"),
    ]  # fmt: skip


def test_edits_afterwards_reach_the_server(
    server: Loopback, record: Record, sync: Sync, store: Path
) -> None:
    """A tag, a note and a new name given later go up without a single row."""
    run = record(10, tags=["a"])
    sync()
    again = tl.init(project="p", dir=store, id=run.id, resume="must")
    again.tags += ("b",)
    again.notes = "seen"
    again.name = "renamed"
    again.finish()
    assert [(o.status, o.sent) for o in sync()] == [("synced", 0)]
    there = server.run("p", run.id)
    assert there.fields["tags"] == ["a", "b"]
    assert (there.fields["notes"], there.fields["displayName"]) == ("seen", "renamed")
    assert arrived(server, run.id) == expected(run, 10)
    assert (there.state, there.summary["_step"]) == ("finished", 9)


def test_labels_given_there_stay_and_those_taken_away_here_go(
    server: Loopback, record: Record, sync: Sync, store: Path
) -> None:
    """Name, notes and tags go when they changed here, also to nothing; else the server's are left."""
    run = record(10, tags=["a", "b"], notes="mine", name="first")
    sync()
    there = server.run("p", run.id).fields
    with Reader.open(store) as reader:
        info = reader.run(run.id)
        edits.remove_tags(info, ["a", "b"])
        edits.set_notes(info, "")
    assert [o.status for o in sync()] == ["synced"]
    assert (there["tags"], there["notes"], there["displayName"]) == ([], "", "first")
    there.update(tags=["good"], notes="seen on the web", displayName="the good one")
    record(10, start=10, id=run.id, resume="must")
    assert [o.status for o in sync()] == ["synced"]
    assert (there["tags"], there["notes"]) == (["good"], "seen on the web")
    assert there["displayName"] == "the good one"
    with Reader.open(store) as reader:
        edits.rename(reader.run(run.id), "renamed here")
    assert [o.status for o in sync()] == ["synced"]
    assert (there["tags"], there["displayName"]) == (["good"], "renamed here")
    assert [o.status for o in sync()] == ["up to date"]


def test_a_run_stays_where_it_went(
    server: Loopback, record: Record, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent to a team once, a run goes there again: WANDB_ENTITY makes no second one of it."""
    run = record(5)
    assert [o.status for o in sync(entity="team", project="q")] == ["synced"]
    monkeypatch.setenv("WANDB_ENTITY", "loop")
    assert [o.status for o in sync()] == ["up to date"]
    assert list(server.world.runs) == [("team", "q", run.id)]


def test_a_run_without_rows(server: Loopback, record: Record, sync: Sync) -> None:
    """A run that logged nothing arrives as what it is, once."""
    run = record(0, config={"lr": 0.1})
    assert [o.status for o in sync()] == ["synced"]
    assert server.run("p", run.id).plain_config()["lr"] == 0.1
    assert server.run("p", run.id).state == "finished"
    assert [o.status for o in sync()] == ["up to date"]


def test_dry_run_sends_nothing_and_counts_all(
    server: Loopback, record: Record, sync: Sync, store: Path
) -> None:
    """--dry-run says the exact rows, the server never hears of the run, and nothing is written."""
    record(123)
    (outcome,) = sync(dry_run=True)
    assert (outcome.status, outcome.sent) == ("would send", 123)
    assert server.world.runs == {}
    assert not [path for path in (store / ".trackerlite").iterdir() if "sync" in path.name]


def test_every_row_is_verified_of_a_run_whose_steps_go_back(
    server: Loopback, store: Path, sync: Sync
) -> None:
    """A metric that was logged at 0, 2, 1, 3 is read back whole, also where nothing is left to send."""
    with tl.init(project="p", id="back", dir=store) as run:
        for step in (0, 2, 1, 3):
            run.log({"loss": 1 / (step + 1)}, step=step)
    assert [o.status for o in sync()] == ["synced"]
    (outcome,) = sync(verify_full=True)
    assert outcome.good, outcome.message
    assert [row["_step"] for row in server.rows("p", "back")] == [0, 1, 2, 3]


def test_full_verification_reads_every_row(server: Loopback, record: Record, sync: Sync) -> None:
    """One altered value among thousands is found by --verify full, long after the sync."""
    run = record(3000)
    assert [o.status for o in sync(verify_full=True)] == ["synced"]
    remote = server.run("p", run.id)
    remote.history[1234] = remote.history[1234].replace('"n":1234', '"n":1235')
    assert [o.status for o in sync()] == ["up to date"]
    (outcome,) = sync(verify_full=True)
    assert outcome.status == "failed"
    assert "step 1234 came back different in 'n'" in outcome.message


def test_the_ledger_is_never_believed_over_the_server(
    server: Loopback, record: Record, sync: Sync
) -> None:
    """Rows that vanish at the server after they were confirmed are sent again."""
    run = record(100)
    sync()
    del server.run("p", run.id).history[60:]
    assert [(o.status, o.sent) for o in sync()] == [("synced", 40)]
    assert arrived(server, run.id) == expected(run, 100)


def test_a_damaged_ledger_is_only_an_inconvenience(
    server: Loopback, record: Record, store: Path
) -> None:
    """Garbage in sync.db is reported with what to do."""
    record(5)
    (store / ".trackerlite" / "sync.db").write_bytes(b"garbage" * 1000)
    with Reader.open(store) as reader, pytest.raises(tl.errors.StoreDamaged, match="delete it"):
        Syncer(reader, Options(**QUICK))


def test_no_leftovers(server: Loopback, record: Record, sync: Sync, store: Path) -> None:
    """After a sync neither segments nor locks of uploads remain, and no attempt is open."""
    record(5)
    sync()
    left = [p.name for p in (store / ".trackerlite" / "sync").iterdir()]
    assert left == ["locks"]
    assert Ledger(store / ".trackerlite").open_attempts() == []


RANK_1 = """
import sys, trackerlite as tl
run = tl.init(project="p", id="pair", dir=sys.argv[1], ranks="all")
step = 0
for line in sys.stdin:
    for step in range(step, int(line)):
        run.log({"loss": step * 2.0}, step=step)
    step += 1
run.finish()
"""


def test_a_slow_rank_holds_back_what_it_may_still_add_to(
    server: Loopback, store: Path, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two ranks, one run, synced while they run: rows wait for the slower rank, and nothing is late.

    The last values of both are in the summary.
    """
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    fast = tl.init(project="p", id="pair", dir=store, ranks="all")
    slow = subprocess.Popen(
        [sys.executable, "-c", RANK_1, str(store)],
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, "RANK": "1"},
    )
    assert slow.stdin is not None
    for step in range(20):
        fast.log({"loss": 1.0 * step}, step=step)
    slow.stdin.write("6\n")
    slow.stdin.flush()
    in_the_store(store, 19)
    until = time.monotonic() + 30
    sent = 0
    while sent == 0 and time.monotonic() < until:
        (outcome,) = sync()
        sent += outcome.sent
    assert sent == 5
    slow.stdin.write("20\n")
    slow.stdin.close()
    assert slow.wait(timeout=60) == 0
    fast.finish()
    assert [(o.status, o.message) for o in sync()] == [("synced", "")]
    rows = server.rows("p", "pair")
    assert [r["_step"] for r in rows] == list(range(20))
    assert [(r["loss"], r["rank1/loss"]) for r in rows] == [(1.0 * s, 2.0 * s) for s in range(20)]
    summary = server.run("p", "pair").summary
    assert (summary["loss"], summary["rank1/loss"]) == (19.0, 38.0)
