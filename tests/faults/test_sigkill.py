"""SIGKILL at random moments and at named points: nothing acknowledged is lost, doubled or altered."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.checker import Verdict, integrity, judge_run, shown_by_views
from faults.nursery import Nursery, Victim, fresh
from trackerlite.readers import Reader


def judge(store: Path, runs: list[list[Victim]]) -> Verdict:
    """Open the store and compare every run with what its victims were told."""
    verdict = Verdict(kills=sum(not v.ended for victims in runs for v in victims))
    with Reader.open(store) as reader:
        for victims in runs:
            judge_run(verdict, store, reader, victims)
    if (store / "trackerlite.db").exists():
        verdict.expect(integrity(store / "trackerlite.db") == "ok", "SQLite's integrity check")
    print(verdict)
    return verdict


def follow(nursery: Nursery, victims: list[Victim], **plan: object) -> Victim:
    """Start the next victim of a run; its numbers begin behind every one that may be there."""
    last = victims[-1] if victims else None
    first = 0
    if last is not None:
        first = (last.acknowledged[-1] if last.acknowledged else last.plan["first"]) + 2
    victim = nursery.start(role="record", count=1_000_000, first=first, **plan)
    victims.append(victim)
    return victim


def test_killed_at_any_moment(
    nursery: Nursery, tmp_path: Path, chance: random.Random, full: bool
) -> None:
    """Whatever log() returned from is there once and unaltered after a kill at a random moment, also when a killed run goes on."""
    kills = 9_000 if full else 100
    done = 0
    while done < kills:
        store = tmp_path / f"store-{done}" / ".trackerlite"
        runs: list[list[Victim]] = []
        for number in range(6):
            victims: list[Victim] = []
            for _ in range(chance.choice([1, 1, 2, 5])):
                victim = follow(
                    nursery,
                    victims,
                    store=str(store.parent),
                    id=f"run{number}",
                    seed=chance.randrange(2**31) if not victims else victims[0].plan["seed"],
                    durable=chance.random() < 0.1,
                )
                victim.until_told()
                victim.listen(chance.uniform(0.002, 0.12))
                victim.kill()
                done += 1
            runs.append(victims)
        verdict = judge(store, runs)
        assert not verdict.faults, verdict.faults[:5]
        assert verdict.acknowledged > 0
        shutil.rmtree(store.parent)


def test_killed_while_it_begins(
    nursery: Nursery, tmp_path: Path, chance: random.Random, full: bool
) -> None:
    """A kill before or while init() runs leaves no run or a whole one, and a store that still works."""
    runs: list[list[Victim]] = []
    store = tmp_path / ".trackerlite"
    for number in range(400 if full else 25):
        victim = follow(nursery, [], store=str(tmp_path), id=f"run{number}", seed=number)
        victim.listen(chance.uniform(0.0, 0.04))
        victim.kill()
        runs.append([victim])
    last = nursery.start(role="record", count=50, first=0, store=str(tmp_path), id="last", seed=1)
    last.wait()
    runs.append([last])
    verdict = judge(store, runs)
    assert not verdict.faults, verdict.faults[:5]
    assert last.ended


def test_killed_in_a_write(
    nursery: Nursery, tmp_path: Path, chance: random.Random, full: bool
) -> None:
    """Half a record at the end of a journal hides nothing before it and nothing of the run that goes on."""
    runs: list[list[Victim]] = []
    for number in range(300 if full else 15):
        victims: list[Victim] = []
        for _ in range(2):
            victim = follow(
                nursery,
                victims,
                store=str(tmp_path),
                id=f"run{number}",
                seed=number if not victims else victims[0].plan["seed"],
                death={
                    "point": "write",
                    "after": chance.choice([1, 2, 3, 4, 10, 200]),
                    "part": chance.choice([0.0, 0.01, 0.3, 0.5, 0.9, 0.999]),
                },
            )
            victim.wait()
        runs.append(victims)
    verdict = judge(tmp_path / ".trackerlite", runs)
    assert not verdict.faults, verdict.faults[:5]


def recorded(
    nursery: Nursery, tmp_path: Path, runs: int = 3, count: int = 1_500
) -> list[list[Victim]]:
    """Runs of killed writers, barely projected."""
    found = []
    for number in range(runs):
        victim = nursery.start(
            role="record", store=str(tmp_path), id=f"run{number}", seed=number, first=0, count=count
        )
        victim.until_told()
        while len(victim.told) < count // 2 and not victim.over:
            victim.listen(0.01)
        victim.kill()
        found.append([victim])
    return found


def die_reading(
    nursery: Nursery, tmp_path: Path, role: str, chance: random.Random, times: int, spread: int
) -> int:
    """Kill readers of the store at one statement after another; how many died of it."""
    died = 0
    for _ in range(times):
        victim = nursery.start(
            role=role,
            store=str(tmp_path),
            death={"point": "statement", "after": int(spread ** chance.random())},
        )
        victim.wait()
        died += not victim.ended
    return died


def remove_database(store: Path) -> None:
    """As a person does it: all of it, or only the file with the name they know."""
    for path in store.glob("trackerlite.db*"):
        path.unlink()


def test_killed_in_a_projection(
    nursery: Nursery, tmp_path: Path, chance: random.Random, full: bool
) -> None:
    """A projection killed at any statement, again and again, ends with every row once."""
    store, died = tmp_path / ".trackerlite", 0
    for _ in range(20 if full else 1):
        runs = recorded(nursery, tmp_path)
        for _ in range(4):
            remove_database(store)
            died += die_reading(nursery, tmp_path, "read", chance, 8, 300)
        verdict = judge(store, runs)
        assert not verdict.faults, verdict.faults[:5]
        before = shown_by_views(store / "trackerlite.db")
        remove_database(store)
        with Reader.open(store):
            pass
        assert shown_by_views(store / "trackerlite.db") == before
        for path in (store / "runs").glob("*/*"):
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
    print(f"{died} projections killed")
    assert died >= 15


def test_killed_projecting_while_it_trains(
    nursery: Nursery, tmp_path: Path, chance: random.Random, full: bool
) -> None:
    """A training process killed by its own projection's statement loses nothing either."""
    runs: list[list[Victim]] = []
    for number in range(300 if full else 20):
        victim = follow(
            nursery,
            [],
            store=str(tmp_path),
            id=f"run{number}",
            seed=number,
            death={"point": "statement", "after": int(80 ** chance.random())},
        )
        victim.wait()
        runs.append([victim])
    verdict = judge(tmp_path / ".trackerlite", runs)
    assert not verdict.faults, verdict.faults[:5]


def test_killed_in_a_migration(
    nursery: Nursery, tmp_path: Path, chance: random.Random, full: bool
) -> None:
    """A migration killed at any statement is there whole or not at all, and is finished by the next reader."""
    import sqlite3

    from faults.migration import STATEMENTS

    store = tmp_path / ".trackerlite"
    runs = recorded(nursery, tmp_path, runs=2, count=300)
    judge(store, runs)
    kept = {p.name: p.read_bytes() for p in store.glob("trackerlite.db*")}
    died = whole = 0
    for after in range(1, 200 if full else 40):
        remove_database(store)
        for name, data in kept.items():
            (store / name).write_bytes(data)
        victim = nursery.start(
            role="migrate", store=str(tmp_path), death={"point": "statement", "after": after}
        )
        victim.wait()
        if victim.ended:
            break
        died += 1
        connection = sqlite3.connect(store / "trackerlite.db")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = {r[0] for r in connection.execute("SELECT name FROM sqlite_master")}
        columns = {r[1] for r in connection.execute("PRAGMA table_info(run)")}
        connection.close()
        there = ["later_one" in tables, "later_two" in tables, "later" in columns, version > 1]
        assert all(there) or not any(there), f"half a migration after statement {after}: {there}"
        whole += all(there)
        again = nursery.start(role="migrate", store=str(tmp_path))
        again.wait()
        assert again.ended
        connection = sqlite3.connect(store / "trackerlite.db")
        assert connection.execute("SELECT COUNT(*) FROM later_one").fetchone()[0] == 2
        assert connection.execute("SELECT DISTINCT later FROM run").fetchall() == [("yes",)]
        connection.close()
    print(f"{died} migrations killed, {whole} of them after they were whole")
    assert died > STATEMENTS.count(";")
    assert whole < died


def test_killed_in_a_rebuild(
    nursery: Nursery, tmp_path: Path, chance: random.Random, full: bool
) -> None:
    """`doctor --repair` killed at any statement, or between any two files, leaves a store that shows every row."""
    store, died = tmp_path / ".trackerlite", 0
    runs = recorded(nursery, tmp_path, runs=2, count=400)
    judge(store, runs)
    before = shown_by_views(store / "trackerlite.db")
    deaths = [
        {"point": "statement", "after": int(400 ** chance.random())}
        for _ in range(200 if full else 12)
    ]
    deaths += [{"point": "file", "after": n} for n in range(1, 11)]
    for death in deaths:
        victim = nursery.start(role="repair", store=str(tmp_path), death=death)
        victim.wait()
        died += not victim.ended
        if chance.random() < 0.5:  # else the next repair meets what this one left
            with Reader.open(store):
                pass
            assert shown_by_views(store / "trackerlite.db") == before, death
    verdict = judge(store, runs)
    assert not verdict.faults, verdict.faults[:5]
    assert shown_by_views(store / "trackerlite.db") == before
    print(f"{died} repairs killed")
    assert died >= 12
    last = nursery.start(role="repair", store=str(tmp_path))
    last.wait()
    assert last.ended
    assert not list(store.glob("*rebuilding*"))


@pytest.mark.privileged
def test_killed_in_a_system_call(
    tmp_path: Path, chance: random.Random, need: Callable[[object, str], None]
) -> None:
    """A training killed as SQLite writes a page, in the middle of a commit or a checkpoint, loses nothing."""
    need(shutil.which("strace"), "strace")
    runs: list[list[Victim]] = []
    for number in range(8):
        after = int(300 ** chance.random())
        victim = fresh(
            tmp_path / "stderr.log",
            prefix=("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", f"inject=pwrite64:signal=KILL:when={after}"),
            role="record", store=str(tmp_path), id=f"run{number}", seed=number, first=0, count=6000,
        )  # fmt: skip
        victim.wait(120)
        runs.append([victim])
    verdict = judge(tmp_path / ".trackerlite", runs)
    assert not verdict.faults, verdict.faults[:5]
    assert verdict.kills >= 4


@pytest.mark.parametrize("number", range(3))
def test_killed_in_an_interpreter_of_its_own(
    number: int, tmp_path: Path, chance: random.Random
) -> None:
    """The same holds for scripts started as people start them."""
    victims: list[Victim] = []
    for _ in range(3):
        first = 0
        if victims:
            last = victims[-1]
            first = (last.acknowledged[-1] if last.acknowledged else last.plan["first"]) + 2
        victim = fresh(
            tmp_path / "stderr.log",
            role="record",
            store=str(tmp_path),
            id="run",
            seed=number,
            first=first,
            count=1_000_000,
        )
        victim.until_told()
        victim.listen(chance.uniform(0.0, 0.15))
        victim.kill()
        victims.append(victim)
    verdict = judge(tmp_path / ".trackerlite", [victims])
    assert not verdict.faults, verdict.faults
