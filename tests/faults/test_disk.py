"""Disks that are full, limited or read-only: the training goes on, with one warning and an exact count."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cli.command import trackerlite
from faults.checker import Verdict, judge_run
from faults.nobody import as_nobody
from faults.nursery import Nursery
from faults.scripts import run
from trackerlite.artifacts import verify
from trackerlite.journal.reader import JournalReader
from trackerlite.readers import Reader

Need = Callable[[object, str], None]


@pytest.fixture
def small_disk(tmp_path: Path, need: Need) -> Iterator[Path]:
    """A file system of 600 KiB."""
    need(os.geteuid() == 0, "root, for a small file system")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(place)],
        capture_output=True,
        check=False,
    )
    need(mounted.returncode == 0, f"mount ({mounted.stderr.decode().strip()})")
    yield place
    for _ in range(50):
        if subprocess.run(["umount", str(place)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["umount", "-l", str(place)], check=False)


def shown(store: Path, key: str = "x") -> list[int]:
    with Reader.open(store) as reader:
        (series,) = [s for s in reader.series() if s.name == key]
        points = reader.points(series.key)
        assert points.value.tolist() == [float(s) for s in points.step.tolist()]
        return [int(s) for s in points.step]


@pytest.fixture
def full_disk(small_disk: Path) -> Path:
    """A file system that takes nothing any more."""
    fill(small_disk)
    return small_disk


def fill(disk: Path) -> None:
    with open(disk / "ballast", "wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(b"." * 4096):
            pass


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("plot r -m x -o", "out.svg"),
        ("report r -o", "out.html"),
        ("bundle r --force -o", "out.zip"),
        ("export r --format csv -o", "out.csv"),
        ("export r --format parquet -o", "out.parquet"),
    ],
)
def test_an_output_that_does_not_fit(
    words: str, target: str, full_disk: Path, tmp_path: Path
) -> None:
    """What a verb cannot write is named, the file of that name stays as it was, and no half of it is left."""
    assert run(tmp_path, "with tl.init(dir='.', id='r') as run: run.log({'x': 1.0})").status == 0
    (full_disk / target).touch()
    there = sorted(os.listdir(full_disk))
    done = trackerlite(*words.split(), str(full_disk / target), "--dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "No space left on device" in done.stderr
    assert f"{full_disk / target}" in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(os.listdir(full_disk)) == there


def test_a_copy_that_does_not_fit(full_disk: Path, tmp_path: Path) -> None:
    """An exported journal that does not fit is named by where it was to go."""
    assert run(tmp_path, "with tl.init(dir='.', id='r') as run: run.log({'x': 1.0})").status == 0
    out = full_disk / "out"
    done = trackerlite("export", "r", "--format", "tensorboard", "-o", str(out), "--dir", str(tmp_path))  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"No space left on device: {out}/")


def test_a_store_on_a_full_disk(small_disk: Path) -> None:
    """It is read as it is; what cannot be made anew is said in a sentence, and nothing of the try is left."""
    assert run(small_disk, "with tl.init(dir='.', id='r') as run: run.log({'x': 1.0})").status == 0
    store = small_disk / ".trackerlite"
    for beside in store.glob("trackerlite.db-*"):  # as the last to leave it leaves it
        assert beside.suffix != ".db-wal" or not beside.stat().st_size
        beside.unlink()
    fill(small_disk)
    done = trackerlite("doctor", "--repair", "--dir", str(small_disk))
    assert done.returncode == 1
    assert "could not be made anew" in done.stderr
    assert "Traceback" not in done.stderr
    listed = trackerlite("metrics", "r", "-m", "x", "--json", "--dir", str(small_disk))
    assert [row["x"] for row in listed.json] == [1.0]
    assert not list(store.glob("*rebuilding*"))
    (small_disk / "ballast").unlink()
    assert trackerlite("doctor", "--dir", str(small_disk)).returncode == 0


def journals_are_whole(store: Path) -> None:
    for path in store.rglob("events.out.tfevents.*"):
        reader = JournalReader(path)
        for _ in reader.read():
            pass
        assert reader.damage == []
        assert reader.offset == path.stat().st_size, f"unreachable bytes in {path}"


FILL = """
import trackerlite.journal.writer as writer
writer.BACKLOG_BYTES = {backlog}
place = os.environ["PLACE"]
run = tl.init(dir=place, id="r")
acknowledged, step = [], 0
def log(count):
    global step
    for _ in range(count):
        if run.log({{"x": float(step)}}, step=step):
            acknowledged.append(step)
        step += 1
log(500)
with open(place + "/ballast", "wb", buffering=0) as ballast:
    try:
        while True:
            ballast.write(b"x" * 512)
    except OSError:
        pass
    size = os.path.getsize(place + "/ballast")
log({during})
failing = run._writer.waiting
os.unlink(place + "/ballast")
time.sleep(1.3)
log(500)
run.finish()
say(acknowledged=acknowledged, steps=step, failing=failing, dropped=run.dropped)
"""


@pytest.mark.privileged
def test_a_full_disk_that_has_room_again(small_disk: Path) -> None:
    """Nothing is lost that waits in memory; the training never hears of it; no byte of the journal is unreachable."""
    code = FILL.format(backlog=8 << 20, during=3000)
    found = run(small_disk.parent, code, env={"PLACE": str(small_disk)})
    assert found.status == 0, found.errors
    assert found.said["failing"] > 0, "the disk was never full"
    assert found.said["dropped"] == 0
    assert len(found.warnings("cannot write to")) == 1
    assert len(found.warnings("works again")) == 1
    journals_are_whole(small_disk / ".trackerlite")
    assert shown(small_disk) == list(range(found.said["steps"]))


@pytest.mark.privileged
def test_what_does_not_fit_is_counted(small_disk: Path) -> None:
    """With too little memory for what waits, the dropped rows are counted exactly, and told in the run."""
    code = FILL.format(backlog=2000, during=5000)
    found = run(small_disk.parent, code, env={"PLACE": str(small_disk)})
    assert found.status == 0, found.errors
    assert found.said["dropped"] > 1000
    journals_are_whole(small_disk / ".trackerlite")
    rows = shown(small_disk)
    assert rows == sorted(set(rows))
    assert set(found.said["acknowledged"]) <= set(rows)
    lost = found.said["steps"] - len(rows)
    assert 0 <= found.said["dropped"] - lost <= 3  # heartbeats and the like are counted, too
    with Reader.open(small_disk) as reader:
        assert reader.run("r").dropped == found.said["dropped"]
        assert reader.run("r").state == "finished"


@pytest.mark.privileged
def test_a_run_that_ends_on_a_full_disk(small_disk: Path) -> None:
    """The training ends well, what never found room is counted, and what was acknowledged is there."""
    code = FILL.format(backlog=8 << 20, during=3000)
    end = code[: code.index("os.unlink")] + code[code.index("run.finish") :]
    time_to_try = "time.sleep(2.5); log(100)\n"  # a new file is tried, and given up, once a second
    found = run(
        small_disk.parent,
        end.replace("run.finish", time_to_try + "run.finish"),
        env={"PLACE": str(small_disk)},
    )
    assert found.status == 0, found.errors
    assert "FileNotFound" not in found.errors
    assert "Traceback" not in found.errors
    lost = found.said["steps"] - len(found.said["acknowledged"])
    assert 0 <= found.said["dropped"] - lost <= 5  # heartbeats and the end are counted, too
    assert len(found.warnings("could not be written and are lost")) == 1
    judged = trackerlite("doctor", "--dir", str(small_disk))
    assert "disk is full" not in judged.stdout or "free some space" in judged.stdout
    (small_disk / "ballast").unlink()
    journals_are_whole(small_disk / ".trackerlite")
    assert shown(small_disk) == found.said["acknowledged"]


@pytest.mark.privileged
def test_pictures_that_find_no_room(tmp_path: Path, need: Need) -> None:
    """With no file left to make, the quota is told before, pictures are left out with a line a reason
    and a count, an artifact is whole or absent, and every number is kept."""
    need(os.geteuid() == 0, "root, for a small file system")
    place = tmp_path / "few"
    place.mkdir()
    options = "size=20m,nr_inodes=40"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=True)
    try:
        found = run(
            tmp_path,
            """
            import numpy as np
            run = tl.init(dir=os.environ["PLACE"], id="r")
            open("file", "wb").write(b"x" * 100_000)
            time.sleep(1)
            kept = os.environ["PLACE"] + "/%d"
            for number in range(os.statvfs(os.environ["PLACE"]).f_favail - 5):
                open(kept % number, "w").close()
            for step in range(20):
                run.log({"x": step, "picture": tl.Image(np.full((8, 8, 3), step, np.uint8)),
                         "table": tl.Table(columns=["a"], data=[[step]])}, step=step)
            made = run.log_artifact("file", name="a")
            run.finish()
            say(dropped=run.dropped)
            """,
            env={"PLACE": str(place)},
        )
        assert found.status == 0, found.errors
        [alarm] = found.warnings("almost full")
        assert "MiB and" in alarm
        assert "files more" in alarm
        assert 1 <= len(found.warnings("it was left out")) <= 3
        [count] = found.warnings("media files of run")
        assert int(count.split()[1]) > 20
        assert found.said == {"dropped": 0}
        for path in place.glob("[0-9]*"):
            path.unlink()
        assert shown(place) == list(range(20))
        assert list(verify(place / ".trackerlite")) == []
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.privileged
def test_a_run_that_begins_on_a_full_disk(small_disk: Path) -> None:
    """`init` on a full disk warns, and the training goes on unrecorded."""
    (small_disk / "ballast").write_bytes(b"")
    with open(small_disk / "ballast", "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    found = run(
        small_disk.parent,
        """
        run = tl.init(dir=os.environ["PLACE"], config={"lr": 1})
        for step in range(100):
            run.log({"x": 1.0})
        run.finish()
        say(lr=run.config.lr)
        """,
        env={"PLACE": str(small_disk)},
    )
    assert found.status == 0, found.errors
    assert found.said == {"lr": 1}
    assert found.errors.count("trackerlite:") >= 1
    assert "Traceback" not in found.errors


def test_a_folder_that_is_deleted(tmp_path: Path) -> None:
    """A run whose folder, or whole store, is deleted under it has all its rows again, and goes on."""
    code = """
import shutil
for number, what in enumerate(("runs/p/n-r0", "")):
    run = tl.init(dir=".", project="p", name="n", id=f"r{number}", config={"lr": 1})
    for step in range(300):
        run.log({"x": step})
        if step in (100, 200):
            shutil.rmtree(".trackerlite/" + what)
        if step == 150:
            run._writer.sync()  # as it does each second
    run.finish()
    found = tl.Api(".").run(f"r{number}")
    rows = found.metric("x")["step"].tolist() == list(range(300))
    say(**{found.id: [rows, found.name, found.state, dict(found.config)]})
"""
    end = run(tmp_path, code)
    whole = [True, "n", "finished", {"lr": 1}]
    assert end.said == {"r0": whole, "r1": whole}
    assert end.errors.count("was deleted while it is written; all of it is in") == 4


def test_a_file_size_limit(tmp_path: Path) -> None:
    """Under RLIMIT_FSIZE the journal goes on in further files: nothing is lost and the process is not killed."""
    found = run(
        tmp_path,
        """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
        run = tl.init(dir=".", id="r")
        done = 0
        for step in range(5000):
            done += run.log({"x": float(step)}, step=step)
            if step % 500 == 0:
                time.sleep(0.12)
        run.finish()
        say(done=done, dropped=run.dropped)
        """,
    )
    assert found.status == 0, found.errors
    assert found.said["dropped"] == 0
    assert "Traceback" not in found.errors
    assert len(list(tmp_path.rglob("events.out.tfevents.*"))) > 1
    journals_are_whole(tmp_path / ".trackerlite")
    assert shown(tmp_path) == list(range(5000))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (folder,) = (tmp_path / ".trackerlite" / "runs").glob("*/*")
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    assert [e.step for e in accumulator.Scalars("x")] == list(range(5000))


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that everybody may read and only we may write."""
    place = Path(tempfile.mkdtemp(prefix="trackerlite-"))
    place.chmod(0o755)
    yield place
    place.chmod(0o755)
    shutil.rmtree(place)


def train_once(folder: Path) -> None:
    """A whole run, so that everything it imports is there before rights are given up."""
    import trackerlite as tl

    with tl.init(dir=folder, id="before") as run:
        for step in range(100):
            run.log({"x": float(step)}, step=step)


def test_a_read_only_folder(readable: Path, tmp_path: Path) -> None:
    """Where nothing may be written the training goes on, with one warning that says what to do."""
    train_once(tmp_path / "warm")
    os.chmod(readable, 0o555)

    def train() -> None:
        import trackerlite as tl

        with tl.init(dir=readable, config={"lr": 1}) as run:
            for _ in range(10):
                run.log({"x": 1.0})
            assert run.config.lr == 1

    assert as_nobody(train, readable.parent / f"{readable.name}.err") == 0
    errors = (readable.parent / f"{readable.name}.err").read_text()
    (readable.parent / f"{readable.name}.err").unlink()
    assert errors.count("trackerlite: nothing can be recorded") == 1
    assert errors.count("$TRACKERLITE_DIR") == 1
    assert list(readable.iterdir()) == []


@pytest.mark.parametrize("words", ["ls", "artifacts", "doctor", "doctor --repair", "gc", "sql"])
def test_a_store_that_is_closed_to_us(words: str, readable: Path, tmp_path: Path) -> None:
    """Every verb says that it may not look into a store; none says that there is nothing in it."""
    from trackerlite.cli import main

    train_once(readable)
    main([*words.split(), "--dir", str(readable)])  # loads what it needs
    (readable / ".trackerlite").chmod(0o700 if os.geteuid() == 0 else 0)

    def look() -> None:
        assert main([*words.split(), "--dir", str(readable)]) == 1

    status = as_nobody(look, tmp_path / "errors")
    (readable / ".trackerlite").chmod(0o700)
    store = readable / ".trackerlite"
    errors = (tmp_path / "errors").read_text()
    assert (status, errors) == (0, f"The runs in {store} cannot be read: Permission denied.\n")


def test_a_demo_where_one_may_not_write(readable: Path, tmp_path: Path) -> None:
    """The demo says so in one sentence, before it trains anything."""
    import trackerlite.cli.demo  # noqa: F401 - loaded while it can be
    from trackerlite.cli import main

    train_once(readable)

    def show() -> None:
        assert main(["demo", "--no-tui", "--seconds", "1", "--dir", str(readable)]) == 1

    assert as_nobody(show, tmp_path / "errors") == 0, (tmp_path / "errors").read_text()
    sentence = f"Nothing can be recorded in {readable / '.trackerlite'}: you may not write there."
    assert (tmp_path / "errors").read_text() == f"{sentence} Name a place with --dir.\n"


@pytest.mark.parametrize("ended", ["finished", "killed"])
def test_a_store_that_one_may_only_read(
    ended: str, readable: Path, tmp_path: Path, nursery: Nursery
) -> None:
    """Somebody without the right to write reads every row of a store, whether its writer closed it or was killed."""
    train_once(readable)
    if ended == "killed":
        victim = nursery.start(
            role="record", store=str(readable), id="r", seed=1, first=0, count=10**6
        )
        victim.until_told()
        victim.listen(0.5)
        victim.kill()
        assert (readable / ".trackerlite" / "trackerlite.db-wal").exists()
    for path in (readable / ".trackerlite").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (readable / ".trackerlite").chmod(0o555)

    def look() -> None:
        os.environ["HOME"] = "/nonexistent"
        os.environ.pop("XDG_CACHE_HOME", None)
        with Reader.open(readable) as reader:
            info = reader.run("before")
            (series,) = reader.series([info.key])
            assert reader.points(series.key).value.tolist() == [float(n) for n in range(100)]
            assert info.state == "finished"
            if ended == "killed":
                verdict = Verdict()
                judge_run(verdict, readable / ".trackerlite", reader, [victim])
                assert not verdict.faults, verdict.faults
        if ended == "killed":
            shutil.rmtree(Path(tempfile.gettempdir()) / f"trackerlite-{os.getuid()}")

    errors = tmp_path / "errors"
    status = as_nobody(look, errors)
    for path in (readable / ".trackerlite", *(readable / ".trackerlite").rglob("*")):
        path.chmod(0o755)
    assert status == 0, errors.read_text()


def test_the_right_to_write_is_lost_meanwhile(readable: Path, tmp_path: Path) -> None:
    """A run whose folder becomes read-only goes on recording into the journal it has open."""
    train_once(tmp_path / "warm")
    readable.chmod(0o777)

    def train() -> None:
        import trackerlite as tl

        run = tl.init(dir=readable, id="r")
        for step in range(200):
            if step == 50:
                for path in (readable / ".trackerlite").rglob("*"):
                    path.chmod(0o555 if path.is_dir() else 0o444)
                (readable / ".trackerlite").chmod(0o555)
            assert run.log({"x": float(step)}, step=step)
        run.finish()

    errors = tmp_path / "errors"
    assert as_nobody(train, errors) == 0, errors.read_text()
    (readable / ".trackerlite").chmod(0o755)
    for path in (readable / ".trackerlite").rglob("*"):
        path.chmod(0o755)
    assert shown(readable) == list(range(200))
