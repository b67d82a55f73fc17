"""Housekeeping: what may be freed, why, and freeing it.

Only runs in the trash and, when asked for, runs that a server verifiably has; then versions
that only such runs made, contents that no version names, and what killed processes left
behind. A run is moved out of sight before its rows and files go, so that whatever
interrupts it, no run is ever half there.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path
from typing import Any

from trackerlite import paths
from trackerlite.artifacts import Objects, Registry
from trackerlite.errors import TrackerliteError
from trackerlite.journal.files import is_being_written
from trackerlite.readers import Reader, RunInfo
from trackerlite.store.journals import journals_of

YOUNG = 3600.0  # seconds; younger contents may belong to a version that is just being made
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DELETING = "deleting"


@dataclass
class Item:
    """One thing that can be freed.

    Attributes:
        kind: "run", "version", "content" or "leftover". reason: why it may go.
        size, files: what it takes, in bytes and inodes.
    """

    kind: str
    name: str
    reason: str
    path: Path
    size: int = 0
    files: int = 1
    about: dict[str, Any] = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind, "name": self.name, "reason": self.reason, "path": str(self.path),
            "bytes": self.size, "files": self.files,
        }  # fmt: skip


def plan(store: Path, synced: bool = False, older: float = 0.0) -> list[Item]:
    """What `free` would free; nothing is changed.

    Args:
        synced: also runs that a server verifiably has.
        older: of those only such that ended this many seconds ago.
    """
    return survey(store, synced, older)[0]


def survey(store: Path, synced: bool = False, older: float = 0.0) -> tuple[list[Item], int]:
    """The `plan`, and the bytes of contents that it leaves for now since they are too young."""
    going, kept = _unneeded(store, synced, older)
    contents, young = [], 0
    for item in _unnamed(Objects(store), kept):
        if _age(item.path) > YOUNG:
            contents.append(item)
        else:
            young += item.size
    return [*going, *contents, *_leftovers(store)], young


def _unneeded(store: Path, synced: bool, older: float) -> tuple[list[Item], set[str]]:
    """Runs that may go, with the versions that go with them; and the digests that stay named."""
    with Reader.open(store) as reader:
        every, trashed = reader.runs(), reader.runs(trashed=True)
        going = list(_discarded(store, every, trashed))
        gone = {item.about["ref"] for item in going}
        if synced and (store / "sync.db").is_file():
            going += _verified(reader, [run for run in every if run.ref not in gone], older)
            gone = {item.about["ref"] for item in going}
        runs = {run.key: run for run in (*every, *trashed)}
        here = {run.ref for run in runs.values()} - gone
        records = list(reader.artifacts())
    used: set[tuple[str, str, str | None]] = set()
    used_by_gone: set[tuple[str, str, str | None]] = set()
    for info in records:
        run = runs[info.run_key]
        identity = (info.body.get("project") or run.project, info.name, info.version)
        (used if run.ref in here else used_by_gone).add(identity)
    registry = Registry(store)
    kept: set[str] = set()
    versions = []
    for body in registry.versions():
        identity = (body["project"], body["name"], body["version"])
        maker = f"{body['project']}/{body.get('run')}"
        # Its maker may have gone earlier, while the run that goes now still used it.
        goes = maker in gone or (maker not in here and identity in used_by_gone)
        if goes and identity not in used:
            name = f"{body['project']}/{body['name']}:{body['version']}"
            path = registry.folder(body["project"], body["name"]) / f"{body['version']}.json"
            versions.append(Item("version", name, "no other run needs it", path, about=body))
        else:
            kept |= _contents(body, Objects(store))
    for info in records:
        if runs[info.run_key].ref in here:
            kept |= _contents(info.body, Objects(store))
    return [*going, *versions], kept


def free(store: Path, items: list[Item]) -> list[Item]:
    """Free these; returns those that were. One that is in use by now, or changed, is left alone.

    A run's rows name the versions that go with it, so they go after these: what is interrupted
    is planned again.
    """
    from trackerlite.store.remove import remove_run

    registry = Registry(store)
    hidden = {item.path: _hide(store, item.path) for item in items if item.kind == "run"}
    for item in items:
        if item.kind == "version":
            registry.remove(item.about)
    done = []
    for item in items:
        if item.kind == "run":
            place = hidden[item.path]
            if place is not None:
                remove_run(store, item.path)
            ok = place is not None and _remove(place)
        elif item.kind == "content":
            ok = _free_content(item.path)
        else:
            ok = item.kind == "version" or _remove(item.path)
        if ok:
            done.append(item)
    return done


def _discarded(store: Path, runs: list[RunInfo], trashed: list[RunInfo]) -> Iterator[Item]:
    for run in trashed:
        if not _is_written(run.folder):
            yield _run_item(run, "in the trash")
    for run in runs:
        if not run.folder.exists() and _hidden(store, run.folder) is not None:
            yield _run_item(run, "a deletion that was interrupted")


def _verified(reader: Reader, runs: list[RunInfo], older: float) -> Iterator[Item]:
    from trackerlite.store.ledger import Ledger
    from trackerlite.sync.state import synced as is_synced

    ledger = Ledger(reader.path)
    try:
        for run in runs:
            old = time.time() - (run.ended or run.heartbeat or time.time()) >= older
            if old and not _is_written(run.folder) and is_synced(reader, run, ledger):
                yield _run_item(run, "verified at the server")
    finally:
        ledger.close()


def _run_item(run: RunInfo, reason: str) -> Item:
    size, files = _weigh(run.folder)
    return Item("run", f"{run.ref} {run.name}", reason, run.folder, size, files, {"ref": run.ref})


def _contents(body: dict[str, Any], objects: Objects) -> set[str]:
    """Digests that a version's record names, those of its manifest included."""
    found = set(_DIGEST.findall(json.dumps([body.get("entries"), body.get("manifest")])))
    if body.get("manifest"):
        try:
            found |= set(_DIGEST.findall(objects.read(str(body["manifest"])).decode()))
        except (TrackerliteError, UnicodeDecodeError):
            pass  # `doctor` tells; what it named cannot be known any more
    return found


def _unnamed(objects: Objects, kept: set[str]) -> Iterator[Item]:
    for digest, size in objects:
        path = objects.path(digest)
        if digest not in kept:
            yield Item("content", digest[:12], "no version names it", path, size)


def _leftovers(store: Path) -> Iterator[Item]:
    for path, size in Objects(store).unfinished():
        yield Item("leftover", path.name, "a copy that was interrupted", path, size)
    for pattern, reason in (
        (f"{_DELETING}/*", "a deletion that was interrupted"),
        ("checkouts/*", "a checkout that `use_model` makes again when needed"),
        ("trackerlite.db.damaged-*", "a database that was damaged and rebuilt"),
    ):
        for path in sorted(store.glob(pattern)):
            size, files = _weigh(path)
            yield Item("leftover", path.name, reason, path, size, files)


def _hide(store: Path, folder: Path) -> Path | None:
    """Take a run's folder out of sight, if it is not in use; where it is now."""
    inside = folder.parent.parent == store / "runs" and not folder.is_symlink()
    if not inside:
        return None
    earlier = _hidden(store, folder)
    if not folder.exists() and earlier is not None:
        return earlier
    if not folder.is_dir() or _is_written(folder):
        return None
    waiting = store / _DELETING
    waiting.mkdir(exist_ok=True)
    place = waiting / f"{paths.safe_name(folder.name)}-{secrets.token_hex(4)}"
    try:
        return folder.rename(place)
    except OSError:
        return None


def _hidden(store: Path, folder: Path) -> Path | None:
    """Where an interrupted deletion put a run's folder."""
    name = paths.safe_name(folder.name)
    found = (store / _DELETING).glob(f"{escape(name)}-" + "[0-9a-f]" * 8)
    return next(found, None)


def _free_content(path: Path) -> bool:
    """Unless it was taken into use again while we looked: taking in touches it."""
    hidden = path.with_name(f".{path.name}.going")
    try:
        if _age(path) < YOUNG:
            return False
        path.rename(hidden)
        if _age(hidden) < YOUNG:
            hidden.rename(path)
            return False
        hidden.unlink()
    except OSError:
        return False
    return True


def _remove(path: Path) -> bool:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True


def _is_written(folder: Path) -> bool:
    return any(is_being_written(journal.path) for journal in journals_of(folder))


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def _weigh(path: Path) -> tuple[int, int]:
    """(bytes on disk, inodes) of a file or a folder."""
    size = files = 0
    stack = [str(path)]
    while stack:
        place = stack.pop()
        try:
            about = os.lstat(place)
            size += about.st_blocks * 512
            files += 1
            if os.path.isdir(place) and not os.path.islink(place):
                stack += [entry.path for entry in os.scandir(place)]
        except OSError:
            continue
    return size, files
