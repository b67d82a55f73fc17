"""Bundles taken in: nothing of one is believed.

Every name, size and checksum is verified in a folder aside before anything in the store is
touched. A run that is there already only ever grows: a file whose content goes on from ours
replaces it, one that is shorter is passed over, and one that differs refuses the bundle.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackerlite.artifacts.registry import Registry, check_name, number_of
from trackerlite.bundle import (
    FORMAT,
    MANIFEST,
    MANIFEST_LIMIT,
    VERSION,
    VERSION_FILE,
)
from trackerlite.errors import BadInput, BundleError
from trackerlite.journal.files import is_being_written
from trackerlite.journal.framing import frame
from trackerlite.journal.reader import JournalReader
from trackerlite.paths import inside
from trackerlite.recording.folders import prepare
from trackerlite.store.journals import EDITS_FILE

_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 1 << 20
_OBJECT = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_VERSION = re.compile(rf"artifacts/[^/]+/[^/]+/{VERSION_FILE.pattern}\.json")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\:]")
# DEFLATE cannot do better than 1,032 to 1; journals of one repeated value come near 50.
_RATIO, _RATIO_FREE = 200, 64 << 20


@dataclass
class Unpacked:
    """What a run of a bundle brought.

    Attributes:
        change: "new", "grown" (there were files or records more than ours) or "same".
    """

    project: str
    id: str
    name: str
    change: str = "same"


def is_bundle(path: Path) -> bool:
    """Whether `path` is a zip with a manifest in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.NameToInfo
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def unpack(bundle: Path, store: Path) -> list[Unpacked]:
    """Take the runs of `bundle` into `store`.

    Raises:
        BundleError: it is damaged, unsafe, too large for the disk, or contradicts a run that
            is there; the store is as it was.
    """
    prepare(store)
    aside = store / f".incoming-{secrets.token_hex(8)}"
    try:
        with zipfile.ZipFile(bundle) as archive:
            if any(member.compress_type not in _PACKINGS for member in archive.infolist()):
                raise zipfile.BadZipFile("a file is packed as no bundle packs")
            manifest = _manifest(archive)
            _check_sizes(archive, manifest["files"], store)
            aside.mkdir()
            for name, entry in manifest["files"].items():
                _extract(archive, name, entry, aside)
        runs = [_run(entry) for entry in manifest["runs"]]
        changed = _changes(manifest["files"], aside, store)
        versions = [_version(aside / name, name) for name in _listed(manifest, _VERSION)]
        for name, change in changed.items():
            place = _merge_edits if change == "merged" else _place
            place(aside / name, inside(store, name))
        _register(versions, Registry(store))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BundleError(f"{bundle} is damaged ({error}); nothing was taken in.") from error
    except BadInput as error:
        raise BundleError(f"{bundle} was refused: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    for folder, run in runs:
        mine = [change for name, change in changed.items() if name.startswith(f"{folder}/")]
        whole = sum(name.startswith(f"{folder}/") for name in manifest["files"])
        if mine:
            run.change = "new" if mine.count("new") == whole else "grown"
    return [run for _, run in runs]


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    """The manifest, once it is sure that the archive holds just what it lists."""
    names = [member.filename for member in archive.infolist()]
    if len(set(names)) != len(names):
        raise BundleError("The bundle holds two files of one name; nothing was taken in.")
    if MANIFEST not in names:
        raise BundleError("The file has no manifest: it is no bundle.")
    if archive.getinfo(MANIFEST).file_size > MANIFEST_LIMIT:
        raise BundleError("The bundle's manifest is too large to be true; nothing was taken in.")
    try:
        manifest = json.loads(archive.read(MANIFEST))
        version, files, runs = manifest["version"], manifest["files"], manifest["runs"]
        sizes = [(int(entry["size"]), str(entry["sha256"])) for entry in files.values()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError("The bundle's manifest cannot be read; nothing was taken in.") from error
    if manifest.get("format") != FORMAT or version != VERSION:
        raise BundleError(
            f"The bundle is of another kind ({manifest.get('format')!r:.40} {version!r:.20}); "
            "a newer trackerlite may know it. Nothing was taken in."
        )
    if set(files) != set(names) - {MANIFEST} or any(size < 0 for size, _ in sizes):
        raise BundleError("The bundle does not hold what its manifest lists; nothing was taken in.")
    if not isinstance(runs, list):
        raise BundleError("The bundle's manifest cannot be read; nothing was taken in.")
    for member in archive.infolist():
        _check_name(member)
    return manifest  # type: ignore[no-any-return]


def _check_name(member: zipfile.ZipInfo) -> None:
    """Refuse every name but that of a file where a store has its files."""
    name = member.filename
    mode = member.external_attr >> 16
    parts = name.split("/")
    safe = (
        not _UNSAFE.search(name)
        and all(part and not part.startswith(".") and len(part.encode()) < 256 for part in parts)
        and (not stat.S_IFMT(mode) or stat.S_ISREG(mode))
    )
    known = _OBJECT.fullmatch(name) or _VERSION.fullmatch(name)
    placed = known or name == MANIFEST or (parts[0] == "runs" and len(parts) > 3)
    if not safe or not placed:
        raise BundleError(f"The bundle holds {name[:200]!r}, which is no place for a file.")


def _check_sizes(archive: zipfile.ZipFile, files: dict[str, Any], store: Path) -> None:
    total = 0
    for name, entry in files.items():
        member = archive.getinfo(name)
        if member.file_size != entry["size"]:
            raise BundleError(f"{name[:200]} is not as long as the manifest says.")
        if entry["size"] > _RATIO_FREE and entry["size"] > member.compress_size * _RATIO:
            raise BundleError(f"{name[:200]} is packed more tightly than any real file.")
        total += entry["size"]
    free = shutil.disk_usage(store).free
    if total > free:
        raise BundleError(
            f"The bundle needs {total / 1e9:.1f} GB and {store} has {free / 1e9:.1f} GB left; "
            "nothing was taken in."
        )


def _extract(archive: zipfile.ZipFile, name: str, entry: dict[str, Any], aside: Path) -> None:
    """Write one file aside, and verify it."""
    path = aside / name
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, left = hashlib.sha256(), entry["size"]
    with archive.open(name) as source, open(path, "xb") as out:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                break
            digest.update(chunk)
            out.write(chunk)
    found = _OBJECT.fullmatch(name)
    if left or digest.hexdigest() != entry["sha256"] or (found and found[2] != entry["sha256"]):
        raise BundleError(f"{name[:200]} fails its checksum; nothing was taken in.")


def _run(entry: Any) -> tuple[str, Unpacked]:
    try:
        run = Unpacked(str(entry["project"]), str(entry["id"]), str(entry["name"]))
        return str(entry["folder"]), run
    except (KeyError, TypeError) as error:
        raise BundleError("The bundle's manifest cannot be read; nothing was taken in.") from error


def _changes(files: dict[str, Any], aside: Path, store: Path) -> dict[str, str]:
    """Which files are "new", "grown" or "merged"; objects first, so that no run lacks its own."""
    changed: dict[str, str] = {}
    for name in sorted(files):
        target = inside(store, name)
        if _VERSION.fullmatch(name):
            continue
        if not target.exists():
            changed[name] = "new"
        elif _OBJECT.fullmatch(name):
            continue
        else:
            ours, theirs = target.stat().st_size, files[name]["size"]
            same = _same_start(aside / name, target, min(ours, theirs))
            if not same and target.name == EDITS_FILE:
                changed[name] = "merged"
                continue
            if not same:
                raise BundleError(
                    f"{name} of the bundle contradicts the one in {store}; nothing was taken in. "
                    "Another run of that id was recorded there."
                )
            if theirs > ours and is_being_written(target):
                raise BundleError(
                    f"{name} is being written in {store}; nothing was taken in. "
                    "Import again when that run has ended."
                )
            if theirs > ours:
                changed[name] = "grown"
    return changed


def _listed(manifest: dict[str, Any], pattern: re.Pattern[str]) -> list[str]:
    return [name for name in manifest["files"] if pattern.fullmatch(name)]


def _version(path: Path, name: str) -> dict[str, Any]:
    """A version of an artifact, as it was registered where it was made."""
    try:
        version = json.loads(path.read_bytes())
        known = {key: str(version[key]) for key in ("project", "name", "version", "digest")}
        check_name(known["name"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(f"{name[:200]} is no artifact; nothing was taken in.") from error
    return {**version, **known}


def _register(versions: list[dict[str, Any]], registry: Registry) -> None:
    """Let artifacts be found by name: each version under its number, or the next if that is taken here.

    An alias means the newest that had it, unless it means here what the bundle does not hold.
    """
    by_name: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for version in versions:
        by_name.setdefault((version["project"], version["name"]), []).append(version)
    for (project, name), theirs in by_name.items():
        known = {_identity(v): str(v["version"]) for v in registry.versions(project, name)}
        meant, here = registry.aliases(project, name), {}
        theirs.sort(key=lambda version: number_of(version["version"]) or 0)
        for version in theirs:
            here[_identity(version)] = known.get(_identity(version)) or registry.put(version)
        given = {"latest", *(a for a, v in meant.items() if v not in here.values())}
        for version in reversed(theirs):
            aliases = version.get("aliases")
            kept = aliases if isinstance(aliases, list) and not version.get("abandoned") else []
            for alias in map(str, kept):
                if alias not in given:
                    given.add(alias)
                    registry.point(project, name, alias, here[_identity(version)])


def _identity(version: dict[str, Any]) -> tuple[str, str]:
    return str(version["digest"]), str(version.get("run"))


def _same_start(one: Path, other: Path, size: int) -> bool:
    with open(one, "rb") as first, open(other, "rb") as second:
        while size > 0:
            a, b = first.read(min(size, _CHUNK)), second.read(min(size, _CHUNK))
            if a != b or not a:
                return False
            size -= len(a)
    return True


def _merge_edits(source: Path, target: Path) -> None:
    """Add the edits that only the bundle has; of two that contradict each other the later wins."""
    fd = os.open(target, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        ours = {payload for _, payload in JournalReader(target).read()}
        theirs = [payload for _, payload in JournalReader(source).read()]
        # The first record is the file's version, and has its time in it.
        os.write(fd, b"".join(frame(payload) for payload in theirs[1:] if payload not in ours))
        os.fsync(fd)
    finally:
        os.close(fd)


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(source, "rb") as file:
        os.fsync(file.fileno())
    source.replace(target)
