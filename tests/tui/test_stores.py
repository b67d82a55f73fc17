"""Stores that one may only read, that are damaged, newer, empty, gone, or replaced meanwhile."""

from __future__ import annotations

import importlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import trackerlite_tui
from faults.nobody import as_nobody
from trackerlite.readers import Reader
from trackerlite.store.projector import Projector
from trackerlite_tui import feed as feeds
from trackerlite_tui.desk import Desk
from trackerlite_tui.effects import Nothing
from trackerlite_tui.feed import Feed
from trackerlite_tui.snapshot import Snapshot, Wants
from trackerlite_tui.state import State
from tui.conftest import LOOKS, record


class Screen:
    """The desk on a store, followed by its feed as in the app, without a terminal."""

    def __init__(self, store: Path, columns: int = 120, rows: int = 30, **state: Any) -> None:
        self._lock = threading.RLock()
        self.desk = Desk(State(**state), self, appearance=LOOKS["dark"], strict=True)
        self.desk.resize(columns, rows)
        self.feed = Feed(lambda: trackerlite_tui._open(str(store)), self._take, live=0.05)
        self.feed.start()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.feed if name == "refresh" else Nothing(), name)

    def want(self, wants: Wants) -> None:
        """As the app does it."""
        if "feed" in vars(self):
            self.feed.want(wants)

    def do(self, job: Any, done: Any) -> None:
        """Edits, in the feed's thread."""
        self.feed.do(job, done)

    def _take(self, snapshot: Snapshot) -> None:
        with self._lock:
            self.desk.take(snapshot)
            self.desk.paint()
            self.desk.ask()

    def text(self) -> str:
        """What is on the screen."""
        with self._lock:
            return "\n".join("".join(t for t, _ in row) for row in self.desk.paint())

    def shows(self, *wanted: str, seconds: float = 20.0) -> str:
        """The screen once it has all of these."""
        end = time.monotonic() + seconds
        while not all(word in (text := self.text()) for word in wanted):
            assert time.monotonic() < end, f"{wanted} did not appear:\n{text}"
            time.sleep(0.02)
        return text

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        self.feed.stop(5)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that others can reach, and read as far as a test lets them."""
    place = Path(tempfile.mkdtemp(prefix="trackerlite-"))
    place.chmod(0o755)
    yield place
    for path in (place, *place.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(place)


def only_read(folder: Path) -> None:
    """Take everybody's right to write, the owner's too."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Runs something as somebody who may not write and has no home; what it imports is loaded before."""
    record(tmp_path / "warm", 0, steps=20)
    importlib.import_module("pickle")  # as NumPy does now and then
    with Screen(tmp_path / "warm") as screen:
        _last_values(screen)

    def run(look: Callable[[], None]) -> None:
        def alone() -> None:
            os.environ["HOME"] = "/nonexistent"
            os.environ.pop("XDG_CACHE_HOME", None)
            try:
                look()
            finally:
                place = Path(tempfile.gettempdir()) / f"trackerlite-{os.getuid()}"
                shutil.rmtree(place, ignore_errors=True)

        assert as_nobody(alone, tmp_path / "errors") == 0, (tmp_path / "errors").read_text()

    return run


@pytest.mark.parametrize("beside", [True, False], ids=["with-a-wal", "closed"])
def test_a_store_that_one_may_only_read(
    open_to_all: Path, another: Callable[..., None], beside: bool
) -> None:
    """Its runs are there for another user, also where somebody who reads it left files beside the database."""
    record(open_to_all, 0, steps=20)
    if beside:
        with Reader.open(open_to_all, refresh=False):
            pass
    assert (open_to_all / ".trackerlite" / "trackerlite.db-wal").exists() is beside
    only_read(open_to_all)

    def look() -> None:
        with Screen(open_to_all) as screen:
            screen.shows("run-0", "1 run", "val/loss")
            time.sleep(1.5)  # by then it has looked for newer rows, of which there are none
            assert screen.desk.notice is None

    another(look)


def test_a_change_in_a_store_that_one_may_only_read(
    open_to_all: Path, another: Callable[..., None]
) -> None:
    """An edit says in a sentence that it was not done, and nothing is undone by u."""
    record(open_to_all, 0, steps=20)
    only_read(open_to_all)

    def look() -> None:
        with Screen(open_to_all) as screen:
            screen.shows("run-0")
            for key in ("T", "x", "enter"):
                screen.desk.key(key, key)
            text = screen.shows(" The change could not be saved in ", "nothing was changed")
            assert "Errno" not in text
            screen.desk.key("u")
            screen.shows("nothing to undo")

    another(look)


_TRAINEE = """
import sys, trackerlite
sys.stdin.readline()
run = trackerlite.init(project="scanner", name="newborn", dir=sys.argv[1])
for step in range(30):
    run.log({"train/loss": 1.0}, step=step)
sys.stdin.readline()
run.log({"train/loss": 1.0}, step=4321)
sys.stdin.readline()
run.finish()
"""


def test_another_user_sees_a_run_begin_grow_and_end(
    open_to_all: Path, another: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opened a store that nobody wrote, and may only read it, follows whoever begins to train there."""
    monkeypatch.setattr(feeds, "_ALONE", 0.2)
    monkeypatch.setattr(feeds, "_BEHIND", 0.2)
    record(open_to_all, 0, steps=20)
    (open_to_all / ".trackerlite").chmod(0o755)
    trainee = subprocess.Popen(
        [sys.executable, "-c", _TRAINEE, str(open_to_all)], stdin=subprocess.PIPE
    )
    assert trainee.stdin is not None
    tell = trainee.stdin.fileno()

    def look() -> None:
        with Screen(open_to_all) as screen:
            screen.shows("run-0", "no run is live")
            os.write(tell, b"begin\n")
            screen.shows("newborn", "1 live", " 29 ", "val/loss")
            os.write(tell, b"more\n")
            screen.shows("4,321")
            os.write(tell, b"end\n")
            screen.shows("no run is live", "2 runs")

    try:
        another(look)
    finally:
        trainee.stdin.close()
        assert trainee.wait(30) == 0


def test_a_deleted_database_comes_back(tmp_path: Path) -> None:
    """The runs of a store without a database are shown without a word: the journals have them."""
    record(tmp_path, 0, steps=20)
    for path in (tmp_path / ".trackerlite").glob("trackerlite.db*"):
        path.unlink()
    with Screen(tmp_path) as screen:
        screen.shows("run-0", "1 run")


def test_a_replaced_database_gives_each_run_its_own_curve(tmp_path: Path) -> None:
    """In a rebuilt database the runs have other keys: nothing is shown that was read by the old ones."""
    for index in range(3):
        record(tmp_path, index, steps=20)
    store = tmp_path / ".trackerlite"
    with Screen(tmp_path, screen="charts") as screen:
        screen.shows("run-0", "run-2")
        before = _last_values(screen)
        keys = {run.name: run.key for run in screen.desk.snapshot.runs}
        projector = Projector(store, database=tmp_path / "fresh.db")
        for run in sorted(screen.desk.snapshot.runs, key=lambda run: -run.key):
            projector.project_run(run.folder)
        projector.close()
        for path in store.glob("trackerlite.db-*"):
            path.unlink()
        (tmp_path / "fresh.db").replace(store / "trackerlite.db")
        _until(lambda: {run.name: run.key for run in screen.desk.snapshot.runs} != keys)
        assert _last_values(screen) == before


def _last_values(screen: Screen) -> dict[tuple[str, str], float]:
    """The end of every curve on the screen, once all of them are there, by the run's name."""

    def complete() -> bool:
        wanted = set(screen.desk.screen.wants().curves)
        return bool(wanted) and wanted == set(screen.desk.snapshot.curves)

    _until(complete)
    names = {run.key: run.name for run in screen.desk.snapshot.runs}
    curves = screen.desk.snapshot.curves
    return {(names[key], metric): float(curve.y[-1]) for (key, _, metric), curve in curves.items()}


def _until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def _newer(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 999")
    connection.commit()
    connection.close()


def _no_database(database: Path) -> None:
    database.write_bytes(b"not a database" * 1000)


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (_newer, "was written by a newer trackerlite"),
        (_no_database, "is damaged or no database"),
        (lambda database: shutil.rmtree(database.parent), "There is no store at"),
    ],
    ids=["newer", "damaged", "gone"],
)
@pytest.mark.parametrize("columns", [120, 40])
def test_a_store_that_cannot_be_shown_says_so_once(
    tmp_path: Path, harm: Callable[[Path], None], sentence: str, columns: int
) -> None:
    """One sentence in the middle; the header claims nothing, and the keys stay where they are."""
    record(tmp_path, 0, steps=5)
    for path in (tmp_path / ".trackerlite").glob("trackerlite.db-*"):
        path.unlink()
    harm(tmp_path / ".trackerlite" / "trackerlite.db")
    with Screen(tmp_path, columns) as screen:
        _until(lambda: bool(screen.desk.snapshot.problem))
        text = screen.text()
        assert sentence in " ".join(text.replace("\n", " ").split())
        assert text.count("trackerlite.") <= 3
        assert "live" not in text
        assert "q quit" in text.splitlines()[-1]


def test_a_store_that_is_harmed_meanwhile(tmp_path: Path) -> None:
    """What was read stays, with the time it is from; the reason is told whole below, until it is mended."""
    record(tmp_path, 0, steps=20)
    store = tmp_path / ".trackerlite"
    with Screen(tmp_path, 80) as screen:
        screen.shows("run-0", "no run is live")
        shutil.move(store, tmp_path / "elsewhere")
        text = screen.shows("There is no store at", "or name a store with --dir.", "run-0")
        assert "as it was at" in text.splitlines()[0]
        assert "live" not in text
        shutil.move(tmp_path / "elsewhere", store)
        text = screen.shows("no run is live")
        assert "There is no store" not in text


def test_pages_that_are_damaged_are_told_in_a_sentence(tmp_path: Path) -> None:
    """Where only some pages are harmed the runs are listed, and the sentence says how to mend it."""
    record(tmp_path, 0, steps=5000)
    store = tmp_path / ".trackerlite"
    for path in store.glob("trackerlite.db-*"):
        path.unlink()
    data = bytearray((store / "trackerlite.db").read_bytes())
    for start in range(len(data) // 2 // 4096 * 4096, len(data), 4096):
        data[start : start + 3000] = b"\xa5" * 3000
    (store / "trackerlite.db").write_bytes(data)
    with Screen(tmp_path) as screen:
        screen.shows("run-0", "it cannot be read", "malformed", "doctor --repair`")
        assert "loading" not in screen.shows("it cannot be read")


def test_what_was_left_unread_is_read_when_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going away and back while curves load leaves none of them out."""
    record(tmp_path, 0, steps=20)
    moved = Feed._moved
    left: list[int] = []

    def once(self: Feed, wants: Wants) -> bool:
        left.append(1)
        return len(left) == 1 or moved(self, wants)

    monkeypatch.setattr(Feed, "_moved", once)
    with Screen(tmp_path, screen="charts") as screen:
        assert len(_last_values(screen)) == 2


def test_a_notice_is_gone_with_the_screen_it_was_about(tmp_path: Path) -> None:
    """On another screen the footer has its keys again."""
    record(tmp_path, 0, steps=5)
    with Screen(tmp_path) as screen:
        screen.shows("run-0")
        screen.desk.notify("something about this screen")
        screen.shows("something about this screen")
        screen.desk.key("2")
        assert "something about this screen" not in screen.text()
