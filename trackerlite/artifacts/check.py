"""Are the stored contents what their names say, and is everything there that artifacts name?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trackerlite.artifacts.artifact import entries_of
from trackerlite.artifacts.objects import BLOCK, Objects
from trackerlite.artifacts.registry import Registry
from trackerlite.errors import TrackerliteError

_MOST_NAMED = 3


def verify(store: Path) -> Iterator[tuple[Path, str]]:
    """Read every content back; (path, what is wrong with it) for those that are damaged.

    Contents that an artifact names and that are not there are found as well.
    """
    objects, versions = Objects(store), list(Registry(store).versions())
    named = _named(objects, versions)
    there = set()
    for digest, _ in objects:
        there.add(digest)
        path = objects.path(digest)
        try:
            found = _digest(path)
        except OSError as error:
            yield path, f"cannot be read ({error.strerror})"
            continue
        if found != digest:
            harmed = _few([version for version, _ in named.get(digest, ())])
            need = f"{harmed} needs it" if harmed else "no artifact needs it"
            yield path, f"its bytes are not those of its name; {need}"
    for digest, needed in named.items():
        if digest not in there:
            version, inner = needed[0]
            yield objects.path(digest), f"is missing; {version} needs it for {inner}"


def _named(objects: Objects, versions: list[dict[str, Any]]) -> dict[str, list[tuple[str, str]]]:
    """By digest the versions that name it, and as which of their files."""
    named: dict[str, list[tuple[str, str]]] = {}
    for body in versions:
        version = f"{body['project']}/{body['name']}:{body['version']}"
        if body.get("manifest"):
            named.setdefault(str(body["manifest"]), []).append((version, "its list of files"))
        try:
            entries = entries_of(body, objects)
        except (TrackerliteError, ValueError):
            continue  # the list itself is damaged or missing, which is told
        for entry in entries:
            if entry.get("sha256") and not entry.get("ref"):
                named.setdefault(str(entry["sha256"]), []).append(
                    (version, repr(entry.get("path")))
                )
    return named


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def _few(versions: list[str]) -> str:
    unique = list(dict.fromkeys(versions))
    more = len(unique) - _MOST_NAMED
    return ", ".join(unique[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
