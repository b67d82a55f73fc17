"""The power cut: what was on the disk is there again, whole and in order; what was not is a known short while.

A file system of its own on a loop device is shut down as if the current had failed (ext4's own
ioctl, without flushing its log): everything in the page cache is lost, then it is mounted again.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.checker import integrity
from faults.nursery import Nursery, Victim
from trackerlite.journal.reader import JournalReader
from trackerlite.journal.scalars import Decoder
from trackerlite.journal.writer import SYNC_EVERY
from trackerlite.readers import Reader

Need = Callable[[object, str], None]
SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2
#: how long a sync may take on a busy machine; it begins once a second, and covers what came before
BUSY = 1.5


class Disk:
    """An ext4 file system whose current can be cut."""

    def __init__(self, image: Path, place: Path) -> None:
        self.image, self.place = image, place

    def mount(self) -> subprocess.CompletedProcess[bytes]:
        return _run("mount", "-o", "loop", str(self.image), str(self.place))

    def unmount(self) -> None:
        for _ in range(100):
            if _run("umount", str(self.place)).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"{self.place} is still in use")

    def cut(self) -> None:
        """From here on nothing reaches the disk any more."""
        fd = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, check=False)


@pytest.fixture
def disk(tmp_path: Path, need: Need, full: bool) -> Iterator[Disk]:
    """Ext4 on a loop device, with room for every run of the trial."""
    need(os.geteuid() == 0, "root, for a file system of its own")
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with open(image, "wb") as file:
        file.truncate(8 << 30 if full else 256 << 20)
    made = _run("mkfs.ext4", "-q", "-F", str(image))
    need(made.returncode == 0, f"mkfs.ext4 ({made.stderr.decode().strip()})")
    found = Disk(image, place)
    mounted = found.mount()
    need(mounted.returncode == 0, f"a loop device ({mounted.stderr.decode().strip()})")
    yield found
    _run("umount", "-l", str(place))


def cut_while_logging(
    nursery: Nursery, disk: Disk, number: int, seconds: float, durable: bool
) -> tuple[list[float], float]:
    """Cut the current after `seconds` of logging: when each row was acknowledged, and when it was cut.

    What is told while the file system goes down does not count: a real cut takes the process too,
    and a sync that is under way then may return well without having written (jbd2 lets one pass
    whose transaction an abort has just ended).
    """
    victim: Victim = nursery.start(
        role="count",
        store=str(disk.place),
        id=f"run{number}",
        durable=durable,
        boot="before the cut",
    )
    victim.until_told()
    heard: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        victim.listen(0.01)
        heard += [time.monotonic()] * (len(victim.acknowledged) - len(heard))
    cut = time.monotonic()
    disk.cut()
    victim.kill()
    disk.unmount()
    assert disk.mount().returncode == 0
    return heard, cut


def rows_of(store: Path, number: int) -> list[int]:
    """The steps a journal holds: whole, in order, without a gap, each with its value."""
    steps: list[int] = []
    for path in sorted(store.glob(f"runs/*/*-run{number}/events.out.tfevents.*")):
        reader, decoder = JournalReader(path), Decoder()
        events = [decoder.decode(payload) for _, payload in reader.read()]
        assert all(damage.stop == path.stat().st_size for damage in reader.damage)
        for event in events:
            if event.keys:
                assert event.numbers == (float(event.step), event.step * 7)
                steps.append(event.step)
    assert steps == list(range(len(steps)))
    return steps


def shown(store: Path, number: int) -> list[int]:
    """The steps that a reader shows of a run, from a sound database."""
    with Reader.open(store) as reader:
        keys = [info.key for info in reader.runs() if info.id == f"run{number}"]
        series = [s for s in reader.series(keys) if s.name == "x"] if keys else []
        points = [reader.points(s.key) for s in series]
    assert integrity(store / "trackerlite.db") == "ok"
    return [int(step) for some in points for step in some.step]


@pytest.mark.privileged
def test_durable_loses_nothing(nursery: Nursery, disk: Disk, full: bool) -> None:
    """With `durable=True` every row that log() returned from survives a power cut."""
    told = 0
    for number in range(100 if full else 3):
        heard, _ = cut_while_logging(nursery, disk, number, 0.1 + number % 7 / 10, durable=True)
        store = disk.place / ".trackerlite"
        steps = rows_of(store, number)
        assert len(steps) >= len(heard), f"{len(heard) - len(steps)} acknowledged rows are lost"
        assert shown(store, number) == steps
        told += len(heard)
    assert told > 0
    print(f"{told} acknowledged rows, none lost")


@pytest.mark.privileged
def test_at_most_the_last_second_is_lost(nursery: Nursery, disk: Disk, full: bool) -> None:
    """By default a power cut takes the last second, never the database's soundness, never a row in the middle."""
    lost, longest, told = 0, 0.0, 0
    for number in range(100 if full else 3):
        heard, cut = cut_while_logging(nursery, disk, number, 1.6 + number % 5 / 4, durable=False)
        store = disk.place / ".trackerlite"
        steps = rows_of(store, number)
        assert shown(store, number) == steps
        told += len(heard)
        if len(steps) < len(heard):
            lost += len(heard) - len(steps)
            longest = max(longest, cut - heard[len(steps)])
    print(f"{lost} of {told} acknowledged rows lost, the oldest {longest:.2f} s before the cut")
    assert longest <= SYNC_EVERY + BUSY
    assert lost > 0, "no cut was ever felt: the trial proves nothing"
