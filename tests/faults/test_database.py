"""A database that is locked, deleted or spoiled while a training goes on costs it nothing."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from pathlib import Path

import pytest

import trackerlite as tl
from faults.checker import Verdict, integrity, judge_run
from faults.nursery import Nursery
from trackerlite.readers import Reader


def test_held_by_somebody_else(tmp_path: Path, full: bool) -> None:
    """While another program holds the database exclusively, log() neither fails nor waits for it; the rows come later."""
    run = tl.init(dir=tmp_path, id="r")
    run.log({"x": 0.0}, step=0)
    path = tmp_path / ".trackerlite" / "trackerlite.db"
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    other = sqlite3.connect(path, isolation_level=None, timeout=20)
    other.execute("BEGIN EXCLUSIVE")
    ends = time.monotonic() + (60 if full else 3)
    step, slow = 1, 0
    while time.monotonic() < ends:
        for _ in range(100):
            began = time.perf_counter()
            assert run.log({"x": float(step)}, step=step)
            slow += time.perf_counter() - began > 0.02
            step += 1
        time.sleep(0.005)
    other.execute("ROLLBACK")
    other.close()
    run.finish()
    print(f"{step} calls, {slow} of them over 20 ms")
    assert slow <= step // 100
    with Reader.open(tmp_path) as reader:
        (series,) = reader.series()
        assert reader.points(series.key).step.tolist() == list(range(step))
        assert reader.run("r").state == "finished"


def spoil(store: Path, how: str) -> None:
    database = store / "trackerlite.db"
    if how == "delete":
        database.unlink(missing_ok=True)
    elif how == "delete all":
        for path in store.glob("trackerlite.db*"):
            path.unlink(missing_ok=True)
    elif how == "delete wal":
        (store / "trackerlite.db-wal").unlink(missing_ok=True)
    elif how == "replace":
        (store / "other").write_bytes(b"no database " * 1000)
        (store / "other").replace(database)
    elif how == "truncate" and database.exists():
        with open(database, "r+b") as file:
            file.truncate(0)
    elif how == "overwrite" and database.exists():
        size = database.stat().st_size
        with open(database, "r+b") as file:
            file.write(b"\xff" * size)


@pytest.mark.parametrize(
    "how", ["delete", "delete all", "delete wal", "replace", "truncate", "overwrite"]
)
def test_spoiled_while_two_train(
    how: str, nursery: Nursery, tmp_path: Path, chance: random.Random, full: bool
) -> None:
    """Whatever is done to the database under two living trainings, afterwards every row is shown once."""
    store = tmp_path / ".trackerlite"
    victims = [
        nursery.start(
            role="record",
            store=str(tmp_path),
            id=f"run{n}",
            seed=n,
            first=0,
            count=3000 if full else 500,
            pause=0.002,
        )
        for n in range(2)
    ]
    while not all(v.over for v in victims):
        for victim in victims:
            victim.listen(chance.uniform(0.05, 0.2))
        spoil(store, how)
        try:
            Reader.open(store).close()  # as a terminal that is open on it does
        except (tl.errors.TrackerliteError, sqlite3.Error):
            pass
    assert all(v.ended for v in victims)
    verdict = Verdict()
    with Reader.open(store) as reader:
        for victim in victims:
            judge_run(verdict, store, reader, [victim])
    print(verdict)
    assert not verdict.faults, verdict.faults[:4]
    assert integrity(store / "trackerlite.db") == "ok"


def test_deleted_without_its_log(nursery: Nursery, tmp_path: Path) -> None:
    """Who looks while the database is gone, and its log still there, sees the run all the same."""
    store = tmp_path / ".trackerlite"
    victim = nursery.start(
        role="record", store=str(tmp_path), id="r", seed=1, first=0, count=1000, pause=0.002
    )
    while not victim.over:
        victim.listen(0.3)
        if (store / "trackerlite.db-wal").exists():
            (store / "trackerlite.db").unlink(missing_ok=True)
            with Reader.open(store) as reader:
                assert reader.run("r")
                assert reader.series()
    assert victim.ended


def test_readers_all_the_while(nursery: Nursery, tmp_path: Path, chance: random.Random) -> None:
    """Readers that open, read and close a store in threads while it is written see each run grow and never step back."""
    victims = [
        nursery.start(
            role="record",
            store=str(tmp_path),
            id=f"run{n}",
            seed=n,
            first=0,
            count=600,
            pause=0.002,
        )
        for n in range(2)
    ]
    for victim in victims:
        victim.until_told()
    problems: list[str] = []
    stop = threading.Event()

    def look() -> None:
        seen: dict[str, int] = {}
        while not stop.is_set():
            try:
                with Reader.open(tmp_path) as reader:
                    for series in reader.series(names=["loss"]):
                        points = reader.points(series.key)
                        name = str(series.run_key)
                        if len(points) < seen.get(name, 0):
                            problems.append(f"{name}: {len(points)} after {seen[name]}")
                        if points.step.tolist() != sorted(set(points.step.tolist())):
                            problems.append(f"{name}: order")
                        seen[name] = len(points)
            except Exception as error:
                problems.append(repr(error))
            time.sleep(0.02)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for victim in victims:
        victim.wait()
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    verdict = Verdict()
    with Reader.open(tmp_path) as reader:
        for victim in victims:
            judge_run(verdict, tmp_path / ".trackerlite", reader, [victim])
    assert not verdict.faults
