"""The writer when the system fails it: at the n-th call, for every n, nothing acknowledged is lost and every drop is counted."""

from __future__ import annotations

import errno
import itertools
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trackerlite.errors import JournalError
from trackerlite.journal import events, writer
from trackerlite.journal.files import is_being_written
from trackerlite.journal.framing import frame
from trackerlite.journal.reader import End
from trackerlite.journal.scalars import Decoder, encode_slowly
from trackerlite.journal.writer import JournalWriter
from unit.journals import SHM, read_all

ROWS = 40


class Failing:
    """Makes the system calls of the writer fail, from the n-th on, for so many."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        how: str,
        first: int,
        count: int,
        calls: tuple[str, ...],
        chance: random.Random | None = None,
    ):
        self.chance = chance
        self.how, self.first, self.last, self.seen, self.failed = how, first, first + count, 0, 0
        for name in calls:
            monkeypatch.setattr(writer.os, name, self._wrapped(name, getattr(os, name)))
        ticks = itertools.count()
        monkeypatch.setattr(writer.time, "monotonic", lambda: 10.0 * next(ticks))

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return real(*args, **kwargs)
            self.seen += 1
            if self.chance is not None:
                fails = self.chance.random() < 0.5 and self.seen < self.last
            else:
                fails = self.first <= self.seen < self.last
            if not fails:
                return real(*args, **kwargs)
            self.failed += 1
            if name == "write" and self.how in ("short", "half"):
                fd, data = args
                done = real(fd, bytes(data)[: max(1, len(data) // 2)])
                if self.how == "short":
                    return done
            raise OSError(errno.EIO if self.how == "error" else errno.ENOSPC, "made to fail")

        return call


def row(number: int) -> bytes:
    return frame(encode_slowly({"x": float(number)}, (), number, 1.0))


def read_back(folder: Path) -> tuple[list[int], int]:
    """The rows of a folder's journals in order, and what they say was dropped."""
    rows, dropped = [], 0
    for path in sorted(folder.glob("events.out.tfevents.*")):
        payloads, end, damage = read_all(path)
        assert damage == []
        assert end in (End.CLEAN, End.TORN)
        for payload in payloads:
            event = Decoder().decode(payload)
            if event.keys:
                assert event.numbers == (float(event.step),)
                rows.append(event.step)
            elif event.record and event.record["t"] == "dropped":
                dropped += event.record["count"]
    return rows, dropped


@pytest.mark.parametrize("backlog", [1 << 20, 200])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("how", ["error", "short", "half"])
def test_a_call_that_fails(
    how: str, count: int, backlog: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writes, truncations and creations that fail from the n-th call on: for every n all is kept or counted."""
    monkeypatch.setattr(writer, "BACKLOG_BYTES", backlog)
    monkeypatch.setattr(writer, "tell", lambda message: None)
    monkeypatch.setattr(writer.JournalWriter, "_start_timer", lambda self: None)
    base = Path(SHM or tmp_path)
    for first in itertools.count(1):
        folder = base / f"{tmp_path.name}-{os.getpid()}-{first}"
        with monkeypatch.context() as patch:
            failing = Failing(patch, how, first, count, ("write", "ftruncate", "open"))
            try:
                some = JournalWriter(folder)
            except JournalError:
                assert first <= 2
                assert list(folder.glob("events*")) == [] or read_back(folder) == ([], 0)
                remove(folder)
                continue
            acknowledged = [n for n in range(ROWS) if some.append(row(n))]
            some.close()
        rows, told = read_back(folder)
        where = f"{how} x{count} from call {first}"
        assert rows == sorted(set(rows)), where
        assert set(acknowledged) <= set(rows), where
        assert len(rows) + some.dropped == ROWS, (where, rows, some.dropped)
        assert told <= some.dropped, where
        remove(folder)
        if failing.failed == 0:
            break
    assert first > ROWS


def remove(folder: Path) -> None:
    for path in folder.glob("*"):
        path.unlink()
    if folder.exists():
        folder.rmdir()


@pytest.mark.parametrize("how", ["error", "short", "half"])
def test_calls_that_fail_at_random(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chance: random.Random, full: bool
) -> None:
    """Every second call failing, at random: what was taken is kept in order, and the rest counted to the row."""
    monkeypatch.setattr(writer, "tell", lambda message: None)
    monkeypatch.setattr(writer.JournalWriter, "_start_timer", lambda self: None)
    for trial in range(5_000 if full else 100):
        seed = chance.randrange(2**32)
        folder = Path(SHM or tmp_path) / f"{tmp_path.name}-{os.getpid()}-{trial}"
        with monkeypatch.context() as patch:
            patch.setattr(writer, "BACKLOG_BYTES", chance.choice([0, 150, 1000, 1 << 20]))
            last = chance.choice([60, 150, 10**9])
            wild = random.Random(seed)
            Failing(patch, how, 0, last, ("write", "ftruncate", "open", "fdatasync"), wild)
            try:
                some = JournalWriter(folder)
            except JournalError:
                remove(folder)
                continue
            acknowledged = [n for n in range(ROWS) if some.append(row(n))]
            some.close()
        rows, told = read_back(folder)
        assert rows == sorted(set(rows)), seed
        assert set(acknowledged) <= set(rows), seed
        assert len(rows) + some.dropped == ROWS, (seed, rows, acknowledged, some.dropped)
        assert told <= some.dropped, seed
        remove(folder)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_sync_that_fails(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a sync that failed nothing more goes into that file, no acknowledged row is lost, none is doubled."""
    monkeypatch.setattr(writer, "tell", lambda message: None)
    for first in range(1, 12):
        folder = tmp_path / str(first)
        with monkeypatch.context() as patch:
            failing = Failing(patch, "error", first, count, ("fdatasync",))
            some = JournalWriter(folder, durable=True)
            acknowledged = [n for n in range(10) if some.append(row(n))]
            some.close()
        rows, _ = read_back(folder)
        assert failing.failed > 0
        assert rows == sorted(set(rows))
        assert set(acknowledged) <= set(rows)
        assert len(acknowledged) >= 10 - count
        assert len(list(folder.glob("events*"))) > 1 or first > 10


def test_one_write_for_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is one write of the whole record, at once: nothing waits in the process."""
    seen: list[int] = []
    real = os.write
    monkeypatch.setattr(
        writer.os, "write", lambda fd, data: seen.append(len(data)) or real(fd, data)
    )
    some = JournalWriter(tmp_path)
    before = some.path.stat().st_size
    for number in range(10):
        assert some.append(row(number))
        assert some.path.stat().st_size == before + (number + 1) * len(row(0))
    assert seen[1:] == [len(row(0))] * 10
    some.close()


def test_a_closed_writer_counts(tmp_path: Path) -> None:
    """What comes after close is refused and counted."""
    some = JournalWriter(tmp_path)
    some.append(row(0))
    some.close()
    assert not some.append(row(1))
    some.close()
    assert read_back(tmp_path)[0] == [0]


def test_a_file_that_somebody_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that closes all files gets no error from a sync, and the next row goes into a new file."""
    monkeypatch.setattr(writer, "tell", lambda message: None)
    some = JournalWriter(tmp_path)
    assert some.append(row(0))
    os.close(some._fd)
    some.sync()
    some.append(row(1))
    some.close()
    assert read_back(tmp_path)[0] == [0, 1]


def test_names_sort_in_the_order_of_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later journal sorts behind earlier ones, also when the clock went back, and no two share a name."""
    order = []
    for now in (1e9, 2e9, 1e9, 5.0, 2e9):
        monkeypatch.setattr(writer.time, "time", lambda now=now: now)
        some = JournalWriter(tmp_path)
        order.append(some.path.name)
        some.close()
    assert order == sorted(order)
    assert len(set(order)) == 5


def test_a_planted_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that stands where a journal would be made is left alone, and another name is taken."""
    (tmp_path / "precious").write_text("x")
    folder = tmp_path / "run"
    folder.mkdir()
    real, planted = os.open, []

    def opening(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if not planted and "tfevents" in str(path):
            planted.append(Path(path))
            planted[0].symlink_to(tmp_path / "precious")
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(writer.os, "open", opening)
    some = JournalWriter(folder)
    assert some.append(row(0))
    some.close()
    assert (tmp_path / "precious").read_text() == "x"
    assert some.path != planted[0]


def test_who_writes_is_known(tmp_path: Path) -> None:
    """A journal is "being written" from its first moment to the end of its writer, and asking never disturbs it."""
    stop = threading.Event()
    asked = 0

    def ask() -> None:
        nonlocal asked
        while not stop.is_set():
            for path in tmp_path.glob("events*"):
                is_being_written(path)
                asked += 1

    thread = threading.Thread(target=ask)
    thread.start()
    for _ in range(200):
        some = JournalWriter(tmp_path)
        assert is_being_written(some.path)
        some.close()
        assert not is_being_written(some.path)
        some.path.unlink()
    stop.set()
    thread.join()
    assert asked > 0


def test_the_timer_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written is synced to disk within about a second, without any further call."""
    synced = threading.Event()
    real = os.fdatasync
    monkeypatch.setattr(writer.os, "fdatasync", lambda fd: (synced.set(), real(fd))[1])
    some = JournalWriter(tmp_path)
    some.append(row(0))
    began = time.monotonic()
    assert synced.wait(10)
    assert time.monotonic() - began < 5
    some.close()


def test_the_first_event_is_the_version(tmp_path: Path) -> None:
    """Every journal begins with the version that TensorBoard expects."""
    some = JournalWriter(tmp_path)
    some.close()
    payloads, _, _ = read_all(some.path)
    assert events.VERSION in payloads[0]
