"""Housekeeping: what may go goes, all else stays, and nothing is ever half gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

import trackerlite as tl
from trackerlite import edits, gc
from trackerlite.artifacts import Objects, Registry, verify
from trackerlite.readers import Reader
from trackerlite.store.ledger import Confirmed, Ledger

OLD = time.time() - 10 * 86400


@pytest.fixture
def store(tmp_path, capsys):
    """Two finished runs; the first made an artifact of two versions, the second used v0."""
    for name, text in (("a", "one"), ("b", "two"), ("c", "three")):
        (tmp_path / name).write_text(text)
    with tl.init(project="p", dir=tmp_path, id="maker") as run:
        run.log({"loss": 1.0})
        run.log_artifact(tmp_path / "a", name="data")
        run.log_artifact(tmp_path / "b", name="data")
    with tl.init(project="p", dir=tmp_path, id="user") as run:
        run.log({"loss": 2.0})
        run.use_artifact("data:v0")
        run.log_artifact(tmp_path / "c", name="model")
    age(tmp_path / ".trackerlite")
    return tmp_path / ".trackerlite"


def age(store):
    """Contents as if they were made long ago."""
    for digest, _ in Objects(store):
        os.utime(Objects(store).path(digest), (OLD, OLD))


def trash(store, *ids):
    with Reader.open(store) as reader:
        for run_id in ids:
            edits.trash(reader.run(run_id))


def runs(store, trashed=False):
    with Reader.open(store) as reader:
        return sorted(run.id for run in reader.runs(trashed=trashed))


def kinds(items):
    return sorted(f"{item.kind} {item.name.split()[0]}" for item in items)


def texts(store):
    return sorted(Objects(store).path(d).read_text() for d, _ in Objects(store))


class TestPlan:
    def test_nothing_to_do(self, store):
        """A store in use has nothing to free, synced runs asked for or not."""
        assert gc.plan(store) == []
        assert gc.plan(store, synced=True) == []

    def test_looking_changes_nothing(self, store):
        """Saying what would go leaves every file as it was."""
        trash(store, "maker")
        gc.plan(store)
        before = {p: p.stat().st_mtime_ns for p in store.rglob("*") if ".db" not in p.name}
        gc.plan(store, synced=True)
        assert {p: p.stat().st_mtime_ns for p in store.rglob("*") if ".db" not in p.name} == before


class TestTrash:
    def test_a_trashed_run(self, store):
        """A run in the trash goes with its rows; what another run uses of it stays."""
        trash(store, "maker")
        items = gc.plan(store)
        assert [k.split()[0] for k in kinds(items)] == ["content", "run", "version"]
        assert {"run p/maker", "version p/data:v1"} < set(kinds(items))
        assert all(item.files > 0 for item in items)
        assert gc.free(store, items) == items
        assert runs(store) == ["user"]
        assert runs(store, trashed=True) == []
        assert [v["version"] for v in Registry(store).versions(name="data")] == ["v0"]
        assert gc.plan(store) == []
        assert texts(store) == ["one", "three"]
        assert list(verify(store)) == []
        with Reader.open(store) as reader:
            counts = reader.connection.execute("SELECT COUNT(*) FROM runs").fetchone()
        assert counts == (1,)

    def test_an_artifact_outlives_its_maker_only_while_it_is_used(self, store):
        """A version whose maker went earlier goes with the last run that used it."""
        trash(store, "maker")
        gc.free(store, gc.plan(store))
        assert [v["version"] for v in Registry(store).versions(name="data")] == ["v0"]
        trash(store, "user")
        gc.free(store, gc.plan(store))
        assert list(Registry(store).versions()) == []
        assert texts(store) == []

    def test_numbers_are_not_given_twice(self, store, tmp_path, capsys):
        """After v1 is gone, the next version is v2."""
        trash(store, "maker")
        gc.free(store, gc.plan(store))
        with tl.init(project="p", dir=tmp_path) as run:
            (tmp_path / "a").write_text("new")
            assert run.log_artifact(tmp_path / "a", name="data").version == "v2"

    def test_a_running_run_stays(self, store, tmp_path, capsys):
        """A run that is written at this moment stays, even from the trash, even if planned before."""
        run = tl.init(project="p", dir=tmp_path, id="living")
        run.log({"a": 1})
        while "living" not in runs(store):  # until its first rows are projected
            time.sleep(0.05)
        with Reader.open(store) as reader:
            item = gc._run_item(reader.run("living"), "forced")
        trash(store, "living", "maker")
        assert "run p/living" not in kinds(gc.plan(store))
        assert gc.free(store, [item]) == []
        assert run.log({"a": 2})
        run.finish()
        with Reader.open(store) as reader:
            [living] = [run for run in reader.runs(trashed=True) if run.id == "living"]
            series = reader.series([living.key])
        assert next(s for s in series if s.name == "a").count == 2

    def test_interrupted(self, store):
        """Killed between moving a run away and deleting it, the rest goes the next time."""
        trash(store, "maker")
        code = (
            "import sys, os, shutil, pathlib\n"
            "from trackerlite import gc\n"
            "shutil.rmtree = lambda *a, **k: os.kill(os.getpid(), 9)\n"
            "store = pathlib.Path(sys.argv[1]); gc.free(store, gc.plan(store))\n"
        )
        done = subprocess.run([sys.executable, "-c", code, str(store)], timeout=60)
        assert done.returncode == -9
        assert runs(store) == ["user"]
        items = gc.plan(store)
        assert any(item.kind == "leftover" and "interrupted" in item.reason for item in items)
        gc.free(store, items)
        assert not any((store / "deleting").iterdir())

    @pytest.mark.parametrize("at", ["Registry.remove", "remove_run"])
    @pytest.mark.parametrize("trashed", [True, False])
    def test_interrupted_before_its_versions(self, store, at, trashed):
        """Killed with the run's folder out of sight and its versions or rows still there, both
        go the next time: also where the run is in no trash, since a server has it."""
        trash(store, "maker")
        restored = (
            "with gc.Reader.open(store) as reader:\n"
            "    edits.restore(reader.run('maker', trashed=True)); reader.refresh()\n"
        )
        code = (
            "import sys, os, pathlib\n"
            "from trackerlite import edits, gc\n"
            "from trackerlite.artifacts import Registry\n"
            "from trackerlite.store import remove\n"
            "store = pathlib.Path(sys.argv[1]); plan = gc.plan(store)\n"
            "die = lambda *a, **k: os.kill(os.getpid(), 9)\n"
            + ("Registry.remove = die\n" if "." in at else "remove.remove_run = die\n")
            + ("" if trashed else restored)
            + "gc.free(store, plan)\n"
        )
        done = subprocess.run([sys.executable, "-c", code, str(store)], timeout=60)
        assert done.returncode == -9
        assert not any(path.name.endswith("maker") for path in store.glob("runs/*/*"))
        gc.free(store, gc.plan(store))
        assert runs(store) == ["user"]
        assert runs(store, trashed=True) == []
        assert [v["version"] for v in Registry(store).versions(name="data")] == ["v0"]
        assert gc.plan(store) == []
        assert not any((store / "deleting").iterdir())


class TestSynced:
    def confirm(self, store, run_id, **how):
        with Reader.open(store) as reader:
            from trackerlite.readers.replay import fingerprints
            from trackerlite.sync.source import LocalRun

            run = reader.run(run_id)
            local = LocalRun(reader, run, fingerprints(reader.connection, [run.key])[run.key])
            state = Confirmed("https://x", run.ref, "e", "p", run.id, fingerprint=local.fingerprint)
            for name, value in ({"verified": time.time()} | how).items():
                setattr(state, name, value)
        ledger = Ledger(store)
        ledger.confirm(state)
        ledger.close()

    def test_only_what_is_verified(self, store):
        """Only a run whose every row a server confirmed goes, and only when asked for."""
        self.confirm(store, "maker")
        assert gc.plan(store) == []
        assert "run p/maker" in kinds(gc.plan(store, synced=True))
        assert "run p/user" not in kinds(gc.plan(store, synced=True))

    @pytest.mark.parametrize(
        "state", [{"verified": None}, {"error": "refused"}, {"fingerprint": "of an earlier state"}]
    )
    def test_anything_less_stays(self, store, state):
        """Never verified, failed since, or grown since: it stays."""
        self.confirm(store, "maker", **state)
        assert gc.plan(store, synced=True) == []

    def test_age(self, store):
        """A synced run stays as long as it is wanted to."""
        self.confirm(store, "maker")
        assert gc.plan(store, synced=True, older=86400) == []


class TestContents:
    def test_young_ones_stay(self, store, tmp_path):
        """A content that no version names yet may be about to get one: it stays an hour."""
        digest, _ = Objects(store).add_bytes(b"just arrived")
        assert gc.plan(store) == []
        os.utime(Objects(store).path(digest), (OLD, OLD))
        assert kinds(gc.plan(store)) == [f"content {digest[:12]}"]

    def test_taken_into_use_meanwhile(self, store):
        """A content that is logged again after we looked is not deleted."""
        digest, _ = Objects(store).add_bytes(b"old and unused")
        os.utime(Objects(store).path(digest), (OLD, OLD))
        items = gc.plan(store)
        assert Objects(store).add_bytes(b"old and unused") == (digest, 14)
        assert gc.free(store, items) == []
        assert Objects(store).has(digest)

    def test_long_lists(self, store, tmp_path, capsys):
        """Contents that only a manifest names are named."""
        folder = tmp_path / "many"
        folder.mkdir()
        for i in range(1100):
            (folder / str(i)).write_text(str(i))
        with tl.init(project="p", dir=tmp_path) as run:
            run.log_artifact(folder, name="many")
        age(store)
        assert gc.plan(store) == []

    def test_unfinished_copies(self, store):
        """Copies of processes that are gone, or of yesterday, go; one under way stays."""
        folder = store / "objects" / "unfinished"
        folder.mkdir(exist_ok=True)
        gone = subprocess.Popen(["true"])
        gone.wait()
        (folder / f"{gone.pid}-x").write_text("half")
        (folder / f"{os.getpid()}-living").write_text("half")
        (folder / f"{os.getpid()}-stale").write_text("half")
        os.utime(folder / f"{os.getpid()}-stale", (OLD, OLD))
        assert {i.name for i in gc.plan(store)} == {f"{gone.pid}-x", f"{os.getpid()}-stale"}


class TestCommand:
    def run(self, store, *args):
        return subprocess.run(
            [sys.executable, "-c", "from trackerlite.cli import main; import sys; sys.exit(main())",
                  "gc", "--dir", str(store), *args],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def test_says_first(self, store):
        """Without --yes it says what would go, and does nothing; with it, it does that."""
        trash(store, "maker")
        done = self.run(store)
        assert done.returncode == 0, done.stderr
        assert "Would free" in done.stderr
        assert "p/maker" in done.stdout
        assert runs(store, trashed=True) == ["maker"]
        found = json.loads(self.run(store, "--yes", "--json").stdout)
        assert found["freed"] is True
        assert found["bytes"] > 0
        assert runs(store, trashed=True) == []
        assert "nothing to free" in self.run(store).stderr.lower()

    def test_what_stays_for_now_is_said(self, store, tmp_path, capsys):
        """Contents that nothing needs any more but are too young to go are counted, in words."""
        with tl.init(project="p", dir=tmp_path, id="big") as run:
            (tmp_path / "big").write_bytes(os.urandom(3 << 20))
            run.log_artifact(tmp_path / "big", name="big")
        assert "3.0 MiB" not in self.run(store).stderr
        trash(store, "big")
        assert "3.0 MiB of artifacts" in self.run(store).stderr
        done = self.run(store, "--yes")
        assert (done.returncode, "3.0 MiB of artifacts" in done.stderr) == (0, True)
        assert json.loads(self.run(store, "--json").stdout)["too_young"] == 3 << 20
        age(store)
        assert "Freed 3.0 MiB" in self.run(store, "--yes").stderr
