"""The schema: created or migrated whole or not at all, and never touched by code that does not know it."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from pathlib import Path

import pytest

import trackerlite
from faults.migration import STATEMENTS
from trackerlite.doctor import examine
from trackerlite.errors import StoreTooNew
from trackerlite.readers import Reader
from trackerlite.store import connect, schema
from trackerlite.store.lock import store_lock
from trackerlite.store.projector import Projector
from unit.journals import row, run_of, start


def contents(store: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in store.glob("trackerlite.db*")}


def test_a_newer_schema_is_refused_unharmed(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A database of a newer trackerlite is left as it is, to the byte, by reader, projector and training alike."""
    folder = run_of(store, start() + row(1.0, 0, {"x": 1.0}))
    Reader.open(store).close()
    connection = sqlite3.connect(store / "trackerlite.db")
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    run_of(store, start() + row(1.0, 0, {"x": 1.0}) + row(2.0, 1, {"x": 2.0}))
    before = contents(store)
    with pytest.raises(StoreTooNew, match="Nothing was changed"):
        Reader.open(store)
    with pytest.raises(StoreTooNew):
        Reader.open(store, refresh=False)
    for repair in (False, True):
        with pytest.raises(StoreTooNew):
            examine(store, repair=repair)
    projector = Projector(store)
    with pytest.raises(StoreTooNew):
        projector.project_run(folder)
    projector.close()
    assert contents(store) == before

    import trackerlite as tl

    with tl.init(dir=store, id="new") as run:
        assert run.log({"x": 1.0})
    assert contents(store) == before
    assert not list(store.glob("*damaged*"))
    assert "Nothing is lost" in capsys.readouterr().err


def test_an_older_schema_is_migrated(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of the schema before gets what is missing, keeps its rows, and is written to again."""
    run_of(store, start() + row(1.0, 0, {"x": 1.0}))
    Reader.open(store).close()
    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, ("9999_later", STATEMENTS)])
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    run_of(store, start() + row(1.0, 0, {"x": 1.0}) + row(2.0, 1, {"x": 2.0}))
    with Reader.open(store) as reader:
        assert reader.points(reader.series()[0].key).value.tolist() == [1.0, 2.0]
        assert reader.connection.execute("SELECT text FROM later_one").fetchall() == [("r1",)]
        assert schema.version(reader.connection) == schema.VERSION
        names = [
            r[0]
            for r in reader.connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id")
        ]
        assert names == [name for name, _ in schema.MIGRATIONS]


def test_a_migration_that_fails_is_undone(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration whose last statement fails leaves nothing of its first ones, and the database as it was."""
    run_of(store, start() + row(1.0, 0, {"x": 1.0}))
    Reader.open(store).close()
    monkeypatch.setattr(
        schema,
        "MIGRATIONS",
        [*schema.MIGRATIONS, ("9999_later", STATEMENTS + "SELECT nothing FROM nowhere;\n")],
    )
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with store_lock(store), pytest.raises(sqlite3.OperationalError):
        connect.open_writer(store / "trackerlite.db")
    connection = sqlite3.connect(store / "trackerlite.db")
    tables = {r[0] for r in connection.execute("SELECT name FROM sqlite_master")}
    assert schema.version(connection) == schema.VERSION - 1
    connection.close()
    assert "later_one" not in tables
    assert "metrics" in tables


def test_both_ways_make_the_same_schema(tmp_path: Path) -> None:
    """A database made at once and one made by the migrations have the same tables and views."""
    import sqlite_utils

    made = connect.open_writer(tmp_path / "a" / "trackerlite.db")
    migrated = sqlite3.connect(tmp_path / "b.db", isolation_level=None)
    schema._migrate(migrated)

    def all_of(connection: sqlite3.Connection) -> list[tuple[str, str]]:
        query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%sqlite%' ORDER BY name"
        return connection.execute(query).fetchall()

    assert all_of(made) == all_of(migrated)
    assert schema.version(made) == schema.version(migrated) == schema.VERSION
    assert sqlite_utils.Database(made)["_sqlite_migrations"].count == len(schema.MIGRATIONS)
    made.close()
    migrated.close()


def test_many_at_once_make_one(store: Path) -> None:
    """Threads that open a store for the first time at the same moment find one schema and one run."""
    run_of(store, start() + row(1.0, 0, {"x": 1.0}))
    problems: list[BaseException] = []
    gate = threading.Barrier(8)

    def open_it() -> None:
        try:
            gate.wait()
            with Reader.open(store) as reader:
                assert len(reader.runs()) == 1
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with Reader.open(store) as reader:
        assert reader.points(reader.series()[0].key).value.tolist() == [1.0]


def test_a_reader_cannot_write(store: Path) -> None:
    """A reader's connection refuses every statement that would change anything, a checkpoint included."""
    run_of(store, start() + row(1.0, 0, {"x": 1.0}))
    with Reader.open(store) as reader:
        for statement in (
            "DELETE FROM run",
            "CREATE TABLE t (x)",
            "INSERT INTO alert DEFAULT VALUES",
            "VACUUM",
        ):
            with pytest.raises(sqlite3.OperationalError):
                reader.connection.execute(statement)
        try:
            busy = reader.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            busy = (1,)
        assert busy[0] == 1 or busy[1] in (0, -1)


def test_the_version_tells_of_commits(store: Path) -> None:
    """`version()` changes with a commit of somebody else, and only then."""
    folder = run_of(store, start() + row(1.0, 0, {"x": 1.0}))
    with Reader.open(store) as reader:
        first = reader.version()
        assert reader.version() == first
        run_of(store, start() + row(1.0, 0, {"x": 1.0}) + row(2.0, 1, {"x": 2.0}))
        projector = Projector(store)
        projector.project_run(folder)
        assert reader.version() != first
        projector.close()


def test_a_deleted_database_is_found_again(store: Path) -> None:
    """A reader whose database was deleted or replaced reads the new one after `refresh`."""
    run_of(store, start() + row(1.0, 0, {"x": 1.0}))
    with Reader.open(store) as reader:
        for path in store.glob("trackerlite.db*"):
            path.unlink()
        run_of(store, start() + row(1.0, 0, {"x": 1.0}) + row(2.0, 1, {"x": 2.0}))
        time.sleep(0.01)
        reader.refresh()
        assert reader.points(reader.series()[0].key).value.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("harm", ["garbage", "empty", "half", "header", "page"])
def test_a_corrupt_database_is_rebuilt(harm: str, store: Path) -> None:
    """A database that is no database, is cut or has a spoiled page is set aside, and all is shown from the journals."""
    rows = b"".join(row(float(n), n, {"x": n + 0.5}) for n in range(3000))
    run_of(store, start() + rows)
    Reader.open(store).close()
    path = store / "trackerlite.db"
    data = bytearray(path.read_bytes())
    if harm == "garbage":
        data = bytearray(b"this is no database, never was " * 300)
    elif harm == "empty":
        data = bytearray()
    elif harm == "half":
        data = data[: len(data) // 2]
    elif harm == "header":
        data[:100] = bytes(100)
    else:
        data[4096 : 4096 * 3] = b"\xff" * 8192
    path.write_bytes(data)
    run_of(store, start() + rows + row(9e3, 3000, {"x": -1.0}))
    with Reader.open(store) as reader:
        assert reader.points(reader.series()[0].key).value.tolist() == [
            *(n + 0.5 for n in range(3000)),
            -1.0,
        ]


def test_projection_is_under_the_lock(store: Path) -> None:
    """While somebody holds the store's lock, a projection waits, gives up with a reason, and changes nothing."""
    from trackerlite.errors import StoreBusy

    folder = run_of(store, start() + row(1.0, 0, {"x": 1.0}))
    projector = Projector(store)
    with store_lock(store):
        results: list[object] = []

        def try_it() -> None:
            try:
                results.append(projector.project_run(folder, timeout=0.1))
            except StoreBusy as error:
                results.append(error)

        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert isinstance(results[0], StoreBusy)
    assert "Nothing is lost" in str(results[0])
    assert not (store / "trackerlite.db").exists()
    assert projector.project_run(folder) > 0
    projector.close()


def test_no_parameter_has_a_number() -> None:
    """Of `?1` Python 3.12 warns, each time it is bound: that costs ten times what the row does."""
    room = Path(trackerlite.__file__).parent
    numbered = re.compile(r"[=(,+ ]\?(\d|\{)")
    found = [
        f"{path.relative_to(room)}: {line.strip()}"
        for path in room.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if numbered.search(line)
    ]
    assert found == []
