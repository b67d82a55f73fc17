"""Where a run's files are, and how an earlier run is found again by its id."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from trackerlite import paths
from trackerlite.journal.files import is_being_written
from trackerlite.journal.reader import JournalReader
from trackerlite.journal.scalars import Decoder

_FIRST_BYTES = 1 << 16


class Earlier(NamedTuple):
    """A run that is already there: its folder, and its first record."""

    folder: Path
    record: dict[str, Any]

    def is_finished(self) -> bool:
        """Whether its latest journal ends in the record of a run that came to its own end."""
        last = last_record(self.folder)
        return last is not None and last.get("t") == "finish" and last.get("state") == "finished"

    def is_being_written(self) -> bool:
        """Whether a living process writes its primary lane."""
        return any(is_being_written(path) for path in lane_journals(self.folder))


def project_folder(store: Path, project: str) -> Path:
    """The folder that holds the runs of `project`."""
    return store / "runs" / paths.safe_name(project)


def run_folder(store: Path, project: str, name: str, run_id: str) -> Path:
    """The folder of a new run."""
    return project_folder(store, project) / f"{paths.safe_name(name, limit=48)}-{run_id}"


def prepare(store: Path) -> None:
    """Make the store's folder, ignored by git.

    Raises:
        OSError: it cannot be made.
    """
    (store / "runs").mkdir(parents=True, exist_ok=True)
    ignore = store / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def find(store: Path, project: str, run_id: str) -> Earlier | None:
    """The run of that id in that project, or None."""
    root = project_folder(store, project)
    try:
        names = [name for name in os.listdir(root) if name.endswith(run_id)]
    except OSError:
        return None
    for name in sorted(names):
        record = first_record(root / name)
        if record is not None and record.get("id") == run_id:
            return Earlier(root / name, record)
    return None


def newest(store: Path, project: str, limit: int = 64) -> Iterator[Earlier]:
    """The latest runs of a project, newest first."""
    root = project_folder(store, project)
    try:
        with os.scandir(root) as entries:
            folders = [
                (e.stat().st_mtime_ns, e.path) for e in entries if e.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return
    for _, path in sorted(folders, reverse=True)[:limit]:
        record = first_record(Path(path))
        if record is not None:
            yield Earlier(Path(path), record)


def lane_journals(folder: Path) -> list[Path]:
    """The journals that lie directly in `folder`, oldest first."""
    try:
        return sorted(
            folder / n for n in os.listdir(folder) if n.startswith("events.out.tfevents.")
        )
    except OSError:
        return []


def first_record(folder: Path) -> dict[str, Any] | None:
    """The run record that a run's first journal begins with."""
    decoder = Decoder()
    for path in lane_journals(folder):
        try:
            for _, payload in JournalReader(path).read(limit=_FIRST_BYTES):
                record = decoder.decode(payload).record
                if record is not None and record["t"] == "run":
                    return record
        except (OSError, ValueError):
            continue
    return None


def last_record(folder: Path) -> dict[str, Any] | None:
    """The last record that is no metric in a run's latest journal, read from its tail."""
    for path in reversed(lane_journals(folder)):
        try:
            size = path.stat().st_size
            reader = JournalReader(path, max(0, size - _FIRST_BYTES))
            found = None
            for _, payload in reader.read():  # starts inside a record: the reader finds the next
                record = Decoder().decode(payload).record
                found = record if record is not None else None
            if found is not None or size > 0:
                return found
        except (OSError, ValueError):
            continue
    return None
