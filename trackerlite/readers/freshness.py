"""Bringing a store up to date before it is read, and saying why where that cannot be."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from trackerlite.errors import StoreBusy, StoreTooNew


def catch_up(path: Path) -> str | None:
    """Project what was left behind; the reason if that is not possible here and now."""
    from trackerlite.store.behind import lacks, project_behind

    try:
        project_behind(path)
    except StoreTooNew:
        raise
    except OSError as error:
        if error.filename != str(path / "trackerlite.lock"):
            return in_words(error)
        # We may only read here, where nobody is writing: as a rule nothing was left behind.
        return "you may not write there" if lacks(path) else None
    except (StoreBusy, sqlite3.DatabaseError) as error:
        return str(error)
    return None


def closed(path: Path) -> str | None:
    """The reason why nothing is found in a store whose folders are not open to us."""
    for folder in (path, path / "runs"):
        if os.path.exists(folder) and not os.access(folder, os.R_OK | os.X_OK):
            return f"Permission denied: {folder}"
    return None


def in_words(error: OSError) -> str:
    """What the system says, and of which file."""
    return f"{error.strerror}: {error.filename}" if error.filename else str(error)


def as_it_was(path: Path, trouble: str) -> str:
    """The sentence for a store that could not be brought up to date."""
    return f"{path} is shown as it was last written; newer rows could not be added ({trouble})."
