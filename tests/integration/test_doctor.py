"""Doctor: the tests' own checker, shipped. It names the file and the bytes, and repairs what can be."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import trackerlite as tl
from faults.checker import shown_by_views
from trackerlite.doctor import examine
from trackerlite.readers import Reader
from unit.journals import bounds, read_all, row, run_of, start


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of three finished runs that used most of what there is."""
    for number in range(3):
        with tl.init(dir=tmp_path, id=f"r{number}", config={"lr": number}, tags=["t"]) as run:
            run.define_metric("loss", summary="min,mean,last", goal="min")
            for step in range(400):
                run.log({"loss": step / 7, "acc": step, "text": f"n{step}"}, step=step)
            run.alert("a", "b")
    return tmp_path / ".trackerlite"


def test_a_sound_store_is_sound(store: Path) -> None:
    """Nothing is found in a store nobody harmed."""
    report = examine(store)
    assert report.ok, report.findings
    assert report.runs == 3
    assert report.records > 1200


def test_damage_is_named(store: Path, chance: random.Random) -> None:
    """A flipped bit in a journal is found with its file and exactly the range of the record it is in."""
    for _ in range(5):
        path = chance.choice(sorted(store.rglob("events.out.tfevents.*")))
        data = path.read_bytes()
        spoiled = bytearray(data)
        at = chance.randrange(40, len(data) - 200)
        spoiled[at] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        report = examine(store)
        path.write_bytes(data)
        (found,) = [f for f in report.findings if f.kind == "damage"]
        assert not report.ok
        assert found.path == path
        places = bounds(read_all(path)[0])
        assert (found.start, found.stop) == next(p for p in places if p[0] <= at < p[1])


def test_a_torn_tail_is_no_damage(store: Path) -> None:
    """Half a record at the end is told of as harmless."""
    path = sorted(store.rglob("events.out.tfevents.*"))[0]
    with open(path, "ab") as file:
        file.write(path.read_bytes()[:5])
    report = examine(store)
    assert report.ok
    assert any(f.path == path and f.kind == "note" for f in report.findings)


@pytest.mark.parametrize("harm", ["garbage", "delete", "rows", "page"])
def test_repair_shows_the_same(harm: str, store: Path) -> None:
    """Whatever happened to the database, the rebuilt one shows the same in every view, to the byte."""
    import sqlite3

    Reader.open(store).close()
    database = store / "trackerlite.db"
    before = shown_by_views(database)
    if harm == "garbage":
        database.write_bytes(b"no database" * 1000)
    elif harm == "delete":
        database.unlink()
    elif harm == "rows":
        connection = sqlite3.connect(database)
        connection.execute("DELETE FROM point WHERE key % 7 = 0")
        connection.execute("UPDATE param SET value = 99")
        connection.commit()
        connection.close()
        assert not examine(store).ok
    else:
        data = bytearray(database.read_bytes())
        data[8192:12288] = b"\xee" * 4096
        database.write_bytes(data)
    for finding in examine(store).findings:
        assert finding.text.count("doctor --repair") <= 1, finding.text
        assert ".." not in finding.text, finding.text
    report = examine(store, repair=True)
    assert report.repaired
    assert report.ok, report.findings
    assert shown_by_views(database) == before


def test_repair_beside_a_damaged_journal(tmp_path: Path) -> None:
    """Where bytes of a journal are lost, the repair shows all that is readable, and says what is not."""
    frames = [start(), *(row(float(n), n, {"x": float(n)}) for n in range(50))]
    data = bytearray(b"".join(frames))
    at = sum(map(len, frames[:21])) + 30
    data[at] ^= 4
    store = tmp_path / ".trackerlite"
    run_of(store, bytes(data))
    report = examine(store, repair=True)
    assert not report.ok
    assert bounds([frame[12:-4] for frame in frames])[21][0] <= at
    with Reader.open(store) as reader:
        points = reader.points(reader.series()[0].key)
        assert points.step.tolist() == [n for n in range(50) if n != 20]


def test_a_run_that_is_being_written(tmp_path: Path) -> None:
    """A living run is examined and even repaired under its writer, which loses nothing by it."""
    run = tl.init(dir=tmp_path, id="r")
    for step in range(300):
        run.log({"x": float(step)}, step=step)
        if step in (100, 200):
            report = examine(tmp_path, repair=step == 200)
            assert report.ok, report.findings
    run.finish()
    assert examine(tmp_path).ok
    with Reader.open(tmp_path) as reader:
        assert reader.points(reader.series()[0].key).step.tolist() == list(range(300))
