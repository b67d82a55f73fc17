"""`watch`: what others log arrives while they log it, and each run ends when its log says so."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

from cli.command import COMMAND, environment, trackerlite
from faults.nobody import as_nobody
from importers.test_importing import losses, points, write_events
from trackerlite.importers.follow import Changes, Follower
from trackerlite.readers import Reader


def state(store: Path) -> str:
    with Reader.open(store) as reader:
        [run] = reader.runs()
        return run.state


def test_look_by_look(tmp_path: Path) -> None:
    """Each look brings what is new; a followed run is running, and finished when silent for long."""
    log, store = tmp_path / "logs" / "run", tmp_path / "s"
    follower = Follower([tmp_path / "logs"], store, idle=3600)
    log.mkdir(parents=True)
    assert follower.look() == []
    write_events(log, range(5))
    assert [taken.new for taken in follower.look()] == [5]
    assert state(store) == "running"
    assert follower.look() == []
    write_events(log, range(5, 8))
    assert [taken.new for taken in follower.look()] == [3]
    assert points(store) == {"loss": losses(range(8))}
    for file in log.iterdir():
        os.utime(file, (1.6e9, 1.6e9))
    follower.look()
    assert state(store) == "finished"
    write_events(log, range(8, 9))
    follower.look()
    assert state(store) == "running"
    follower.close()
    assert state(store) == "finished"
    assert points(store) == {"loss": losses(range(9))}


def test_two_at_once(tmp_path: Path) -> None:
    """While one follows a log another import of it is refused, and once it stopped nothing is new."""
    log, store = tmp_path / "logs" / "run", tmp_path / "s"
    write_events(log, range(5))
    follower = Follower([log], store)
    follower.look()
    done = trackerlite("import", str(log), "--dir", str(store))
    assert done.returncode == 1
    assert "being imported by another" in done.stderr
    other = Follower([log], store)
    assert other.look() == []
    assert len(other.refusals) == 1
    write_events(log, range(5, 7))
    follower.look()
    follower.close()
    assert trackerlite("import", str(log), "--json", "--dir", str(store)).json[0]["new"] == 0
    assert points(store) == {"loss": losses(range(7))}


def test_a_look_does_not_look_into_stores(tmp_path: Path) -> None:
    """A store below the followed folder is not taken for somebody's TensorBoard logs."""
    write_events(tmp_path / "run", range(2))
    follower = Follower([tmp_path], tmp_path / ".trackerlite")
    assert [taken.new for taken in follower.look()] == [2]
    write_events(tmp_path / "run", range(2, 3))
    assert [taken.new for taken in follower.look()] == [1]
    follower.close()
    with Reader.open(tmp_path) as reader:
        assert len(reader.runs()) == 1


def test_data_sets_are_no_logs(tmp_path: Path) -> None:
    """Of tables in a folder only those with a step column are taken in."""
    (tmp_path / "train.csv").write_text("age,income\n30,1\n")
    (tmp_path / "metrics.csv").write_text("epoch,loss\n1,0.5\n")
    follower = Follower([tmp_path], tmp_path / "s")
    (tmp_path / "results.csv").write_text("step,acc\n1,0.5\n")
    assert [taken.run.source.name for taken in follower.look()] == ["metrics.csv", "results.csv"]
    follower.close()


def test_the_verb_follows_until_ctrl_c(tmp_path: Path) -> None:
    """Rows that another program appends can be read from the store while it runs."""
    table = tmp_path / "logs" / "metrics.csv"
    table.parent.mkdir()
    table.write_text("step,loss\n0,1.0\n")
    where = ["--dir", str(tmp_path / "s")]
    watch = subprocess.Popen(
        [*COMMAND, "watch", str(table.parent), *where],
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert watch.stderr
    try:
        lines = [watch.stderr.readline(), watch.stderr.readline()]
        assert "1 new" in lines[1]
        with open(table, "a") as file:
            file.write("1,0.5\n")
        asked = time.monotonic()
        assert "1 new" in watch.stderr.readline()
        assert time.monotonic() - asked < 20
        [run] = trackerlite("ls", "--json", *where).json
        assert (run["state"], run["steps"]) == ("running", 1)
    finally:
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=20)
    assert watch.returncode == 0
    [run] = trackerlite("ls", "--json", *where).json
    assert run["state"] == "finished"


def test_nothing_to_watch(tmp_path: Path) -> None:
    """A path that is not there is wrong use."""
    assert trackerlite("watch", str(tmp_path / "nope"), "--dir", str(tmp_path)).returncode == 2


def test_folders_that_are_closed(tmp_path: Path) -> None:
    """Folders below that we may not look into are passed over, without Python's warnings about them."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    for name in "ab":
        (place / name).mkdir(mode=0o700 if os.geteuid() == 0 else 0)
    Changes([place])  # loads what it needs

    def follow() -> None:
        warnings.showwarning = lambda message, *_, **__: os.write(2, str(message).encode())
        with Changes([place]) as changes:
            changes.wait(0.0)

    status = as_nobody(follow, tmp_path / "errors")
    shutil.rmtree(place)
    assert (status, (tmp_path / "errors").read_text()) == (0, "")
