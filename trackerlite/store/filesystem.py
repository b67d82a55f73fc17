"""What kind of file system a folder is on, and so where its database may live.

SQLite's WAL needs memory shared between all who open the database, which network
file systems do not give. There the training process only appends to its journal,
and each reader keeps a database of its own in a local cache folder.
"""

from __future__ import annotations

import os
import re
import stat
from functools import cache
from pathlib import Path

from trackerlite import paths

#: File system types, as the kernel names them in /proc/mounts, that are not local.
NETWORK = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "beegfs_nodev",
        "wekafs",
        "orangefs",
        "pvfs2",
        "panfs",
        "ocfs2",
        "gfs2",
        "virtiofs",
        "vboxsf",
        "prl_fs",
        "davfs",
    ]
)

_OCTAL = re.compile(r"\\([0-7]{3})")


def kind(path: Path) -> str:
    """The type of the file system that holds `path`, or "" where nobody tells."""
    try:
        target = os.path.realpath(path)
        best, found = "", ""
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                _, point, name, *_ = line.split(" ")  # a blank in a name is written \040
                point = _OCTAL.sub(lambda m: chr(int(m[1], 8)), point)
                within = target == point or target.startswith(point.rstrip("/") + "/")
                if within and len(point) >= len(best):
                    best, found = point, name
        return found
    except (OSError, ValueError):
        return ""


def is_network(path: Path) -> bool:
    """Whether `path` lies where SQLite's WAL must not be used."""
    name = kind(path)
    return name in NETWORK or name.startswith("fuse")


def database_path(store: Path) -> Path:
    """Where the database of `store` lives: in it, or in a local cache of whoever reads.

    A cache for a store on a network file system, and for one that we may only read and
    whose own database cannot be read as it lies there (its writer was killed, or lives).
    """
    own = store / "trackerlite.db"
    if not is_network(store) and _usable(own):
        return own
    place = Path(os.environ.get("XDG_CACHE_HOME") or paths.home() / ".cache") / "trackerlite"
    if is_network(place) or not may_write(place):  # clusters keep home folders there, too
        place = _private(os.getuid())
    import hashlib  # only on a network file system

    name = hashlib.sha256(os.path.realpath(store).encode()).hexdigest()[:16]
    return place / name / "trackerlite.db"


@cache
def _private(user: int) -> Path:
    """A folder among the temporary files that nobody else made or may write to."""
    import tempfile

    folder = Path(tempfile.gettempdir()) / f"trackerlite-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == user and not status.st_mode & 0o022:
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="trackerlite-"))


def _usable(database: Path) -> bool:
    if not database.parent.exists() or os.access(database.parent, os.W_OK):
        return True
    return os.access(database, os.R_OK) and not os.path.exists(f"{database}-wal")


def may_write(folder: Path) -> bool:
    """Whether `folder` can be written to, or be made."""
    while not folder.exists():
        if folder == folder.parent:
            return False
        folder = folder.parent
    return os.access(folder, os.W_OK)
