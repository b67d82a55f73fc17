"""Which journals a store holds, found by looking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EDITS_FILE = "edits.tfrecord"


@dataclass(frozen=True, slots=True)
class JournalFile:
    """One journal: its path, and the lane of the run it belongs to."""

    path: Path
    lane: str


def run_folders(store: Path) -> Iterator[Path]:
    """Every folder `runs/<project>/<run>` of the store, in a stable order."""
    root = store / "runs"
    for project in _folders(root):
        yield from _folders(project)


def journals_of(folder: Path) -> list[JournalFile]:
    """The journals of a run, each lane's in the order they were written; edits last."""
    found = list(_lane(folder, "", depth=0))
    if (folder / EDITS_FILE).is_file():
        found.append(JournalFile(folder / EDITS_FILE, "edits"))
    return found


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


def _folders(root: Path) -> list[Path]:
    try:
        with os.scandir(root) as entries:
            return [
                Path(e.path)
                for e in sorted(entries, key=lambda e: e.name)
                if e.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []
