"""The judge itself: it has to see each kind of harm, or its verdicts mean nothing."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from faults.checker import Verdict, judge_run
from faults.nursery import Nursery, Victim
from trackerlite.errors import StoreDamaged
from trackerlite.readers import Reader

LOSS = "FROM point JOIN series ON point.key >> 40 = series.key WHERE series.name = 'loss'"


@pytest.fixture(scope="module")
def recorded(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Victim]:
    """One finished run of 300 operations."""
    folder = tmp_path_factory.mktemp("judged")
    victim = nursery.start(role="record", store=str(folder), id="run", seed=7, first=0, count=300)
    victim.wait()
    return folder / ".trackerlite", victim


def verdict_on(store: Path, victim: Victim) -> Verdict:
    verdict = Verdict()
    with Reader.open(store, refresh=False) as reader:
        try:
            judge_run(verdict, store, reader, [victim])
        except StoreDamaged as error:  # the reader saw it by itself
            verdict.faults.append(str(error))
    return verdict


def test_finds_nothing_where_nothing_is(recorded: tuple[Path, Victim]) -> None:
    """A run nobody harmed passes."""
    verdict = verdict_on(*recorded)
    assert verdict.faults == []
    assert verdict.points > 400


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM param WHERE key = 'seed'",
        "DELETE FROM param WHERE key LIKE 'c%' AND key <> 'config'",
        "UPDATE param SET json = '0.5' WHERE key LIKE 'c%'",
        "DELETE FROM tag",
        "DELETE FROM summary_value",
        "DELETE FROM value WHERE key = (SELECT MIN(key) FROM value)",
        f"DELETE FROM point WHERE key = (SELECT MIN(point.key) + 1 {LOSS})",
        f"UPDATE point SET value = value + 1e-9 WHERE key IN (SELECT point.key {LOSS} AND value > 1)",
        f"UPDATE point SET step = step + 1 WHERE key = (SELECT MAX(point.key) {LOSS})",
    ],
)
def test_sees_harm_in_the_database(
    harm: str, recorded: tuple[Path, Victim], tmp_path: Path
) -> None:
    """What is lost or altered in the rows is seen."""
    store = tmp_path / ".trackerlite"
    shutil.copytree(recorded[0], store)
    connection = sqlite3.connect(store / "trackerlite.db")
    assert connection.execute(harm).rowcount > 0
    connection.commit()
    connection.close()
    assert verdict_on(store, recorded[1]).faults


@pytest.mark.parametrize("harm", ["cut", "double"])
def test_sees_harm_in_the_journal(harm: str, recorded: tuple[Path, Victim], tmp_path: Path) -> None:
    """What is lost or doubled in the journal is seen."""
    store = tmp_path / ".trackerlite"
    shutil.copytree(recorded[0], store)
    (path,) = (store / "runs").glob("*/*/events*")
    data = path.read_bytes()
    if harm == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        path.with_name(path.name + "x").write_bytes(data)
    for database in store.glob("trackerlite.db*"):
        database.unlink()
    verdict = Verdict()
    with Reader.open(store) as reader:
        judge_run(verdict, store, reader, [recorded[1]])
    assert verdict.faults


def test_a_lost_acknowledgement_is_seen(recorded: tuple[Path, Victim]) -> None:
    """An operation that was told of and is not there is seen."""
    store, victim = recorded
    more = Victim(
        victim.pid, -1, victim.plan, told=[*victim.told, (1, 10_000), (1, 10_001), (1, 10_002)]
    )
    more.over = True
    assert verdict_on(store, more).faults
