"""The store's lock: one holder at a time among threads and processes, and gone with its holder."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from trackerlite.errors import StoreBusy
from trackerlite.store.lock import store_lock


def test_threads_take_turns(tmp_path: Path) -> None:
    """Of many threads that want the lock, one at a time has it."""
    inside = most = 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with store_lock(tmp_path, timeout=30):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0002)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_processes_take_turns(tmp_path: Path) -> None:
    """A counter in a file, read and written under the lock by several processes, misses no step."""
    (tmp_path / "count").write_text("0")
    pids = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for _ in range(50):
                    with store_lock(tmp_path, timeout=30):
                        value = int((tmp_path / "count").read_text())
                        (tmp_path / "count").write_text(str(value + 1))
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    assert (tmp_path / "count").read_text() == "200"


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    """The lock of a process that was killed is free at once."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        with store_lock(tmp_path):
            os.write(writing, b"!")
            time.sleep(60)
        os._exit(0)
    os.read(reading, 1)
    with (
        pytest.raises(StoreBusy, match="recording into their journals"),
        store_lock(tmp_path, timeout=0.05),
    ):
        pass
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    began = time.monotonic()
    with store_lock(tmp_path, timeout=10):
        assert time.monotonic() - began < 1


def test_a_child_does_not_inherit_it(tmp_path: Path) -> None:
    """A child forked while the lock is held neither holds it after its parent let go nor lets it go for it."""
    with store_lock(tmp_path):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(writing)
            os.read(reading, 1)  # until the parent dies or says so
            os._exit(0)
        os.close(reading)
        other = os.fork()
        if other == 0:
            status = 1
            try:
                with store_lock(tmp_path, timeout=0.05):
                    pass
            except StoreBusy:
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(other, 0)[1] == 0
    with store_lock(tmp_path, timeout=1):
        pass
    os.close(writing)
    os.waitpid(pid, 0)


def test_every_write_is_under_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every statement that writes, every checkpoint and every last close of a real training happens under the lock."""
    import trackerlite as tl
    from trackerlite.readers import Reader
    from trackerlite.store import connect, lock

    outside: list[str] = []

    def held() -> bool:
        return bool(lock._held)

    class Watched(connect.Connection):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]
            self.set_trace_callback(self._note)

        def _note(self, statement: str) -> None:
            first = statement.split()[0].upper() if statement.split() else ""
            reads = first in ("SELECT", "PRAGMA", "--") and "journal_mode" not in statement
            if not reads and not held() and not self._readonly():
                outside.append(statement)

        def _readonly(self) -> bool:
            return "mode=ro" in str(self.name)

        name = ""

        def close(self) -> None:
            if not held() and not self.reading:
                outside.append("close")
            super().close()

        reading = False

    real = sqlite3.connect

    def connecting(path: object, **kwargs: object) -> sqlite3.Connection:
        found = real(path, **{**kwargs, "factory": Watched})  # type: ignore[call-overload]
        found.name, found.reading = str(path), "mode=ro" in str(path)
        return found

    monkeypatch.setattr(connect.sqlite3, "connect", connecting)
    with tl.init(dir=tmp_path) as run:
        for step in range(500):
            run.log({"x": float(step)}, step=step)
        time.sleep(0.4)
        run.config["late"] = 1
        with Reader.open(tmp_path) as reader:
            reader.refresh()
    assert outside == []
