"""Which journals a store holds, found by looking."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

EDITS_FILE = "edits.tfrecord"


class JournalFile(NamedTuple):
    """One journal: its path, and the lane of the run it belongs to."""

    path: Path
    lane: str


def run_folders(store: Path) -> Iterator[Path]:
    """Every folder `runs/<project>/<run>` of the store, in a stable order."""
    return (store / name for name in run_names(store))


def run_names(store: Path) -> Iterator[str]:
    """`runs/<project>/<run>` for every run of the store: texts, as a path costs more than its stat."""
    for project in _folders(store / "runs"):
        for run in _folders(store / "runs" / project):
            yield f"runs/{project}/{run}"


def journals_of(folder: Path) -> list[JournalFile]:
    """The journals of a run, each lane's in the order they were written; edits last."""
    found = list(_lane(folder, "", depth=0))
    if (folder / EDITS_FILE).is_file():
        found.append(JournalFile(folder / EDITS_FILE, "edits"))
    return found


def changed_at(folder: str | Path) -> int:
    """When a file last came or went in a run's folder or its lanes, in ns; 0: too lately to tell."""
    try:
        status = os.stat(folder)
        latest = status.st_mtime_ns
        if status.st_nlink != 2:  # it has folders in it
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(("rank-", "fork-")):
                        latest = max(latest, entry.stat().st_mtime_ns)
    except OSError:
        return 0
    # Clocks of file systems tick every few ms: a change within the same tick must not be missed.
    return latest if time.time_ns() - latest > 100_000_000 else 0


def _lane(folder: Path, lane: str, depth: int) -> Iterator[JournalFile]:
    files, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    continue
                if entry.is_dir():
                    if entry.name.startswith(("rank-", "fork-")):
                        folders.append(entry.name)
                elif ".tfevents." in entry.name and entry.is_file():
                    files.append(entry.name)
    except OSError:
        return
    for name in sorted(files):
        yield JournalFile(folder / name, lane)
    if depth < 3:
        for name in sorted(folders):
            yield from _lane(folder / name, f"{lane}/{name}" if lane else name, depth + 1)


def _folders(root: Path) -> list[str]:
    try:
        with os.scandir(root) as entries:
            return sorted(e.name for e in entries if e.is_dir(follow_symlinks=False))
    except OSError:
        return []
