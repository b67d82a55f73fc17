"""Journals made by hand, for the tests that need to know every byte."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trackerlite.journal import events
from trackerlite.journal.framing import frame
from trackerlite.journal.reader import Damage, End, JournalReader
from trackerlite.journal.scalars import encode_slowly

#: where throw-away stores go: in memory, where the machine offers that
SHM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
NAME = "events.out.tfevents.0000000001.host.1.aaaa"


def read_all(path: Path) -> tuple[list[bytes], End, list[Damage]]:
    """Payloads, why reading ended, and the damage met."""
    reader = JournalReader(path)
    payloads = [payload for _, payload in reader.read()]
    return payloads, reader.end, reader.damage


def bounds(payloads: Iterable[bytes]) -> list[tuple[int, int]]:
    """Where each payload's record begins and ends in a file of nothing else."""
    found, at = [], 0
    for payload in payloads:
        found.append((at, at + len(payload) + 16))
        at = found[-1][1]
    return found


def said(time: float, at: int = 0, /, **record: Any) -> bytes:
    """A record as a frame."""
    return frame(events.event(time, at, events.record(record)))


def row(time: float, step: int, numbers: dict[str, Any], *others: bytes) -> bytes:
    """A row of numbers as a frame."""
    return frame(encode_slowly(numbers, others, step, time))


def start(**more: Any) -> bytes:
    """How every run's journal begins."""
    about = {
        "id": "r1",
        "project": "p",
        "name": "first",
        "started": 1.0,
        "host": "elsewhere",
        **more,
    }
    return frame(events.version_event(1.0)) + said(1.0, t="run", **about)


def run_of(store: Path, data: bytes, name: str = "first-r1", journal: str = NAME) -> Path:
    """A run folder whose journal holds `data`."""
    folder = store / "runs" / "p" / name
    (folder / journal).parent.mkdir(parents=True, exist_ok=True)
    (folder / journal).write_bytes(data)
    return folder
