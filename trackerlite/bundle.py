"""Bundles: runs, with their artifacts, as one file that can be carried and checked.

A bundle is a zip: `runs/…`, `artifacts/…` and `objects/…` as in the store, and `manifest.json` with the size
and SHA-256 of each. Packing takes journals up to their last whole record, so a run that is
being written can be packed too. `unbundle` takes it in again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trackerlite.artifacts.registry import Registry
from trackerlite.errors import BundleError
from trackerlite.journal.reader import End, JournalReader
from trackerlite.paths import whole
from trackerlite.readers import Reader, RunInfo

FORMAT, VERSION = "trackerlite-bundle", 1
MANIFEST = "manifest.json"
MANIFEST_LIMIT = 256 << 20
_CHUNK = 1 << 20
VERSION_FILE = re.compile(r"v(0|[1-9][0-9]{0,8})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass
class Packed:
    """What went into a bundle: its runs as `project/id`, and how much."""

    path: Path
    runs: list[str] = field(default_factory=list)
    files: int = 0
    size: int = 0


def pack(reader: Reader, runs: Sequence[RunInfo], target: Path, *, force: bool = False) -> Packed:
    """Write `runs` with their artifacts into the file `target`.

    Raises:
        BundleError: `target` is there already (and not `force`), or could not be written.
    """
    if target.exists() and not force:
        raise BundleError(f"{target} is there already; it was left alone. --force replaces it.")
    packed = Packed(target)
    manifest: dict[str, Any] = {"format": FORMAT, "version": VERSION, "runs": [], "files": {}}
    try:
        with whole(target) as temporary, open(temporary, "xb") as raw:
            with zipfile.ZipFile(raw, "w", allowZip64=True) as archive:
                for name, path in _files(reader, runs):
                    manifest["files"][name] = entry = _add(archive, name, path)
                    packed.files += 1
                    packed.size += entry["size"]
                for run in runs:
                    folder = run.folder.relative_to(reader.path).as_posix()
                    about = {"id": run.id, "project": run.project, "name": run.name}
                    manifest["runs"].append(about | {"folder": folder})
                    packed.runs.append(run.ref)
                archive.writestr(_member(MANIFEST), json.dumps(manifest, indent=1))
            raw.flush()
            os.fsync(raw.fileno())
    except OSError as error:
        raise BundleError(f"{target} could not be written: {error.strerror or error}.") from error
    return packed


def _files(reader: Reader, runs: Iterable[RunInfo]) -> Iterator[tuple[str, Path]]:
    """(name in the bundle, path) of every file of the runs, and of the objects they refer to."""
    objects: set[str] = set()
    versions: set[Path] = set()
    registry = Registry(reader.path)
    for run in runs:
        for made in reader.artifacts(run.key):
            if made.use == "output" and made.version and VERSION_FILE.fullmatch(made.version):
                versions.add(registry.folder(run.project, made.name) / f"{made.version}.json")
        for folder, folders, files in os.walk(run.folder):
            folders.sort()
            for file in sorted(files):
                path = Path(folder, file)
                if path.is_symlink() or not path.is_file() or file.startswith("."):
                    continue
                yield path.relative_to(reader.path).as_posix(), path
        objects |= _objects(reader, run)
    for path in sorted(versions):
        if path.is_file():
            yield path.relative_to(reader.path).as_posix(), path
    for digest in sorted(objects):
        name = f"objects/{digest[:2]}/{digest}"
        if (reader.path / name).is_file():
            yield name, reader.path / name


def _objects(reader: Reader, run: RunInfo) -> set[str]:
    """Digests of every object that a run's artifacts name, those of their manifests included."""
    found: set[str] = set()
    waiting = set(_SHA256.findall(json.dumps([a.body for a in reader.artifacts(run.key)])))
    while waiting - found:
        digest = (waiting - found).pop()
        found.add(digest)
        path = reader.path / "objects" / digest[:2] / digest
        try:
            with open(path, "rb") as file:
                start = file.read(1)
                if start in (b"{", b"[") and path.stat().st_size < MANIFEST_LIMIT:
                    waiting |= set(
                        _SHA256.findall((start + file.read()).decode("utf-8", "replace"))
                    )
        except OSError:
            continue
    return found


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    """Write one file; returns its manifest entry. A file that shrinks meanwhile is refused."""
    size = _whole_size(path)
    digest = hashlib.sha256()
    member = _member(name, compress=name.startswith("runs/"))
    left = size
    with open(path, "rb") as source, archive.open(member, "w", force_zip64=True) as out:
        while left and (chunk := source.read(min(left, _CHUNK))):
            digest.update(chunk)
            out.write(chunk)
            left -= len(chunk)
    if left:
        raise BundleError(f"{path} became shorter while it was read; try again.")
    return {"size": size, "sha256": digest.hexdigest()}


def _whole_size(path: Path) -> int:
    """A file's size; of a journal only what is there in whole records."""
    if ".tfevents." not in path.name and path.suffix != ".tfrecord":
        return path.stat().st_size
    reader = JournalReader(path)
    for _ in reader.read():
        pass
    return reader.offset if reader.end is not End.DEAD else path.stat().st_size


def _member(name: str, *, compress: bool = True) -> zipfile.ZipInfo:
    # The earliest time a zip can say: equal runs make equal bundles.
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    return member
