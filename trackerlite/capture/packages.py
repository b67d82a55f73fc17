"""Installed packages and their versions, read off folder names.

`importlib.metadata` opens a file per package, which takes a third of a second where many
are installed, with the interpreter's lock held; the folder names say the same.
"""

from __future__ import annotations

import os
import re
import sys

_RUNS = re.compile(r"[-_.]+")


def installed() -> dict[str, str]:
    """{normalised name: version}, sorted; the first one on `sys.path` wins, as in an import."""
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            entries = [entry.name for entry in os.scandir(folder or ".")]
        except (OSError, ValueError):
            continue
        for entry in entries:
            if entry.endswith(".dist-info"):
                name, _, version = entry[:-10].rpartition("-")
            elif entry.endswith((".egg-info", ".egg")):
                name, version = _egg(folder, entry)
            else:
                continue
            if name and version:
                found.setdefault(_RUNS.sub("-", name).lower(), version)
    return dict(sorted(found.items()))


def _egg(folder: str, entry: str) -> tuple[str, str]:
    """A development install's folder has no version in its name: ask its metadata."""
    parts = entry.rsplit(".", 1)[0].split("-")
    if len(parts) > 1:
        return parts[0], parts[1]
    from importlib.metadata import PathDistribution
    from pathlib import Path

    try:
        return parts[0], PathDistribution(Path(folder or ".") / entry).version
    except Exception:  # half an install; the run does not depend on its version
        return "", ""
